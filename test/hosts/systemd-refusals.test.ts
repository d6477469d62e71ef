import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packBundle, planBundle } from "../../components/systemd/bundle.ts";
import { installCommand, uninstallCommand, uploadPath } from "../../components/systemd/commands.ts";
import { reachHost, sshArguments } from "../../components/systemd/reach.ts";
import { planHostTrees, type SystemdInputs } from "../../components/systemd/tree.ts";
import type { SystemdHost } from "../../core/systemd-spec.ts";
import { testServerBinary } from "../support/cluster.ts";
import { hostSpec, sha256Of, testIdentity } from "../support/host-bus.ts";
import { runSsh } from "../support/ssh.ts";
import { install, provideProgram, systemdInputs, systemdSecrets } from "../support/systemd-bus.ts";
import { startTestHost, type TestHost } from "../support/test-host.ts";
import { systemdObstacle, titled } from "./obstacles.ts";

const missing = systemdObstacle();
const PLACES =
  "/etc/natsbus /var/lib/natsbus /usr/local/lib/natsbus /etc/systemd/system/nats-* /etc/tmpfiles.d/nats-* /etc/nginx/conf.d/nats-* /etc/nginx/nats-* /etc/systemd/journald@natsbus.conf";
const LEFT = `ls -d ${PLACES} 2>/dev/null || true; getent passwd natsbus || true; nft list tables; systemctl list-units --plain --no-legend 'nats-*'`;
const BUNDLE = "/root/bundle";

/** A folder with every program of the host but one. */
const without = (program: string) =>
  `rm -rf /root/tools; mkdir /root/tools; ln -sf /usr/bin/* /usr/sbin/* /root/tools/; rm /root/tools/${program}`;

/** What is wrong, how it comes about and is undone, and how it is told; `as` comes before the installer. */
interface Refusal {
  readonly what: string;
  readonly code: string;
  readonly says: string;
  readonly damage?: string;
  readonly repair?: string;
  readonly as?: string;
  readonly installer?: string;
}

