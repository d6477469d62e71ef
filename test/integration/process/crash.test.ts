import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createCluster, deleteCluster } from "../../../components/process/operations.ts";
import { removeLeftovers } from "../../../components/process/remove.ts";
import { findServer } from "../../../components/process/server-record.ts";
import { type ProcessCluster, prepareProcessCluster } from "../../support/process-cluster.ts";

const PROGRAM = join(import.meta.dirname, "create-cluster.ts");
// From before the first folder to after the meta leader: a create takes about 400 ms, 100 of them for Node itself.
const KILL_AFTER_MS = [60, 90, 110, 120, 130, 140, 150, 160, 175, 190, 210, 240, 280, 340, 420];

describe("a create that is killed", () => {
  test.each(KILL_AFTER_MS)(
    "after %i ms: the next one finds its servers, starts no second ones, and all can be removed",
    async (killAfterMs) => {
      await using cluster = await prepareProcessCluster();
      const child = await startCreate(cluster);
      const early = setTimeout(() => child.kill("SIGKILL"), killAfterMs);
      await once(child, "exit");
      clearTimeout(early);
      const survivors = serverProcesses(cluster.directory);
      const { outs } = await createCluster(cluster.inputs);
      const servers = serverProcesses(cluster.directory);
      expect(servers).toHaveLength(3);
      expect(survivors.filter((pid) => !servers.includes(pid))).toEqual([]);
      expect(outs.running).toEqual(["n1", "n2", "n3"]);
      await deleteCluster(outs);
      expect(serverProcesses(cluster.directory)).toEqual([]);
    },
  );

  test("at its first steps, told by its own words", async () => {
    for (const words of ["start of 3 servers", "waiting for the meta leader"]) {
      await using cluster = await prepareProcessCluster();
      const child = await startCreate(cluster);
      await waitForWords(child, words);
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      const survivors = serverProcesses(cluster.directory);
      await createCluster(cluster.inputs);
      const servers = serverProcesses(cluster.directory);
      expect(servers).toHaveLength(3);
      expect(servers).toEqual(expect.arrayContaining(survivors));
    }
  });

  test("and never tried again: what it left is found by its folder alone", async () => {
    await using cluster = await prepareProcessCluster();
    const child = await startCreate(cluster);
    await waitForWords(child, "waiting for the meta leader");
    child.kill("SIGKILL");
    await once(child, "exit");
    expect(serverProcesses(cluster.directory)).toHaveLength(3);
    expect(await removeLeftovers(cluster.directory)).toEqual(["n1", "n2", "n3"]);
    expect(serverProcesses(cluster.directory)).toEqual([]);
    expect(() => readdirSync(cluster.directory)).toThrow("ENOENT");
  });
});

describe("a server is recognised", () => {
  test("although its record is lost", async () => {
    await using cluster = await prepareProcessCluster({ servers: 1 });
    await createCluster(cluster.inputs);
    const folder = cluster.inputs.nodes[0]?.directory ?? "";
    const before = serverProcesses(cluster.directory);
    await rm(join(folder, "server.json"));
    await createCluster(cluster.inputs);
    expect(serverProcesses(cluster.directory)).toEqual(before);
    const record = JSON.parse(await readFile(join(folder, "server.json"), "utf8"));
    expect(record).toMatchObject({ pid: before[0] });
  });

  test("by more than its pid: a process that got the pid later is neither taken for it nor signalled", async () => {
    await using cluster = await prepareProcessCluster({ servers: 1 });
    const bystander = spawn("sleep", ["300"]);
    try {
      const { outs } = await createCluster(cluster.inputs);
      const folder = cluster.inputs.nodes[0]?.directory ?? "";
      const record = JSON.parse(await readFile(join(folder, "server.json"), "utf8"));
      process.kill(record.pid, "SIGKILL");
      await expect.poll(() => findServer(folder), { interval: 10 }).toBeUndefined();
      await writeFile(join(folder, "server.json"), JSON.stringify({ ...record, pid: bystander.pid }));
      expect(await findServer(folder)).toBeUndefined();
      await createCluster(cluster.inputs);
      expect((await findServer(folder))?.pid).not.toBe(bystander.pid);
      await writeFile(join(folder, "server.json"), JSON.stringify({ ...record, pid: bystander.pid }));
      await deleteCluster(outs);
      expect(serverProcesses(cluster.directory)).toEqual([]);
      expect(bystander.exitCode ?? bystander.signalCode).toBeNull();
    } finally {
      bystander.kill("SIGKILL");
    }
  });

  test("and ended, when its folder was removed under it", async () => {
    await using cluster = await prepareProcessCluster({ servers: 1 });
    await createCluster(cluster.inputs);
    const [before] = serverProcesses(cluster.directory);
    await rm(cluster.directory, { recursive: true });
    const { outs } = await createCluster(cluster.inputs);
    const after = serverProcesses(cluster.directory);
    expect(after).toHaveLength(1);
    expect(after).not.toContain(before);
    await deleteCluster(outs);
  });
});

async function startCreate(cluster: ProcessCluster): Promise<ChildProcess> {
  await mkdir(join(cluster.directory, ".."), { recursive: true });
  const file = join(cluster.directory, "..", "inputs.json");
  await writeFile(file, JSON.stringify(cluster.inputs), { mode: 0o600 });
  return spawn(process.execPath, [PROGRAM, file], { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, NATSBUS_PROGRESS: "1" } });
}

async function waitForWords(child: ChildProcess, words: string): Promise<void> {
  let said = "";
  for await (const chunk of child.stderr ?? []) {
    said += String(chunk);
    if (said.includes(words)) return;
  }
  throw new Error(`it ended without saying "${words}": ${said}`);
}

/** Every process that was given a configuration below this folder, found without the code under test. */
function serverProcesses(directory: string): number[] {
  const pids = readdirSync("/proc").filter((entry) => /^\d+$/.test(entry));
  return pids
    .filter((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return !/\) [ZX] /.test(stat) && words[1] === "-c" && words[2]?.startsWith(directory) === true;
      } catch {
        return false;
      }
    })
    .map(Number);
}
