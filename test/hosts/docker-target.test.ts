import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { DockerInputs } from "../../components/docker/plan.ts";
import { type TargetSettings, type TargetUnderTest, targetContract } from "../contract/target.contract.ts";
import { composePlugin, dockerInputs, loadImage, writeCompose } from "../support/docker-bus.ts";
import { loopbackHosts, testHostCertificates, testIdentity } from "../support/host-bus.ts";
import { type AccountCluster, connectAs, createTestAccount, pushAccount } from "../support/process-account.ts";
import { startTestHost, type TestHost } from "../support/test-host.ts";
import { dockerObstacle, titled } from "./obstacles.ts";

const CHANGES = 3;
const CLIENT_PORTS = [4222, 4223, 4224];
const NODES = ["n1", "n2", "n3"];
const plugin = composePlugin();
const missing = dockerObstacle();

if (missing === undefined) {
  let host: TestHost;
  let ports: ReadonlyMap<number, number>;
  beforeAll(async () => {
    host = await startTestHost("docker", "contract");
    await loadImage(host, "nats:2.15.2-alpine");
    ports = await host.relay(CLIENT_PORTS);
  }, 180_000);
  afterAll(() => host[Symbol.asyncDispose]());
  targetContract("docker", () => makeDockerTarget(host, ports));

  test("keeps what is secret out of what the engine shows", async () => {
    await using target = await makeDockerTarget(host, ports);
    await target.up({ maxPayloadBytes: 1024 * 1024, maxStorageBytes: 64 * 1024 * 1024 });
    const shown = await host.sh("docker inspect $(docker ps -aq); docker logs test-n1 2>&1");
    expect(shown).not.toMatch(/PRIVATE KEY|eyJ[A-Za-z0-9_-]{40}|\bS[UAOX][A-Z2-7]{56}\b/);
    expect(shown).toContain('"ReadonlyRootfs": true');
  });
}

test.skipIf(missing !== undefined)(titled("a Docker engine can be made here", missing), () => {
  expect(missing).toBeUndefined();
});

async function makeDockerTarget(host: TestHost, ports: ReadonlyMap<number, number>): Promise<TargetUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), "natsbus-compose-"));
  const identity = testIdentity();
  const certificates = testHostCertificates(loopbackHosts(3));
  const wanted = ({ maxPayloadBytes, maxStorageBytes }: TargetSettings): DockerInputs => {
    const blocks = { limits: { memory: "256MiB", cpu: 1, maxConnections: 1000, maxPayload: `${maxPayloadBytes}B` } };
    return dockerInputs({ ...blocks, jetstream: { maxMemory: "64MiB", maxStorage: `${maxStorageBytes}B` } }, identity, certificates);
  };
  const nodes = CLIENT_PORTS.map((port) => ({ clientUrl: `tls://127.0.0.1:${ports.get(port)}` }));
  const cluster: AccountCluster = { ...identity, inputs: { nodes, authority: certificates.authority } };
  const account = createTestAccount(cluster);
  const docker = (text: string) => host.run(["env", `DOCKER_CONFIG=${configFolder(folder)}`, "bash", "-ec", text]);
  const apply = async (settings: TargetSettings, args: string) => {
    writeCompose(folder, wanted(settings));
    const result = await docker(`${folder}/apply.sh ${args}`);
    if (result.code !== 0 && result.code !== CHANGES) throw new Error(`${result.stdout}${result.stderr}`);
    return result.code === CHANGES;
  };
  const destroy = async () => {
    const result = await docker(`cd ${folder}; [ ! -e compose.yaml ] || docker compose down --volumes --timeout 1`);
    if (result.code !== 0) throw new Error(result.stderr);
  };
  await docker(`mkdir -p ${configFolder(folder)}/cli-plugins; ln -sf ${plugin} ${configFolder(folder)}/cli-plugins/docker-compose`);
  return {
    changes: (settings) => apply(settings, "--check"),
    up: async (settings) => {
      await apply(settings, "");
    },
    servers: async () => {
      const { stdout } = await host.run([
        "docker",
        "inspect",
        "--format",
        "{{.Name}} {{.State.Running}} {{.State.StartedAt}}",
        ...NODES.map((node) => `test-${node}`),
      ]);
      return NODES.map((name) => ({ name, instance: new RegExp(`/test-${name} true (\\S+)`).exec(stdout)?.[1] }));
    },
    metaLeader: async () => {
      const { stdout } = await host.run(["docker", "exec", "test-n1", "wget", "-q", "-O", "-", "http://127.0.0.1:8222/jsz"]);
      return (JSON.parse(stdout) as { meta_cluster?: { leader?: string } }).meta_cluster?.leader;
    },
    kill: async (name) => {
      await host.sh(
        `docker update --restart=no test-${name} >/dev/null; docker kill --signal KILL test-${name} >/dev/null; docker wait test-${name} >/dev/null`,
      );
    },
    destroy,
    leftovers: async () => {
      const found = await host.sh(
        "docker ps -aq; docker volume ls -q; docker network ls --format '{{.Name}}' | grep -vE '^(bridge|host|none)$' || true",
      );
      return found.split("\n").filter((line) => line !== "");
    },
    connect: async () => {
      await pushAccount(cluster, account);
      return connectAs(cluster, account.credentials);
    },
    [Symbol.asyncDispose]: async () => {
      await destroy();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function configFolder(folder: string): string {
  return join(folder, "docker-config");
}
