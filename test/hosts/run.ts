/**
 * `npm run test:hosts`: the tests on hosts with systemd and on a Docker engine, in a network of their own.
 * Says plainly what is missing when there can be none, and ends with 0 then, with 1 after `--required`. Hosts that a run cut short left behind are ended.
 */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setup } from "../support/server-setup.ts";
import { dockerObstacle, systemdObstacle } from "./obstacles.ts";

const INSIDE = ["--net", "bash", "-c", 'ip link set lo up && exec "$@"', "hosts", "npx", "vitest", "run", "--project", "hosts"];
const LEFT_HOST = /^natsbus-(systemd|docker)-/;
const given = process.argv.slice(2);
const filters = given.filter((argument) => argument !== "--required");
const obstacles = { "Hosts with systemd": systemdObstacle(), "Docker engine": dockerObstacle() };
const lacking = Object.entries(obstacles).flatMap(([what, why]) => (why === undefined ? [] : [`${what}: NOT RUN. ${why}.\n`]));

async function runInside(folder: string): Promise<number> {
  const child = spawn("unshare", [...INSIDE, ...filters], { stdio: "inherit", env: { ...process.env, TMPDIR: folder } });
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => child.kill(signal));
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

function endLeftHosts(folder: string): void {
  for (const name of readdirSync(folder)) {
    const kind = LEFT_HOST.exec(name)?.[1];
    if (kind !== undefined) spawnSync(join(import.meta.dirname, `${kind}-host.sh`), ["stop", join(folder, name, "state")]);
  }
  rmSync(folder, { recursive: true, force: true });
}

async function runTests(): Promise<number> {
  // There is no way out of the tests' network to fetch it later.
  await setup();
  const folder = mkdtempSync(join(tmpdir(), "natsbus-hosts-"));
  try {
    return await runInside(folder);
  } finally {
    endLeftHosts(folder);
  }
}

process.stdout.write(lacking.join(""));
const isPossible = lacking.length < Object.keys(obstacles).length;
const code = isPossible ? await runTests() : 0;
process.exitCode = given.includes("--required") && lacking.length > 0 ? 1 : code;
