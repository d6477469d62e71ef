/** Start time, idle memory and throughput of the systemd and Docker targets, against the same servers started bare on the same machine. Root on Linux: `npm run bench:hosts [systemd|docker]`. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { planHostTrees, type SystemdInputs } from "../../components/systemd/tree.ts";
import { dockerObstacle, systemdObstacle } from "../hosts/obstacles.ts";
import { testServerBinary } from "../support/cluster.ts";
import { composePlugin, dockerInputs, loadImage, writeCompose } from "../support/docker-bus.ts";
import { type StackBlocks, testHostCertificates, testIdentity } from "../support/host-bus.ts";
import { createTestAccount, pushAccount } from "../support/process-account.ts";
import { install, provideProgram, systemdInputs } from "../support/systemd-bus.ts";
import { startTestHost, type TestHost } from "../support/test-host.ts";
import { byTurns, type Publisher, ratioOf, type Side } from "./host-turns.ts";

const NODES = ["n1", "n2", "n3"];
const LOCAL_URL = "echo tls://127.0.0.1:4222";
const ENGINE_URL = "docker inspect --format 'tls://{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}:4222' test-n1";
const ENGINE_ADDRESSES = ["10.98.0.2", "10.98.0.3", "10.98.0.4", "10.98.0.5", "10.98.0.6"];
const UNITS = NODES.map((node) => `nats-test-${node}.service`);
const CONTAINERS = NODES.map((node) => `test-${node}`);
const MOST_TRIES = 60;

/** What the stack files of development and production say, apart from the target. */
const DEV: StackBlocks = {
  logging: { level: "debug" },
  jetstream: { maxMemory: "128MB", maxStorage: "512MB" },
  limits: { maxConnections: 65_536 },
};
const PROD: StackBlocks = {
  logging: { level: "info" },
  jetstream: { maxMemory: "512MB", maxStorage: "2GB" },
  limits: { maxConnections: 100_000, memory: "1GiB", cpu: 0.5 },
};
/** As the shipped stack files, without what would slow the servers on purpose or write a line a connection. */
const PLAIN: StackBlocks = { ...DEV, logging: { level: "info" } };

const folder = mkdtempSync(join(tmpdir(), "natsbus-bench-"));
const identity = testIdentity();
const certificates = testHostCertificates(
  Object.fromEntries(NODES.map((node) => [node, [node, "localhost", "127.0.0.1", ...ENGINE_ADDRESSES]])),
);

