import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { packBundle, planBundle } from "../../components/systemd/bundle.ts";
import { installCommand } from "../../components/systemd/commands.ts";
import { nodesByHost } from "../../components/systemd/host-plan.ts";
import { sshArguments } from "../../components/systemd/reach.ts";
import type { HostRolloutInputs } from "../../components/systemd/rolling/model.ts";
import { createHostRollout, updateHostRollout } from "../../components/systemd/rolling/operations.ts";
import { type HostTree, planHostTrees, type SystemdInputs } from "../../components/systemd/tree.ts";
import { serverHosts } from "../../components/tls/hosts.ts";
import { testHostCertificates, testIdentity } from "../support/host-bus.ts";
import { type AccountCluster, connectAs, createTestAccount, pushAccount } from "../support/process-account.ts";
import { runSsh } from "../support/ssh.ts";
import { startPublisher, watchServers } from "../support/steady-publisher.ts";
import { provideProgram, systemdInputs } from "../support/systemd-bus.ts";
import { startTestHost, type TestHost } from "../support/test-host.ts";
import { systemdObstacle, titled } from "./obstacles.ts";

const missing = systemdObstacle();
const NODES = ["n1", "n2", "n3"];
const ADDRESSES = ["10.97.0.11", "10.97.0.12", "10.97.0.13"];
const identity = testIdentity();

describe.skipIf(missing !== undefined)(titled("a bus on three hosts", missing), () => {
  const keys = mkdtempSync(join(tmpdir(), "natsbus-ssh-"));
  const certificates = testHostCertificates(
    Object.fromEntries(NODES.map((node, index) => [node, serverHosts({ node, address: ADDRESSES[index] ?? "", extra: [] })])),
  );
  const cluster: AccountCluster = {
    ...identity,
    inputs: { nodes: ADDRESSES.map((address) => ({ clientUrl: `tls://${address}:4222` })), authority: certificates.authority },
  };
  let hosts: TestHost[];
  let hostKeys: string[];

  const inputs = (maxStorage: string, maxPayload = "1MiB"): SystemdInputs =>
    systemdInputs(
      {
        jetstream: { maxMemory: "64MiB", maxStorage },
        limits: { maxPayload },
        systemd: {
          hosts: ADDRESSES.map((address, index) => ({ address, hostKey: hostKeys[index], privateKeyFile: join(keys, "id"), user: "root" })),
          clientNetworks: ["10.97.0.0/24"],
        },
      },
      { identity: identity.identity, ...certificates },
    );
  const rollout = (wanted: SystemdInputs, timeoutMs = 120_000): HostRolloutInputs => ({
    cluster: "test",
    hosts: nodesByHost(wanted.spec).map(({ host, nodes }) => ({ host, servers: nodes.map(({ name }) => name) })),
    revision: JSON.stringify(wanted.spec.limits),
    timeoutMs,
  });
  /** As the commands of the Pulumi resources do. */
  const installAll = async (wanted: SystemdInputs) => {
    const trees = planHostTrees(wanted);
    const installs = nodesByHost(wanted.spec).map(async ({ host }, index) => {
      const folder = mkdtempSync(join(tmpdir(), "natsbus-ssh-"));
      const archive = packBundle(planBundle(trees[index] as HostTree)).toString("base64");
      await runSsh([...(await sshArguments(host, folder)), installCommand(host, "/root/nats-server", "server")], archive);
      rmSync(folder, { recursive: true });
    });
    await Promise.all(installs);
  };
  const servers = async () =>
    NODES.map((name, index) => ({ name, instance: hosts[index]?.instance(`nats-test-${name}.service`, "nats-server") }));
  const metaLeader = async () => {
    const page = (await hosts[0]?.sh("/usr/local/lib/natsbus/test/pages.sh /etc/natsbus/test")) ?? "";
    return /"meta_cluster": *\{[^{}]*"leader": *"([^"]+)"/.exec(page)?.[1];
  };

  beforeAll(async () => {
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", join(keys, "id")]);
    hosts = await Promise.all(NODES.map((node) => startTestHost("systemd", node)));
    connectHosts(hosts);
    hostKeys = await Promise.all(hosts.map((host, index) => provideSsh(host, ADDRESSES[index] ?? "", readFileSync(join(keys, "id.pub")))));
    const wanted = inputs("256MiB");
    await installAll(wanted);
    await createHostRollout(rollout(wanted));
  });
  afterAll(async () => {
    await Promise.all((hosts ?? []).map((host) => host[Symbol.asyncDispose]()));
    execFileSync("ip", ["link", "delete", "natsbus-test"], { stdio: "ignore" });
    rmSync(keys, { recursive: true, force: true });
  });

  test("restarts one host's server at a time, the meta leader last, behind the gate, and loses no acknowledged message", async () => {
    const account = createTestAccount(cluster);
    await pushAccount(cluster, account);
    const connection = await connectAs(cluster, account.credentials);
    const publisher = await startPublisher(connection);
    await publisher.reach(10);
    const leader = await metaLeader();
    const before = await servers();
    const wanted = inputs("128MiB");
    await installAll(wanted);
    expect(await servers()).toEqual(before);
    const watch = watchServers({ servers });
    await updateHostRollout(rollout(wanted));
    const { order, fewest } = await watch.stop();
    const acknowledged = await publisher.stop();
    const stored = await publisher.stored();
    await connection.close();
    process.stdout.write(`${acknowledged.length} messages acknowledged, longest gap ${publisher.longestGap()} ms\n`);
    expect([fewest, order.length, order.at(-1)]).toEqual([2, 3, leader]);
    expect(acknowledged.length).toBeGreaterThan(20);
    expect(acknowledged.filter((id) => !stored.has(id))).toEqual([]);
  });

  test("reloads what can be taken over when a host is installed, and then restarts nobody", async () => {
    const before = await servers();
    const wanted = inputs("128MiB", "2MiB");
    await installAll(wanted);
    await updateHostRollout(rollout(wanted));
    expect(await servers()).toEqual(before);
  });

  test("restarts nobody while a server is away, and says which", async () => {
    await hosts[2]?.sh("systemctl stop nats-test-n3.service");
    const wanted = inputs("64MiB", "2MiB");
    const before = await servers();
    for (const host of hosts.slice(0, 2))
      await host.sh("echo 'start changed x' >> /etc/natsbus/test/$(cut -d ' ' -f 1 /etc/natsbus/test/servers)/start-settings");
    await expect(updateHostRollout(rollout(wanted, 3_000))).rejects.toMatchObject({
      code: "ERR_CLUSTER_NOT_READY",
      message: expect.stringContaining("n3"),
    });
    expect(await servers()).toEqual(before);
  });

  test("restarts no server of another host", async () => {
    const result = await hosts[0]?.run(["/usr/local/lib/natsbus/test/rollout.sh", "/etc/natsbus/test", "--restart", "n3"]);
    expect(result).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/there is no server n3 on this host \[ERR_USAGE\]\n {2}name one of n1/),
    });
  });
});