const REFUSALS: readonly Refusal[] = [
  { what: "an option it does not know", installer: `${BUNDLE}/install.sh --what`, code: "ERR_USAGE", says: "it takes --check" },
  {
    what: "a user who is not root",
    damage: `rm -rf /tmp/own; cp -r ${BUNDLE} /tmp/own; chown -R nobody /tmp/own`,
    as: "setpriv --reuid nobody --clear-groups",
    installer: "/tmp/own/install.sh",
    code: "ERR_HOST_ACCESS",
    says: "set sudo: true for the host",
  },
  {
    what: "an old systemd",
    damage: "mkdir -p /root/old; printf '#!/bin/sh\\necho systemd 240\\n' > /root/old/systemctl; chmod +x /root/old/systemctl",
    as: "PATH=/root/old:$PATH",
    code: "ERR_HOST_TOOL",
    says: "systemd 247 or newer is needed",
  },
  {
    what: "a host without nftables",
    damage: without("nft"),
    as: "PATH=/root/tools",
    code: "ERR_HOST_TOOL",
    says: "systemd.firewall: false",
  },
  {
    what: "a host without nginx",
    damage: without("nginx"),
    as: "PATH=/root/tools",
    code: "ERR_HOST_TOOL",
    says: "systemd.proxy.enabled: false",
  },
  {
    what: "a host without the program that would watch it",
    damage: `echo "COMPANIONS='/usr/local/bin/absent'" >> ${BUNDLE}/settings`,
    code: "ERR_HOST_TOOL",
    says: "turn systemd.exporter, systemd.probe or monitoring off",
  },
  {
    what: "a port that is taken",
    damage:
      "systemd-run --quiet --unit=taken --service-type=exec /usr/bin/python3 -m http.server --bind 127.0.0.1 8223; until (exec 3<>/dev/tcp/127.0.0.1/8223) 2>/dev/null; do sleep 0.1; done",
    repair: "systemctl stop taken",
    code: "ERR_PORT_IN_USE",
    says: "port 8223, which server n2 needs, is taken by python3",
  },
  {
    what: "a disk that is too small for the streams",
    damage: "mkdir /var/lib/natsbus; mount -t tmpfs -o size=1m small /var/lib/natsbus",
    repair: "umount /var/lib/natsbus; rmdir /var/lib/natsbus",
    code: "ERR_HOST_DISK",
    says: "lower jetstream.maxStorage",
  },
  {
    what: "a disk that is full",
    damage: "mkdir /etc/natsbus; mount -t tmpfs -o size=16k small /etc/natsbus",
    repair: "umount /etc/natsbus; rmdir /etc/natsbus",
    code: "ERR_HOST_DISK",
    says: "make room on its file system",
  },
  {
    what: "a run that is still at work",
    damage:
      "flock -o /run/lock/natsbus-test.lock sleep 60 >/dev/null 2>&1 & echo $! > /root/holder; while flock -n /run/lock/natsbus-test.lock true; do sleep 0.1; done",
    repair: "kill $(cat /root/holder)",
    as: "NATSBUS_LOCK_SECONDS=1",
    code: "ERR_STATE_LOCKED",
    says: "wait for it",
  },
  { what: "a program that was not sent", damage: `rm ${BUNDLE}/nats-server`, code: "ERR_SERVER_BINARY", says: "render or deploy again" },
  {
    what: "a program with another checksum",
    damage: `rm ${BUNDLE}/nats-server; echo x > ${BUNDLE}/nats-server`,
    code: "ERR_SERVER_BINARY",
    says: "correct systemd.binary.sha256",
  },
  {
    what: "an address the program cannot be fetched from",
    damage: `echo "PROGRAM_URL='https://127.0.0.1:9/nats-server'" >> ${BUNDLE}/settings`,
    code: "ERR_SERVER_BINARY",
    says: "remove systemd.binary.url",
  },
  {
    what: "a program named by a path where there is none",
    damage: `printf "PROGRAM='/usr/bin/absent'\\nPROGRAM_SHA256=''\\n" >> ${BUNDLE}/settings`,
    code: "ERR_SERVER_BINARY",
    says: "install nats-server there",
  },
  {
    what: "a configuration the server refuses",
    damage: `echo 'nonsense: {' >> ${BUNDLE}/root/etc/natsbus/test/n3/nats.conf`,
    code: "ERR_SERVER_CONFIG",
    says: "server n3 would refuse its configuration",
  },
  {
    what: "a certificate that is none",
    damage: `for file in ${BUNDLE}/root/etc/natsbus/test/n2/tls/*.pem; do echo nothing > $file; done`,
    code: "ERR_SERVER_CONFIG",
    says: "server n2 would refuse its configuration",
  },
  {
    what: "firewall rules nft refuses",
    damage: `echo nonsense >> ${BUNDLE}/root/etc/natsbus/test/firewall.nft`,
    code: "ERR_SERVER_CONFIG",
    says: "correct systemd.clientNetworks",
  },
  {
    what: "a site nginx refuses",
    damage: `echo nonsense >> ${BUNDLE}/root/etc/nginx/conf.d/nats-test.conf`,
    code: "ERR_SERVER_CONFIG",
    says: "correct systemd.proxy",
  },
];

