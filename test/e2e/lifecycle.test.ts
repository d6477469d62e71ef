import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeConnections } from "../../connection/pool.ts";
import { apiRequests, jetStreamApi, listStreams, publish } from "../support/bus-client.ts";
import { listeningPorts, processesBelow } from "../support/processes.ts";
import { createProject, type Project } from "../support/project.ts";
import { assertValidState } from "../support/state.ts";

const SHIPPED = ["CONSCIOUSNESS", "KV_settings", "OBJ_artifacts", "ORCHESTRATION", "PERFORMANCE", "SECURITY"];
const UP = ["up", "--stack", "dev", "--yes", "--skip-preview"];

let project: Project;
beforeAll(async () => {
  project = await createProject();
});
afterAll(async () => {
  await closeConnections();
  await project?.[Symbol.asyncDispose]();
});

interface StreamInfo {
  readonly config: Record<string, unknown>;
  readonly created: string;
  readonly state: { readonly messages: number };
  readonly cluster: { readonly replicas: readonly { readonly current: boolean }[] };
}

async function streamInfo(name: string): Promise<StreamInfo> {
  return (await jetStreamApi(project, `STREAM.INFO.${name}`)) as unknown as StreamInfo;
}

function serverPids(): number[] {
  return processesBelow(project.directory)
    .filter(({ command }) => command[0]?.includes("nats-server"))
    .map(({ pid }) => pid);
}