/** A network of the test's own between the hosts, which this process is part of. */
function connectHosts(hosts: readonly TestHost[]): void {
  const ip = (text: string) => execFileSync("ip", text.split(" "));
  ip("link add natsbus-test type bridge");
  ip("address add 10.97.0.1/24 dev natsbus-test");
  ip("link set natsbus-test up");
  for (const [index, host] of hosts.entries()) {
    ip(`link add natsbus-test${index} type veth peer name bus0 netns ${host.pid()}`);
    ip(`link set natsbus-test${index} master natsbus-test up`);
    for (const text of [`address add ${ADDRESSES[index]}/24 dev bus0`, "link set bus0 up"])
      execFileSync("nsenter", ["-t", String(host.pid()), "-n", "ip", ...text.split(" ")]);
  }
}

/** @returns the host's key, to be pinned */
async function provideSsh(host: TestHost, address: string, publicKey: Buffer): Promise<string> {
  await provideProgram(host);
  await host.sh("ssh-keygen -A >/dev/null; mkdir -p /run/sshd /root/.ssh; cat > /root/.ssh/authorized_keys", publicKey);
  await host.sh(`/usr/sbin/sshd -o ListenAddress=${address}`);
  return (await host.sh("cat /etc/ssh/ssh_host_ed25519_key.pub")).split(" ").slice(0, 2).join(" ");
}
