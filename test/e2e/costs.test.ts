import { afterAll, beforeAll, expect, test } from "vitest";
import { closeConnections } from "../../connection/pool.ts";
import { publish } from "../support/bus-client.ts";
import { processesBelow } from "../support/processes.ts";
import { createProject, type Project } from "../support/project.ts";

let project: Project;
beforeAll(async () => {
  project = await createProject();
  const up = await project.natsbus(["up", "--stack", "dev", "--yes", "--skip-preview"]);
  expect(up.code, up.stderr).toBe(0);
});
afterAll(async () => {
  await closeConnections();
  await project?.[Symbol.asyncDispose]();
});

async function preview(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await project.natsbus(["preview", "--stack", "dev", ...args]);
  expect(code, stderr).toBe(0);
  return stdout;
}

test("a plan tells below the stream what a shrinking limit deletes, as rows, as differences and as JSON", async () => {
  await publish(project, "performance.normal.cpu", 5);
  project.edit("streams/catalog.ts", 'maxAge: "24h"', 'maxAge: "24h",\n      maxMsgs: 2');
  const words = /stream PERFORMANCE: .*deletes the 3 oldest messages/;
  expect(await preview()).toMatch(new RegExp(`bus-PERFORMANCE update.*\\n {6}${words.source}\\n`));
  expect(await preview("--diff")).toMatch(new RegExp(`maxMsgs.*\\n +${words.source}\\n`));
  const { steps } = JSON.parse(await preview("--json")) as { steps: { urn: string; notes?: string[] }[] };
  const noted = steps.filter(({ notes }) => notes !== undefined);
  expect(noted.map(({ urn, notes }) => [urn.split("::").at(-1), notes])).toEqual([["bus-PERFORMANCE", [expect.stringMatching(words)]]]);
  project.edit("streams/catalog.ts", 'maxAge: "24h",\n      maxMsgs: 2', 'maxAge: "24h"');
});

test("a plan tells that a server does not run, and that a setting needs a rolling restart", async () => {
  project.configure({ "natsbus:jetstream": { maxMemory: "128MB", maxStorage: "512MB", syncInterval: "1m" } });
  expect(await preview()).toMatch(/process:Cluster .*update.*\n {6}rolling restart of 3 servers, one at a time: .*sync_interval/);
  project.configure({ "natsbus:jetstream": { maxMemory: "128MB", maxStorage: "512MB" } });

  const servers = processesBelow(project.directory).filter(({ command }) => command[0]?.includes("nats-server"));
  process.kill(servers[0]?.pid as number, "SIGKILL");
  await expect.poll(() => processesBelow(project.directory).some(({ pid }) => pid === servers[0]?.pid)).toBe(false);
  expect(await preview("--refresh")).toMatch(/\n {6}start of n\d: does not run\n/);
});
