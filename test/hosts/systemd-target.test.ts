import type { NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SystemdInputs } from "../../components/systemd/tree.ts";
import { type TargetSettings, type TargetUnderTest, targetContract } from "../contract/target.contract.ts";
import { testIdentity } from "../support/host-bus.ts";
import { type AccountCluster, connectAs, createTestAccount, pushAccount } from "../support/process-account.ts";
import { install, provideProgram, systemdInputs, systemdSecrets } from "../support/systemd-bus.ts";
import { startTestHost, type TestHost } from "../support/test-host.ts";
import { systemdObstacle, titled } from "./obstacles.ts";

const CHANGES = 3;
const CLIENT_PORTS = [4222, 4223, 4224];
const MONITOR_PORT = 8222;
const NODES = ["n1", "n2", "n3"];
const PLACES = [
  "/etc/natsbus",
  "/var/lib/natsbus",
  "/usr/local/lib/natsbus",
  "/etc/systemd/system/nats-test*",
  "/etc/tmpfiles.d/nats-*",
  "/run/natsbus",
];

const missing = systemdObstacle();

if (missing === undefined) {
  let host: TestHost;
  let ports: ReadonlyMap<number, number>;
  beforeAll(async () => {
    host = await startTestHost("systemd", "contract");
    ports = await host.relay([...CLIENT_PORTS, MONITOR_PORT]);
    // systemd's own restart is the subject of another test; here a dead server must stay dead until `up`.
    const folder = "/etc/systemd/system/nats-.service.d";
    await provideProgram(host);
    await host.sh(`mkdir -p ${folder}; printf '[Service]\\nRestart=no\\n' > ${folder}/contract.conf`);
  }, 180_000);
  afterAll(() => host[Symbol.asyncDispose]());
  targetContract("systemd", () => makeSystemdTarget(host, ports));
}

test.skipIf(missing !== undefined)(titled("a host with systemd can be made here", missing), () => {
  expect(missing).toBeUndefined();
});

async function makeSystemdTarget(host: TestHost, ports: ReadonlyMap<number, number>): Promise<TargetUnderTest> {
  const identity = testIdentity();
  const secrets = systemdSecrets(identity);
  const wanted = (settings: TargetSettings): SystemdInputs =>
    systemdInputs(
      {
        limits: { maxPayload: `${settings.maxPayloadBytes}B` },
        jetstream: { maxMemory: "64MiB", maxStorage: `${settings.maxStorageBytes}B` },
      },
      secrets,
    );
  const nodes = CLIENT_PORTS.map((port) => ({ clientUrl: `tls://127.0.0.1:${ports.get(port)}` }));
  const cluster: AccountCluster = { ...identity, inputs: { nodes, authority: secrets.authority } };
  const account = createTestAccount(cluster);
  const up = async (settings: TargetSettings) => {
    const result = await install(host, wanted(settings));
    if (result.code !== 0) throw new Error(`${result.stdout}${result.stderr}`);
  };
  const destroy = async () => {
    await host.sh(
      "! [ -x /usr/local/lib/natsbus/test/uninstall.sh ] || /usr/local/lib/natsbus/test/uninstall.sh /etc/natsbus/test --purge-data",
    );
  };
  return {
    changes: async (settings) => {
      const result = await install(host, wanted(settings), ["--check"]);
      if (result.code !== 0 && result.code !== CHANGES) throw new Error(`${result.stdout}${result.stderr}`);
      return result.code === CHANGES;
    },
    up,
    servers: async () => NODES.map((name) => ({ name, instance: host.instance(`nats-test-${name}.service`, "nats-server") })),
    metaLeader: async () => {
      const page = await fetch(`http://127.0.0.1:${ports.get(MONITOR_PORT)}/jsz`);
      return ((await page.json()) as { meta_cluster?: { leader?: string } }).meta_cluster?.leader;
    },
    kill: async (name) => {
      const pid = Number(host.instance(`nats-test-${name}.service`, "nats-server")?.split("@")[0]);
      process.kill(pid, "SIGKILL");
      await host.sh(`while systemctl is-active --quiet nats-test-${name}.service; do sleep 0.05; done`);
    },
    destroy,
    leftovers: async () => {
      const found = await host.sh(
        `for place in ${PLACES.join(" ")}; do ls -d $place 2>/dev/null || true; done; nft list tables | grep natsbus || true; pgrep -a nats-server || true`,
      );
      return found.split("\n").filter((line) => line !== "");
    },
    connect: async (): Promise<NatsConnection> => {
      await pushAccount(cluster, account);
      return connectAs(cluster, account.credentials);
    },
    [Symbol.asyncDispose]: destroy,
  };
}
