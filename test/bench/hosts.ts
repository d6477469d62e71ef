/** Start time, idle memory and throughput of the systemd target, against the same servers started bare in the same namespace. Root on Linux: `unshare --net node test/bench/hosts.ts`. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { testIdentity } from "../support/host-bus.ts";
import { createTestAccount, pushAccount } from "../support/process-account.ts";
import { install, provideProgram, systemdInputs, systemdSecrets } from "../support/systemd-bus.ts";
import { startTestHost } from "../support/test-host.ts";

const run = promisify(execFile);
const MESSAGES = 200_000;
const ROUNDS = 3;
const UNITS = ["n1", "n2", "n3"].map((node) => `nats-test-${node}.service`);

const folder = mkdtempSync(join(tmpdir(), "natsbus-bench-"));
await using host = await startTestHost("systemd", "bench");
await provideProgram(host);
const identity = testIdentity();
const secrets = systemdSecrets(identity);
const inputs = systemdInputs({ systemd: { firewall: false } }, secrets);
const started = performance.now();
const installed = await install(host, inputs);
if (installed.code !== 0) throw new Error(installed.stderr);
const startMs = performance.now() - started;

const ports = await host.relay([4222, 4223, 4224]);
const nodes = [...ports.values()].map((port) => ({ clientUrl: `tls://127.0.0.1:${port}` }));
const cluster = { ...identity, inputs: { nodes, authority: secrets.authority } };
const account = createTestAccount(cluster);
await pushAccount(cluster, account);
writeFileSync(join(folder, "ca.pem"), secrets.authority);
writeFileSync(join(folder, "user.creds"), account.credentials);

const memory = await Promise.all(UNITS.map(async (unit) => memoryOf(host.instance(unit, "nats-server"))));
const service = await measure();
await host.sh(`systemctl stop ${UNITS.join(" ")}`);
await host.sh(
  `for n in n1 n2 n3; do (cd /var/lib/natsbus/test/$n && exec setsid setpriv --reuid natsbus --regid natsbus --clear-groups ${inputs.program.path} --config /etc/natsbus/test/$n/nats.conf >/dev/null 2>&1 &) ; done; sleep 5`,
);
const bare = await measure();
rmSync(folder, { recursive: true, force: true });
const result = {
  startMs: Math.round(startMs),
  idleMemoryMiB: memory,
  serviceMessages: service,
  bareMessages: bare,
  ratio: Number((best(service) / best(bare)).toFixed(3)),
};
process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);

async function measure(): Promise<number[]> {
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const script = join(import.meta.dirname, "publish-core.ts");
    const args = [process.execPath, script, "tls://127.0.0.1:4222", join(folder, "ca.pem"), join(folder, "user.creds"), String(MESSAGES)];
    const { stdout } = await run("nsenter", ["-t", String(host.pid()), "-n", ...args]);
    rates.push(Number(stdout));
  }
  return rates;
}

async function memoryOf(instance: string | undefined): Promise<number> {
  const { stdout } = await run("grep", ["VmRSS", `/proc/${instance?.split("@")[0]}/status`]);
  return Math.round(Number(/\d+/.exec(stdout)?.[0]) / 1024);
}

function best(rates: readonly number[]): number {
  return Math.max(...rates);
}