describe("the life of a bus", () => {
  test("up brings up three servers, the accounts and everything in the catalogue at R3, and says how to use it", async () => {
    const up = await project.natsbus(UP);
    expect(up.code, up.stderr).toBe(0);
    expect(serverPids()).toHaveLength(3);
    expect(await listStreams(project)).toEqual(SHIPPED);
    for (const name of SHIPPED) {
      const { config, cluster } = await streamInfo(name);
      expect(config["num_replicas"], name).toBe(3);
      expect(
        cluster.replicas.map(({ current }) => current),
        name,
      ).toEqual([true, true]);
    }
    for (const [stream, consumer] of [
      ["CONSCIOUSNESS", "consciousness-worker"],
      ["SECURITY", "security-worker"],
    ]) {
      await jetStreamApi(project, `CONSUMER.INFO.${stream}.${consumer}`);
    }
    const told = up.stdout + up.stderr;
    expect(told).toContain(`tls://127.0.0.1:${project.ports[0]}`);
    expect(told).toContain(".natsbus/dev/creds");
    expect(told).toMatch(/natsbus.* publish /);
    expect(told).toMatch(/natsbus.* read /);
    assertValidState(project);
  });

  test("credentials can be read by their owner alone", () => {
    const files = readdirSync(project.path(".natsbus/dev/creds"));
    expect(files.length).toBeGreaterThanOrEqual(8);
    for (const file of files) expect(statSync(project.path(".natsbus/dev/creds", file)).mode & 0o077, file).toBe(0);
  });

  test("up again changes nothing and asks the servers for nothing", async () => {
    const before = await apiRequests(project);
    const pids = serverPids();
    const state = readFileSync(project.path(".natsbus/state/.pulumi/stacks/natsbus/dev.json"), "utf8");
    const again = await project.natsbus([...UP, "--expect-no-changes"]);
    expect(again.code, again.stderr).toBe(0);
    expect(await apiRequests(project)).toBe(before);
    expect(serverPids()).toEqual(pids);
    // Entries stand in the order in which their steps ended, which may differ; nothing else may, not even a secret's ciphertext.
    const entries = (text: string) =>
      (JSON.parse(text).checkpoint.latest.resources as { urn: string }[]).sort((a, b) => (a.urn < b.urn ? -1 : 1));
    expect(entries(readFileSync(project.path(".natsbus/state/.pulumi/stacks/natsbus/dev.json"), "utf8"))).toEqual(entries(state));
  });

  test("the SDK as the Pulumi CLI starts it, nothing postponed, sees no change either", async () => {
    const plain = await project.natsbus([...UP, "--expect-no-changes"], { env: { NATSBUS_EAGER_SDK: "1", NATSBUS_SOURCE_MAPS: "1" } });
    expect(plain.code, plain.stderr).toBe(0);
    const again = await project.natsbus([...UP, "--expect-no-changes"]);
    expect(again.code, again.stderr).toBe(0);
    assertValidState(project);
  });

  test("a changed limit is previewed as that field alone and updated in place", async () => {
    await publish(project, "performance.normal.cpu", 5);
    const { created } = await streamInfo("PERFORMANCE");
    project.edit("streams/catalog.ts", 'maxAge: "24h"', 'maxAge: "12h"');
    const preview = await project.natsbus(["preview", "--stack", "dev", "--json"]);
    expect(preview.code, preview.stderr).toBe(0);
    const { changeSummary, steps } = JSON.parse(preview.stdout) as {
      changeSummary: Record<string, number>;
      steps: { op: string; urn: string; diffReasons?: string[] }[];
    };
    expect(changeSummary["update"]).toBe(1);
    expect(steps.filter(({ op }) => op !== "same").map(({ op, urn }) => `${op} ${urn.split("::").at(-1)}`)).toEqual([
      "update bus-PERFORMANCE",
    ]);
    const diff = await project.natsbus(["preview", "--stack", "dev", "--diff"]);
    const changed = (diff.stdout + diff.stderr).split("\n").filter((line) => line.includes("=>"));
    expect(changed.map((line) => line.replaceAll(/\s+/g, " ").trim())).toEqual(['~ maxAge: "24h" => "12h"']);
    expect((await streamInfo("PERFORMANCE")).config["max_age"]).toBe(24 * 3_600e9);

    const up = await project.natsbus(UP);
    expect(up.code, up.stderr).toBe(0);
    const after = await streamInfo("PERFORMANCE");
    expect(after.config["max_age"]).toBe(12 * 3_600e9);
    expect(after.created).toBe(created);
    expect(after.state.messages).toBe(5);
  });

  test("a change made by hand shows in refresh and is put right by up", async () => {
    const { config } = await streamInfo("ORCHESTRATION");
    await jetStreamApi(project, "STREAM.UPDATE.ORCHESTRATION", { ...config, max_age: 3_600e9 });
    const refresh = await project.natsbus(["refresh", "--stack", "dev", "--yes"]);
    expect(refresh.code, refresh.stderr).toBe(0);
    expect(refresh.stdout + refresh.stderr).toMatch(/1 updated/);
    const up = await project.natsbus(UP);
    expect(up.code, up.stderr).toBe(0);
    expect((await streamInfo("ORCHESTRATION")).config["max_age"]).toBe(72 * 3_600e9);
  });

  test("a stream deleted by hand comes back with its consumer", async () => {
    await jetStreamApi(project, "STREAM.DELETE.CONSCIOUSNESS");
    const up = await project.natsbus(["up", "--stack", "dev", "--yes", "--skip-preview", "--refresh"]);
    expect(up.code, up.stderr).toBe(0);
    expect(await listStreams(project)).toEqual(SHIPPED);
    await jetStreamApi(project, "CONSUMER.INFO.CONSCIOUSNESS.consciousness-worker");
    assertValidState(project);
  });

  test("an immutable field of a stream with messages is refused in the preview, with reasons and choices, and nothing is touched", async () => {
    const before = await streamInfo("PERFORMANCE");
    project.edit("streams/catalog.ts", 'compression: "s2",', 'compression: "s2",\n      storage: "memory",');
    for (const args of [["preview", "--stack", "dev"], UP]) {
      const refused = await project.natsbus(args);
      expect(refused.code).toBe(1);
      const told = refused.stdout + refused.stderr;
      expect(told).toContain("storage");
      expect(told).toMatch(/5 messages/);
      expect(told).toContain("replacePolicy");
    }
    const after = await streamInfo("PERFORMANCE");
    expect(after.config).toEqual(before.config);
    expect(after.state.messages).toBe(5);
    project.edit("streams/catalog.ts", '\n      storage: "memory",', "");
  });

  test("a server that died shows in status and preview --refresh, and up starts it again", async () => {
    const [victim, ...others] = serverPids();
    process.kill(victim as number, "SIGKILL");
    await expect.poll(serverPids).toEqual(others);
    const status = await project.natsbus(["status", "--stack", "dev"]);
    expect(status.code).toBe(1);
    expect(status.stdout).toMatch(/down/);
    const preview = await project.natsbus(["preview", "--stack", "dev", "--refresh"]);
    expect(preview.code, preview.stderr).toBe(0);
    expect(preview.stdout + preview.stderr).toMatch(/1 to update/);
    expect(serverPids()).toEqual(others);
    const up = await project.natsbus(UP);
    expect(up.code, up.stderr).toBe(0);
    expect(serverPids()).toHaveLength(3);
    expect(serverPids()).toEqual(expect.arrayContaining(others));
    expect((await project.natsbus(["status", "--stack", "dev"])).code).toBe(0);
  });

  test("a server killed while up works ends well or with a clear error, and the next up repairs", async () => {
    project.configure({
      "natsbus:limits": { maxConnections: 1000, maxPayload: "2MiB" },
      "natsbus:jetstream": { maxMemory: "128MB", maxStorage: "640MB", syncInterval: "1m" },
    });
    let killed = false;
    const disturbed = await project.natsbus(UP, {
      onStderr: (text) => {
        if (killed || !/restart|reload/.test(text)) return;
        killed = true;
        process.kill(serverPids().at(-1) as number, "SIGKILL");
      },
    });
    expect(killed).toBe(true);
    if (disturbed.code !== 0) expect(disturbed.stderr + disturbed.stdout).toMatch(/\[?ERR_[A-Z_]+/);
    const up = await project.natsbus(UP);
    expect(up.code, up.stderr).toBe(0);
    expect(serverPids()).toHaveLength(3);
    expect((await project.natsbus([...UP, "--expect-no-changes"])).code).toBe(0);
    expect((await streamInfo("PERFORMANCE")).state.messages).toBe(5);
  });

  test("of two runs at once the second refuses and names the holder", async () => {
    project.edit("streams/catalog.ts", 'maxAge: "12h"', 'maxAge: "13h"');
    const first = project.natsbus(UP);
    await expect
      .poll(
        () =>
          existsSync(project.path(".natsbus/state/.pulumi/locks/organization/natsbus/dev")) &&
          readdirSync(project.path(".natsbus/state/.pulumi/locks/organization/natsbus/dev")).length,
        { timeout: 5_000 },
      )
      .toBe(1);
    const second = await project.natsbus(UP);
    expect(second.code).toBe(1);
    expect(second.stderr).toContain("ERR_STATE_LOCKED");
    expect(second.stderr).toMatch(/process \d+/);
    expect((await first).code).toBe(0);
  });

  test("destroy leaves no process, no port and no file but what it tells", async () => {
    const destroy = await project.natsbus(["destroy", "--stack", "dev", "--yes", "--skip-preview"]);
    expect(destroy.code, destroy.stderr).toBe(0);
    expect(processesBelow(project.directory)).toEqual([]);
    expect(listeningPorts(project.ports)).toEqual([]);
    const left = readdirSync(project.path(".natsbus"));
    const told = destroy.stdout + destroy.stderr;
    for (const name of left) expect(told, name).toContain(`.natsbus/${name}`);
    expect(assertValidState(project)).toEqual([]);
    expect((await project.natsbus(["destroy", "--stack", "dev", "--yes"])).code).toBe(0);
  });
});
