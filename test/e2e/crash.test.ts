import { existsSync, readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeConnections } from "../../connection/pool.ts";
import { listStreams } from "../support/bus-client.ts";
import { listeningPorts, processesBelow } from "../support/processes.ts";
import { createProject, type Project } from "../support/project.ts";
import { assertValidState } from "../support/state.ts";

const PRELOAD = new URL("../support/crash-preload.ts", import.meta.url).href;
const SHIPPED = ["CONSCIOUSNESS", "KV_settings", "OBJ_artifacts", "ORCHESTRATION", "PERFORMANCE", "SECURITY"];
// More records than any full run writes; the loop ends by itself when a run was not killed.
const MOST_RECORDS = 400;
// Most of a boundary is waiting for servers, so several projects share them.
const LANES = 3;

const projects: Project[] = [];
beforeAll(async () => {
  for (let lane = 0; lane < LANES; lane += 1) projects.push(await createProject());
});
afterAll(async () => {
  await closeConnections();
  await Promise.all(projects.splice(0).map((project) => project[Symbol.asyncDispose]()));
});

const UP = ["up", "--stack", "dev", "--yes", "--skip-preview"];
const DESTROY = ["destroy", "--stack", "dev", "--yes", "--skip-preview"];

/** Runs the command until its journal holds so many records; true when it was killed there and not done before. */
async function isKilledAfter(project: Project, records: number, args: readonly string[]): Promise<boolean> {
  const result = await project.natsbus(args, { env: { NODE_OPTIONS: `--import=${PRELOAD}`, CRASH_AFTER_RECORDS: String(records) } });
  await onlyServersRemain(project);
  return result.signal === "SIGKILL";
}

async function succeeds(project: Project, args: readonly string[], boundary: number): Promise<void> {
  const result = await project.natsbus(args);
  expect(result.code, `${args[0]} after a kill at record ${boundary}: ${result.stderr}`).toBe(0);
}

function servers(project: Project): number {
  return processesBelow(project.directory).filter(({ command }) => command[0]?.includes("nats-server")).length;
}

/** Children of a killed engine end by themselves within moments; servers stay. */
async function onlyServersRemain(project: Project): Promise<void> {
  await expect
    .poll(() => processesBelow(project.directory).filter(({ command }) => !command[0]?.includes("nats-server")), { timeout: 15_000 })
    .toEqual([]);
}

async function expectWholeBus(project: Project): Promise<void> {
  expect(servers(project)).toBe(3);
  expect(await listStreams(project)).toEqual(SHIPPED);
  expect(assertValidState(project).filter((entry) => entry.delete === true || entry.pendingReplacement === true)).toEqual([]);
}

function expectNothingLeft(project: Project): void {
  expect(processesBelow(project.directory)).toEqual([]);
  expect(listeningPorts(project.ports)).toEqual([]);
  expect(existsSync(project.path(".natsbus/dev")) ? readdirSync(project.path(".natsbus/dev")) : []).toEqual([]);
  expect(assertValidState(project)).toEqual([]);
}

/** Shares boundaries among the projects, in order, until one says that there are no more. */
async function overBoundaries(boundaries: Iterable<number>, hasMore: (project: Project, boundary: number) => Promise<boolean>) {
  const left = boundaries[Symbol.iterator]();
  await Promise.all(
    projects.map(async (project) => {
      for (let next = left.next(); !next.done; next = left.next()) {
        if (!(await hasMore(project, next.value))) left.return?.();
      }
    }),
  );
}

function* range(from: number, to: number, step = 1): Generator<number> {
  for (let value = from; value < to; value += step) yield value;
}

describe("kill -9 of the engine at every step boundary", () => {
  test("up and destroy converge when they are run again, with nothing orphaned and nothing twice", { timeout: 1_500_000 }, async () => {
    let [upKills, destroyKills] = [0, 0];
    await overBoundaries(range(1, MOST_RECORDS), async (project, boundary) => {
      const isUpKilled = await isKilledAfter(project, boundary, UP);
      await succeeds(project, UP, boundary);
      await expectWholeBus(project);

      const isDestroyKilled = await isKilledAfter(project, boundary, DESTROY);
      await succeeds(project, DESTROY, boundary);
      expectNothingLeft(project);
      upKills += Number(isUpKilled);
      destroyKills += Number(isDestroyKilled);
      return isUpKilled || isDestroyKilled;
    });
    // A full up writes two records a resource and more; fewer kills would mean that the loop did not reach them.
    expect(upKills).toBeGreaterThan(30);
    expect(destroyKills).toBeGreaterThan(30);
  });

  test("a destroy right after a killed up removes what that up had made, recorded or not", { timeout: 600_000 }, async () => {
    let withServers = 0;
    await overBoundaries(range(8, 40, 4), async (project, boundary) => {
      await isKilledAfter(project, boundary, UP);
      if (servers(project) > 0) withServers += 1;
      await succeeds(project, DESTROY, boundary);
      expect(processesBelow(project.directory)).toEqual([]);
      expect(existsSync(project.path(".natsbus/dev"))).toBe(false);
      expect(assertValidState(project)).toEqual([]);
      return true;
    });
    expect(withServers).toBeGreaterThan(0);
  });
});