describe.skipIf(missing !== undefined)(titled("a fresh host with systemd", missing), () => {
  let host: TestHost;
  let inputs: SystemdInputs;

  beforeAll(async () => {
    host = await startTestHost("systemd", "refusals");
    await provideProgram(host);
    await host.sh("rm -f /etc/nginx/sites-enabled/*");
    inputs = systemdInputs({ systemd: { proxy: { enabled: true } } }, systemdSecrets(testIdentity()));
    // Brings the bundle and changes nothing.
    expect(await install(host, inputs, ["--check"])).toMatchObject({ code: 3 });
  });
  afterAll(() => host[Symbol.asyncDispose]());

  test.each(REFUSALS)("refuses $what, says what to do, and leaves nothing", async ({ damage, repair, as, installer, code, says }) => {
    await install(host, inputs, ["--check"]);
    await host.sh(damage ?? "true");
    const result = await host.run(["bash", "-c", `${as ?? ""} ${installer ?? `${BUNDLE}/install.sh`}`]);
    await host.sh(repair ?? "true");
    expect(result.stderr).toContain(`[${code}]`);
    expect(result.stderr).toContain(says);
    expect(result.code).toBe(1);
    expect(await host.sh(LEFT)).toBe("");
  });

  describe("over SSH", () => {
    const keys = mkdtempSync(join(tmpdir(), "natsbus-ssh-"));
    const key = (name: string) =>
      readFileSync(join(keys, `${name}.pub`), "utf8")
        .split(" ")
        .slice(0, 2)
        .join(" ");
    let login: SystemdHost;
    let bastion: NonNullable<SystemdHost["bastion"]>;

    beforeAll(async () => {
      for (const name of ["host", "bastion", "user", "stranger"])
        execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(keys, name)]);
      for (const [name, port] of [
        ["host", 2222],
        ["bastion", 2223],
      ] as const) {
        await host.sh(`mkdir -p /run/sshd; cat > /root/${name}_key; chmod 600 /root/${name}_key`, readFileSync(join(keys, name)));
        await host.sh(
          `/usr/sbin/sshd -p ${port} -h /root/${name}_key -o ListenAddress=127.0.0.1 -o UsePAM=no -o PidFile=/run/sshd-${port}.pid`,
        );
      }
      for (const user of ["deploy", "guest"])
        await host.sh(
          `useradd -m -p '*' -s /bin/bash ${user}; install -d -o ${user} /home/${user}/.ssh; cat > /home/${user}/.ssh/authorized_keys`,
          readFileSync(join(keys, "user.pub")),
        );
      await host.sh("echo 'deploy ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/deploy");
      const ports = await host.relay([2222, 2223]);
      const privateKeyFile = join(keys, "user");
      const [first] = hostSpec({
        target: "systemd",
        systemd: { hosts: [{ address: "127.0.0.1", port: ports.get(2222), user: "deploy", privateKeyFile, hostKey: key("host") }] },
      }).systemd.hosts;
      login = first as SystemdHost;
      bastion = { address: "127.0.0.1", port: ports.get(2223) ?? 0, user: "guest", privateKeyFile, hostKey: key("bastion") };
    });
    afterAll(() => rmSync(keys, { recursive: true, force: true }));

    /** The host as the bastion reaches it. */
    const behind = (): SystemdHost => ({ ...login, port: 2222, bastion });

    test("accepts the pinned key, a user who may run sudo, and a bastion with a key of its own", async () => {
      await reachHost(login, "systemd.hosts[0]");
      await reachHost(behind(), "systemd.hosts[0]");
    });

    test.each<[string, () => SystemdHost, string]>([
      ["a host that does not answer", () => ({ ...login, port: 9 }), "address"],
      ["a host whose name nobody knows", () => ({ ...login, address: "absent.invalid" }), "address"],
      ["a host that shows another key", () => ({ ...login, hostKey: key("stranger") }), "hostKey"],
      ["a user who is not let in", () => ({ ...login, privateKeyFile: join(keys, "stranger") }), "user"],
      ["a user the host does not know", () => ({ ...login, user: "nobodyhere" }), "user"],
      ["a key file that is not there", () => ({ ...login, privateKeyFile: join(keys, "absent") }), "privateKeyFile"],
      ["a user who may not run sudo", () => ({ ...login, user: "guest" }), "sudo"],
      ["a user who is not root, without sudo", () => ({ ...login, sudo: false }), "sudo"],
      ["a bastion that shows another key", () => ({ ...behind(), bastion: { ...bastion, hostKey: key("host") } }), "bastion.hostKey"],
      ["a bastion that does not answer", () => ({ ...behind(), bastion: { ...bastion, port: 9 } }), "bastion.address"],
      ["a host that shows another key behind a bastion", () => ({ ...behind(), hostKey: key("bastion") }), "hostKey"],
      ["a host that does not answer behind a bastion", () => ({ ...behind(), port: 9 }), "address"],
    ])("refuses %s by the setting", async (_, makeHost, path) => {
      await expect(reachHost(makeHost(), "systemd.hosts[0]")).rejects.toMatchObject({
        code: "ERR_HOST_ACCESS",
        path: `systemd.hosts[0].${path}`,
        remedy: expect.stringMatching(/.{10}/),
      });
    });

    test("sets up services through a bastion as a user with sudo, and removes them", async () => {
      const folder = mkdtempSync(join(tmpdir(), "natsbus-ssh-"));
      const args = await sshArguments(behind(), folder);
      const ssh = (command: string, input: string | Buffer = "") => runSsh([...args, command], input);
      const program = uploadPath(sha256Of(testServerBinary()));
      await ssh(`cat > ${program}`, readFileSync(testServerBinary()));
      const [tree] = planHostTrees(inputs);
      if (tree === undefined) throw new Error("there is no host");
      const said = await ssh(installCommand(behind(), program, "cluster"), packBundle(planBundle(tree)).toString("base64"));
      expect(said).toContain("n1 n2 n3 as configured");
      expect(await host.sh("systemctl is-active nats-test-n1 nats-test-n2 nats-test-n3")).toBe("active\nactive\nactive\n");
      await ssh(uninstallCommand(behind(), "test", true));
      await host.sh("userdel natsbus; rm -f /home/deploy/.natsbus*");
      expect(await host.sh(LEFT)).toBe("");
      rmSync(folder, { recursive: true });
    });
  });
});
