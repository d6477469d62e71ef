import { existsSync, readdirSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeConnections } from "../../connection/pool.ts";
import { listStreams } from "../support/bus-client.ts";
import type { CliResult } from "../support/cli-project.ts";
import { listeningPorts, processesBelow } from "../support/processes.ts";
import { createProject, type Project } from "../support/project.ts";
import { assertValidState } from "../support/state.ts";

const PRELOAD = new URL("../support/crash-preload.ts", import.meta.url).href;
const SHIPPED = ["CONSCIOUSNESS", "KV_settings", "OBJ_artifacts", "ORCHESTRATION", "PERFORMANCE", "SECURITY"];
// More records than any full run writes; the loop ends by itself when a run was not killed.
const MOST_RECORDS = 400;

let project: Project;
beforeAll(async () => {
  project = await createProject();
});
afterAll(async () => {
  await closeConnections();
  await project?.[Symbol.asyncDispose]();
});

function killedAfter(records: number, args: readonly string[]): Promise<CliResult> {
  return project.natsbus(args, { env: { NODE_OPTIONS: `--import=${PRELOAD}`, CRASH_AFTER_RECORDS: String(records) } });
}

function servers(): number {
  return processesBelow(project.directory).filter(({ command }) => command[0]?.includes("nats-server")).length;
}

/** Children of a killed engine end by themselves within moments; servers stay. */
async function onlyServersRemain(): Promise<void> {
  await expect
    .poll(() => processesBelow(project.directory).filter(({ command }) => !command[0]?.includes("nats-server")), { timeout: 5_000 })
    .toEqual([]);
}

describe("kill -9 of the engine at every step boundary", () => {
  test("up and destroy converge when they are run again, with nothing orphaned and nothing twice", { timeout: 1_500_000 }, async () => {
    let [upKills, destroyKills] = [0, 0];
    for (let boundary = 1; boundary < MOST_RECORDS; boundary += 1) {
      const killedUp = await killedAfter(boundary, ["up", "--stack", "dev", "--yes", "--skip-preview"]);
      await onlyServersRemain();
      if (killedUp.signal === "SIGKILL") upKills += 1;
      const up = await project.natsbus(["up", "--stack", "dev", "--yes", "--skip-preview"]);
      expect(up.code, `up after a kill at record ${boundary}: ${up.stderr}`).toBe(0);
      expect(servers()).toBe(3);
      expect(await listStreams(project)).toEqual(SHIPPED);
      const resources = assertValidState(project);
      expect(resources.filter((entry) => entry.delete === true || entry.pendingReplacement === true)).toEqual([]);

      const killedDestroy = await killedAfter(boundary, ["destroy", "--stack", "dev", "--yes", "--skip-preview"]);
      await onlyServersRemain();
      if (killedDestroy.signal === "SIGKILL") destroyKills += 1;
      const destroy = await project.natsbus(["destroy", "--stack", "dev", "--yes", "--skip-preview"]);
      expect(destroy.code, `destroy after a kill at record ${boundary}: ${destroy.stderr}`).toBe(0);
      expect(processesBelow(project.directory)).toEqual([]);
      expect(listeningPorts(project.ports)).toEqual([]);
      expect(existsSync(project.path(".natsbus/dev")) ? readdirSync(project.path(".natsbus/dev")) : []).toEqual([]);
      expect(assertValidState(project)).toEqual([]);
      if (killedUp.signal !== "SIGKILL" && killedDestroy.signal !== "SIGKILL") break;
    }
    // A full up writes two records a resource and more; fewer kills would mean that the loop did not reach them.
    expect(upKills).toBeGreaterThan(30);
    expect(destroyKills).toBeGreaterThan(30);
  });

  test("a destroy right after a killed up removes what that up had made, recorded or not", { timeout: 600_000 }, async () => {
    let withServers = 0;
    for (let boundary = 8; boundary < 40; boundary += 4) {
      await killedAfter(boundary, ["up", "--stack", "dev", "--yes", "--skip-preview"]);
      await onlyServersRemain();
      if (servers() > 0) withServers += 1;
      const destroy = await project.natsbus(["destroy", "--stack", "dev", "--yes", "--skip-preview"]);
      expect(destroy.code, `destroy after an up killed at record ${boundary}: ${destroy.stderr}`).toBe(0);
      expect(processesBelow(project.directory)).toEqual([]);
      expect(existsSync(project.path(".natsbus/dev"))).toBe(false);
      expect(assertValidState(project)).toEqual([]);
    }
    expect(withServers).toBeGreaterThan(0);
  });
});
