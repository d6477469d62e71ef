import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SystemdInputs } from "../../components/systemd/tree.ts";
import { testIdentity } from "../support/host-bus.ts";
import { exporterProgram } from "../support/program-image.ts";
import { install, provideProgram, systemdInputs, systemdSecrets } from "../support/systemd-bus.ts";
import { startTestHost, type TestHost } from "../support/test-host.ts";
import { exporterObstacle, systemdObstacle, titled } from "./obstacles.ts";

const PASSWORD = "look";
const PROGRAM = resolve(import.meta.dirname, "../../cli/natsbus.js");
const FACTS = { cluster: "test", servers: 3, tls: true, streams: [] };
const missing = systemdObstacle();

describe.skipIf(missing !== undefined)(titled("a host with systemd", missing), () => {
  let host: TestHost;
  let secrets: ReturnType<typeof systemdSecrets>;
  let inputs: SystemdInputs;

  beforeAll(async () => {
    host = await startTestHost("systemd", "services");
    await provideProgram(host);
    // What the machine's own nginx shows is none of the host's.
    await host.sh("rm -f /etc/nginx/sites-enabled/*");
    secrets = systemdSecrets(testIdentity());
    const hash = execFileSync("htpasswd", ["-nbB", "-C", "5", "ann", PASSWORD], { encoding: "utf8" }).trim().split(":")[1] ?? "";
    await provideProbe(host);
    const systemd = { healthInterval: "10s", proxy: { enabled: true, tls: true, users: { ann: hash } }, probe: { enabled: true } };
    inputs = { ...systemdInputs({ systemd }, secrets), probe: { facts: FACTS } };
    const result = await install(host, inputs);
    expect(result.stderr).toBe("");
    expect(result.code).toBe(0);
  });

  afterAll(() => host[Symbol.asyncDispose]());

  test("runs every server as its own user, with files only root and that user may read", async () => {
    expect(await host.sh("ps -o user= -C nats-server-2.15.2 2>/dev/null || ps -eo user=,comm= | awk '/nats-server/ {print $1}'")).toBe(
      "natsbus\nnatsbus\nnatsbus\n",
    );
    expect(await host.sh("find /etc/natsbus/test -name '*.key' -printf '%m %u %g\\n' | sort -u")).toBe("640 root natsbus\n");
    expect((await host.run(["setpriv", "--reuid", "nobody", "--clear-groups", "cat", "/etc/natsbus/test/n1/nats.conf"])).code).not.toBe(0);
  });

  test("shows the monitoring pages below /nats/ to those with a password, with headers, and nothing else", async () => {
    const ask = (args: string) => host.sh(`curl -sk -o /tmp/body -D - ${args} && cat /tmp/body`);
    expect(await ask("https://127.0.0.1:8080/nats/healthz")).toContain("401");
    const page = await ask(`-u ann:${PASSWORD} https://127.0.0.1:8080/nats/healthz`);
    expect(page).toContain('"status"');
    expect(page.toLowerCase()).toContain("strict-transport-security");
    expect(await ask(`-u ann:${PASSWORD} https://127.0.0.1:8080/nats/n3/varz`)).toContain('"server_name": "n3"');
    expect(await ask(`-u ann:${PASSWORD} https://127.0.0.1:8080/`)).toContain("404");
    expect(await ask(`-u ann:${PASSWORD} -X POST https://127.0.0.1:8080/nats/healthz`)).toContain("403");
  });

  test("runs a probe beside the servers, which shows their metrics on loopback", async () => {
    expect(await host.sh("systemctl is-active nats-test-probe.service")).toBe("active\n");
    const page = (path: string) => host.sh(`curl -s http://127.0.0.1:7799${path} || true`);
    await expect.poll(() => page("/metrics"), { timeout: 60_000, interval: 500 }).toMatch(/natsbus_meta_ready\{[^}]*n3[^}]*\} 1/);
    expect(await page("/servers/n2/metrics")).toContain("nats_varz");
    expect(await host.sh("stat -c '%a %U %G' /etc/natsbus/test/probe.json")).toBe("640 root natsbus\n");
  });

  test("checks health by a timer, and says in the journal and by the exit code who is not well", async () => {
    await expect
      .poll(() => host.sh("journalctl --namespace=natsbus -t nats-health --no-pager -o cat || true"), { timeout: 60_000, interval: 500 })
      .toContain("ok: server n2 of test");
    await host.sh("systemctl stop nats-test-health.timer; systemctl stop nats-test-n2.service");
    const { code } = await host.run(["systemctl", "start", "nats-test-health.service"]);
    expect(code).not.toBe(0);
    expect(await host.sh("journalctl --namespace=natsbus -t nats-health --no-pager -p err -o cat")).toContain(
      "bad: server n2 does not answer",
    );
    await host.sh("systemctl start nats-test-n2.service nats-test-health.timer");
  });

  test("starts a killed server again", async () => {
    const before = host.instance("nats-test-n1.service", "nats-server");
    process.kill(Number(before?.split("@")[0]), "SIGKILL");
    await expect
      .poll(() => host.instance("nats-test-n1.service", "nats-server"), { timeout: 60_000, interval: 200 })
      .toSatisfy((now) => now !== undefined && now !== before);
  });

  test("rotates the servers' own journal", async () => {
    await host.sh("journalctl --namespace=natsbus --rotate");
    expect(await host.sh("ls /var/log/journal/*.natsbus/")).toMatch(/system@.*\.journal/);
    expect(await host.sh("cat /etc/systemd/journald@natsbus.conf")).toMatch(/Compress=yes[\s\S]*MaxRetentionSec=/);
  });

  test("loads a firewall of its own and leaves others alone", async () => {
    await host.sh("nft add table inet other; nft add chain inet other input '{ type filter hook input priority 0; }'");
    await install(host, systemdInputs({ systemd: { clientNetworks: ["10.1.0.0/16"] } }, secrets));
    const rules = await host.sh("nft list ruleset");
    expect(rules).toContain("table inet other");
    expect(rules).toMatch(/set clients4[\s\S]*10\.1\.0\.0\/16/);
    await host.sh("systemctl stop nats-test-firewall.service");
    expect(await host.sh("nft list tables")).toBe("table inet other\n");
    await host.sh("systemctl start nats-test-firewall.service");
  });

  test("shows the pages over HTTP on loopback in development, and turns away whoever asks too often", async () => {
    const proxy = { enabled: true, requestsPerSecond: 5 };
    expect(await install(host, systemdInputs({ systemd: { proxy } }, secrets))).toMatchObject({ code: 0 });
    await expect
      .poll(() => host.sh("curl -s http://127.0.0.1:8080/nats/healthz || true"), { timeout: 30_000, interval: 200 })
      .toContain('"ok"');
    const codes = await host.sh(
      `for _ in $(seq 40); do curl -s -o /dev/null -w '%{http_code}\\n' http://127.0.0.1:8080/nats/healthz; done | sort -u`,
    );
    expect(codes).toBe("200\n429\n");
    expect(await host.sh("ss -ltnH 'sport = :8080'")).toMatch(/127\.0\.0\.1:8080/);
  });

  test.skipIf(exporterObstacle() !== undefined)(titled("runs the official exporter beside each server", exporterObstacle()), async () => {
    await host.sh(
      "cat > /usr/local/bin/prometheus-nats-exporter; chmod 755 /usr/local/bin/prometheus-nats-exporter",
      readFileSync(exporterProgram()),
    );
    expect(await install(host, systemdInputs({ systemd: { exporter: { enabled: true } } }, secrets))).toMatchObject({ code: 0 });
    for (const [name, port] of [
      ["n1", 7777],
      ["n3", 7779],
    ] as const)
      await expect
        .poll(() => host.sh(`curl -s http://127.0.0.1:${port}/metrics || true`), { timeout: 60_000, interval: 500 })
        .toMatch(new RegExp(`nats_varz_connections\\{server_id="${name}"\\}`));
    expect(await host.sh("ps -o user= -C prometheus-nats-exporter | sort -u")).toBe("natsbus\n");
  });

  test("takes over renewed certificates without a restart, and removes the old ones", async () => {
    await install(host, inputs);
    const before = host.instance("nats-test-n3.service", "nats-server");
    const renewed = { ...secrets, ...systemdSecrets(testIdentity()), identity: secrets.identity };
    const result = await install(host, { ...inputs, ...renewed });
    expect(`${result.code}${result.stderr}`).toBe("0");
    expect(host.instance("nats-test-n3.service", "nats-server")).toBe(before);
    expect(await host.sh("ls /etc/natsbus/test/n3/tls | wc -l")).toBe("3\n");
  });

  test.each([
    ["another stack's bus of the same name", "sed -i \"s#^OWNER=.*#OWNER='other/prod'#\" /etc/natsbus/test/settings", "ERR_RUNTIME_FOLDER"],
    ["data of another stack", "sed -i \"s#^OWNER=.*#OWNER='other/prod'#\" /var/lib/natsbus/test/settings", "ERR_RUNTIME_FOLDER"],
    ["a server that was taken out", "echo 'n4 4225 6225 8225' >> /etc/natsbus/test/servers", "ERR_SCALE_DOWN"],
    [
      "a program with another checksum",
      "rm /usr/local/lib/natsbus/nats-server-2.15.2 /root/bundle/nats-server; echo x > /root/bundle/nats-server",
      "ERR_SERVER_BINARY",
    ],
    ["a program that was not sent", "rm /usr/local/lib/natsbus/nats-server-2.15.2 /root/bundle/nats-server", "ERR_SERVER_BINARY"],
    ["a configuration the server refuses", "echo 'nonsense: {' >> /root/bundle/root/etc/natsbus/test/n1/nats.conf", "ERR_SERVER_CONFIG"],
    ["firewall rules nft refuses", "echo 'nonsense' >> /root/bundle/root/etc/natsbus/test/firewall.nft", "ERR_SERVER_CONFIG"],
    ["a site nginx refuses", "echo 'nonsense' >> /root/bundle/root/etc/nginx/conf.d/nats-test.conf", "ERR_SERVER_CONFIG"],
    [
      "an old systemd",
      "mkdir -p /root/old; printf '#!/bin/sh\\necho systemd 240\\n' > /root/old/systemctl; chmod +x /root/old/systemctl",
      "ERR_HOST_TOOL",
    ],
    ["an unknown option", "", "ERR_USAGE"],
  ])("refuses %s and keeps the servers running", async (what, damage, code) => {
    const before = ["n1", "n2", "n3"].map((node) => host.instance(`nats-test-${node}.service`, "nats-server"));
    await host.sh(
      "rm -rf /root/saved; cp -a /etc/natsbus/test /root/saved; cp -a /root/bundle /root/saved-bundle; cp /var/lib/natsbus/test/settings /root/saved-data; cp -p /usr/local/lib/natsbus/nats-server-2.15.2 /root/saved-program",
    );
    await host.sh(damage);
    const path = what === "an old systemd" ? "PATH=/root/old:$PATH " : "";
    const { code: exit, stderr } = await host.run(["bash", "-c", `${path}/root/bundle/install.sh ${code === "ERR_USAGE" ? "--what" : ""}`]);
    await host.sh(
      "rm -rf /etc/natsbus/test /root/bundle; mv /root/saved /etc/natsbus/test; mv /root/saved-bundle /root/bundle; cp /root/saved-data /var/lib/natsbus/test/settings; ln -f /root/nats-server /root/bundle/nats-server; cp -p /root/saved-program /usr/local/lib/natsbus/new; mv -f /usr/local/lib/natsbus/new /usr/local/lib/natsbus/nats-server-2.15.2",
    );
    expect([exit, stderr]).toEqual([1, expect.stringContaining(code)]);
    expect(["n1", "n2", "n3"].map((node) => host.instance(`nats-test-${node}.service`, "nats-server"))).toEqual(before);
  });

  test("reaches a host over SSH with its pinned key, and refuses one with another key", async () => {
    const keys = mkdtempSync(join(tmpdir(), "natsbus-ssh-"));
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(keys, "id")]);
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(keys, "other")]);
    await host.sh(
      "ssh-keygen -A >/dev/null; mkdir -p /run/sshd /root/.ssh; cat > /root/.ssh/authorized_keys",
      readFileSync(join(keys, "id.pub")),
    );
    await host.sh("/usr/sbin/sshd -p 2222 -o ListenAddress=127.0.0.1");
    const key = (await host.sh("cat /etc/ssh/ssh_host_ed25519_key.pub")).split(" ").slice(0, 2).join(" ");
    await host.sh("cat > /root/id; chmod 600 /root/id", readFileSync(join(keys, "id")));
    const login = (pinned: string) =>
      `printf '[127.0.0.1]:2222 %s\\n' '${pinned}' > /root/known; ssh -q -p 2222 -i /root/id -o UserKnownHostsFile=/root/known -o StrictHostKeyChecking=yes -o BatchMode=yes root@127.0.0.1`;
    const check = await host.run(["bash", "-c", `${login(key)} /root/bundle/install.sh --check`]);
    expect([0, 3]).toContain(check.code);
    const other = readFileSync(join(keys, "other.pub"), "utf8").split(" ").slice(0, 2).join(" ");
    expect((await host.run(["bash", "-c", `${login(other)} true`])).code).toBe(255);
    rmSync(keys, { recursive: true });
  });

  test("leaves the streams when it is removed, and nothing else", async () => {
    await host.sh("/usr/local/lib/natsbus/test/uninstall.sh /etc/natsbus/test");
    expect(
      await host.sh("ls -d /etc/natsbus /usr/local/lib/natsbus /etc/systemd/system/nats-* /etc/nginx/conf.d/nats-* 2>/dev/null || true"),
    ).toBe("");
    expect(await host.sh("ls /var/lib/natsbus/test/n1")).toContain("jetstream");
    expect(await host.sh("nft list tables")).toBe("table inet other\n");
    expect((await host.run(["nginx", "-t"])).code).toBe(0);
  });
});

/** The program as a host would have it installed; a checkout in somebody's home is hidden from services, so that this one may look there. */
async function provideProbe(host: TestHost): Promise<void> {
  const folder = "/run/systemd/system/nats-test-probe.service.d";
  await host.sh(
    `printf '#!/bin/sh\\nexec %s %s "$@"\\n' '${process.execPath}' '${PROGRAM}' > /usr/local/bin/natsbus; chmod 755 /usr/local/bin/natsbus`,
  );
  if (/^\/(root|home)\//.test(PROGRAM)) await host.sh(`mkdir -p ${folder}; printf '[Service]\\nProtectHome=no\\n' > ${folder}/home.conf`);
}