try {
  const [only] = process.argv.slice(2);
  const result = {
    ...(only === "docker" ? {} : { systemd: systemdObstacle() ?? (await benchSystemd()) }),
    ...(only === "systemd" ? {} : { docker: dockerObstacle() ?? (await benchDocker()) }),
  };
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function benchSystemd() {
  await using host = await startTestHost("systemd", "bench");
  await provideProgram(host);
  const inputs = (blocks: StackBlocks) => systemdInputs(blocks, { identity: identity.identity, ...certificates });
  const start = async (blocks: StackBlocks) => {
    const { code, stderr } = await install(host, inputs(blocks));
    if (code !== 0) throw new Error(stderr);
  };
  const pids = UNITS.map((unit) => `systemctl show --property=MainPID --value ${unit}`).join("; ");
  const uninstall = () => host.sh("/usr/local/lib/natsbus/test/uninstall.sh /etc/natsbus/test --purge-data");
  const dev = await timed(host, () => start(DEV), pids);
  await uninstall();
  const prod = await timed(host, () => start(PROD), pids);
  await uninstall();
  await start(PLAIN);
  await host.sh(`systemctl stop ${UNITS.join(" ")}`);
  const service: Side = { begin: `systemctl start ${UNITS.join(" ")}`, end: `systemctl stop ${UNITS.join(" ")}`, url: LOCAL_URL };
  const bare = bareServers(inputs(PLAIN).program.path, "/etc/natsbus/test", "setpriv --reuid natsbus --regid natsbus --clear-groups ");
  const rates = await byTurns(host, { service, bare }, await publisherFor(host));
  return { dev, prod, messagesPerSecond: rates, ratio: ratioOf(rates["service"], rates["bare"]) };
}

async function benchDocker() {
  await using host = await startTestHost("docker", "bench");
  await loadImage(host, "nats:2.15.2-alpine");
  const config = `DOCKER_CONFIG=${folder}/docker-config`;
  await host.sh(
    `mkdir -p ${folder}/docker-config/cli-plugins; ln -s ${composePlugin()} ${folder}/docker-config/cli-plugins/docker-compose`,
  );
  const start = async (blocks: StackBlocks) => {
    // An engine inside another machine may not be allowed more open files than that machine gives it.
    const fewer = { ...blocks, limits: { ...(blocks["limits"] as StackBlocks), maxConnections: 1000 } };
    writeCompose(join(folder, "compose"), dockerInputs(fewer, identity, certificates));
    await host.sh(`${config} ${folder}/compose/apply.sh`);
  };
  const pids = `docker inspect --format '{{.State.Pid}}' ${CONTAINERS.join(" ")}`;
  const down = () => host.sh(`cd ${folder}/compose; ${config} docker compose down --volumes --timeout 1`);
  const dev = await timed(host, () => start(DEV), pids);
  await down();
  const prod = await timed(host, () => start(PROD), pids);
  await down();
  await start(PLAIN);
  const end = `docker stop --time 2 ${CONTAINERS.join(" ")}`;
  await host.sh(end);
  const inputs = systemdInputs(PLAIN, { identity: identity.identity, ...certificates });
  const begin = `docker start ${CONTAINERS.join(" ")}`;
  const sides = {
    container: { begin, end, url: ENGINE_URL },
    published: { begin, end, url: LOCAL_URL },
    bare: bareServers(testServerBinary(), writeBareTree(inputs), ""),
  };
  const rates = await byTurns(host, sides, await publisherFor(host));
  const ratio = { container: ratioOf(rates["container"], rates["bare"]), published: ratioOf(rates["published"], rates["bare"]) };
  return { dev, prod, messagesPerSecond: rates, ratio };
}

/** Seconds until the cluster is ready, and what each server then holds in memory, in MiB. */
async function timed(host: TestHost, start: () => Promise<void>, pids: string) {
  const started = performance.now();
  await start();
  const seconds = Number(((performance.now() - started) / 1000).toFixed(1));
  const memory = await host.sh(`for pid in $(${pids}); do sed -nE 's/^VmRSS:[[:space:]]*([0-9]+) kB/\\1/p' /proc/$pid/status; done`);
  return {
    seconds,
    idleMemoryMiB: memory
      .trim()
      .split("\n")
      .map((kib) => Math.round(Number(kib) / 1024)),
  };
}

/** The same configuration without a service around it. */
function bareServers(program: string, configs: string, as: string): Side {
  const begin = `for n in ${NODES.join(" ")}; do (exec setsid ${as}${program} --config ${configs}/$n/nats.conf >/dev/null 2>&1 & echo $! > /tmp/bare-$n.pid); done`;
  const end = `for n in ${NODES.join(" ")}; do pid=$(cat /tmp/bare-$n.pid); kill $pid; while [ -d /proc/$pid ]; do sleep 0.05; done; done`;
  return { begin, end, url: LOCAL_URL };
}

/** Writes the servers' files below the bench's own folder, for the engine's host shares this machine's `/etc`. */
function writeBareTree(inputs: SystemdInputs): string {
  const moved = (text: string) =>
    text.replaceAll("/etc/natsbus/test", join(folder, "bare")).replaceAll("/var/lib/natsbus/test", join(folder, "bare-data"));
  for (const { path, content } of planHostTrees(inputs)[0]?.files ?? []) {
    if (!path.startsWith("/etc/natsbus/test/n")) continue;
    mkdirSync(dirname(moved(path)), { recursive: true });
    writeFileSync(moved(path), moved(content));
  }
  return join(folder, "bare");
}

async function publisherFor(host: TestHost): Promise<Publisher> {
  const ports = await host.relay([4222, 4223, 4224]);
  const nodes = [...ports.values()].map((port) => ({ clientUrl: `tls://127.0.0.1:${port}` }));
  const cluster = { ...identity, inputs: { nodes, authority: certificates.authority } };
  const account = createTestAccount(cluster);
  const files = [join(folder, "ca.pem"), join(folder, "user.creds")] as const;
  writeFileSync(files[0], certificates.authority);
  writeFileSync(files[1], account.credentials);
  return { files, prepare: () => persistently(() => pushAccount(cluster, account)) };
}

/** Servers that were just started do not answer at once. */
async function persistently(work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries >= MOST_TRIES) throw error;
      await delay(500);
    }
  }
}
