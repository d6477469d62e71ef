import { afterAll, beforeAll, expect, test } from "vitest";
import { closeConnections } from "../../connection/pool.ts";
import type { Comparison } from "../../operations/compare.ts";
import { acknowledge, jetStreamApi, publish } from "../support/bus-client.ts";
import { createProject, type Project } from "../support/project.ts";

const BUCKET = { num_replicas: 3, discard: "new", allow_rollup_hdrs: true, allow_direct: true, deny_delete: true };

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

test("right after up nothing differs, with the stack's own credentials and with those of --url", async () => {
  const own = await project.natsbus(["diff"]);
  expect({ code: own.code, out: own.stdout }, own.stderr).toEqual({
    code: 0,
    out: "stack dev holds what is declared: 10 objects, nothing else.\n",
  });
  const url = `tls://127.0.0.1:${project.ports[0]}`;
  const files = ["--creds", ".natsbus/dev/creds/admin.creds", "--ca", ".natsbus/dev/ca.pem"];
  const other = await project.natsbus(["diff", "--url", url, ...files, "--json"]);
  expect(JSON.parse(other.stdout)).toEqual({ where: url, equal: 10, differences: [] });
  expect(other.code).toBe(0);
  const refused = await project.natsbus(["diff", "--url", url, "--ca", ".natsbus/dev/ca.pem"]);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("ERR_CONNECT_CREDENTIALS") });
});

test("what differs is told with its meaning and its cost, exit code 7, and nothing is written", async () => {
  await publish(project, "performance.normal.cpu", 5);
  await jetStreamApi(project, "STREAM.CREATE.SPARE", { name: "SPARE", subjects: ["spare.>"] });
  await jetStreamApi(project, "CONSUMER.DELETE.SECURITY.security-worker");
  project.edit("streams/catalog.ts", 'maxAge: "24h"', 'maxAge: "24h",\n      maxMsgs: 2,\n      storage: "memory"');
  project.edit("streams/catalog.ts", "history: 5", "history: 9");
  const before = await jetStreamApi(project, "STREAM.INFO.PERFORMANCE");

  const shown = await project.natsbus(["diff", "--stack", "dev"]);
  expect(shown.code, shown.stderr).toBe(7);
  expect(shown.stdout).toContain("+ consumer SECURITY/security-worker is declared and not there; up creates it\n");
  expect(shown.stdout).toContain("- stream SPARE is there and not declared; up leaves it alone\n");
  expect(shown.stdout).toContain("~ stream PERFORMANCE differs; up refuses to change it\n");
  expect(shown.stdout).toMatch(/maxMsgs -1 → 2 +in place; deletes the 3 oldest messages\n/);
  expect(shown.stdout).toMatch(/storage file → memory +only by making it anew: storage is chosen when a stream is made\n/);
  expect(shown.stdout).toMatch(/~ key-value bucket settings differs; up updates it in place\n +history 5 → 9 +in place\n/);
  expect(shown.stdout).toMatch(/\nstack dev: 1 missing, 2 different, 1 extra, 7 equal\.\n$/);

  const json = await project.natsbus(["diff", "--stack", "dev", "--json"]);
  expect(json.code).toBe(7);
  const { equal, differences } = JSON.parse(json.stdout) as Comparison;
  expect([equal, ...differences.map(({ name, step }) => `${step} ${name}`)]).toEqual([
    7,
    "refuse PERFORMANCE",
    "create SECURITY/security-worker",
    "update settings",
    "leave SPARE",
  ]);
  const after = await jetStreamApi(project, "STREAM.INFO.PERFORMANCE");
  expect([after["config"], after["state"]]).toEqual([before["config"], before["state"]]);
});

/** Everything streams and consumers hold: states, positions, times of creation, every message. Markers of owners left out. */
async function held(streams: readonly string[]): Promise<unknown> {
  return await Promise.all(
    streams.map(async (stream) => {
      const { config, state, created } = (await jetStreamApi(project, `STREAM.INFO.${stream}`)) as Info;
      const { consumers } = (await jetStreamApi(project, `CONSUMER.LIST.${stream}`)) as { consumers: Info[] };
      const sequences = Array.from({ length: state.last_seq - state.first_seq + 1 }, (_, index) => state.first_seq + index);
      const messages = await Promise.all(sequences.map((seq) => jetStreamApi(project, `STREAM.MSG.GET.${stream}`, { seq })));
      const positions = consumers.map((one) => [
        one["name"],
        one["created"],
        one["delivered"],
        one["ack_floor"],
        one["num_ack_pending"],
        one["num_pending"],
      ]);
      return { config: { ...config, metadata: {} }, state, created, positions, messages: messages.map(({ message }) => message) };
    }),
  );
}

interface Info extends Record<string, unknown> {
  readonly config: Record<string, unknown>;
  readonly state: { readonly first_seq: number; readonly last_seq: number };
}

test("what import writes is taken over by the next up without touching a message or a position, and the up after that changes nothing", async () => {
  project.edit("streams/catalog.ts", 'maxAge: "24h",\n      maxMsgs: 2,\n      storage: "memory"', 'maxAge: "24h"');
  project.edit("streams/catalog.ts", "history: 9", "history: 5");
  await publish(project, "spare.a", 4);
  const durable = { durable_name: "reader", name: "reader", ack_policy: "explicit", ack_wait: 300_000_000_000 };
  await jetStreamApi(project, "CONSUMER.CREATE.SPARE.reader", { stream_name: "SPARE", config: durable });
  await jetStreamApi(project, "CONSUMER.CREATE.PERFORMANCE.reader", { stream_name: "PERFORMANCE", config: durable });
  await jetStreamApi(project, "STREAM.CREATE.KV_theirs", {
    name: "KV_theirs",
    subjects: ["$KV.theirs.>"],
    ...BUCKET,
    max_msgs_per_subject: 3,
  });
  await jetStreamApi(project, "STREAM.CREATE.OBJ_theirs", {
    name: "OBJ_theirs",
    subjects: ["$O.theirs.C.>", "$O.theirs.M.>"],
    ...BUCKET,
    deny_delete: false,
  });
  await publish(project, "$KV.theirs.key", 3);
  await publish(project, "$O.theirs.C.x", 2);
  await acknowledge(project, { stream: "SPARE", consumer: "reader", pull: 3, acknowledge: 2 });
  await acknowledge(project, { stream: "PERFORMANCE", consumer: "reader", pull: 4, acknowledge: 3 });
  const all = ["SPARE", "PERFORMANCE", "KV_theirs", "OBJ_theirs"];
  const before = await held(all);
  expect(before).toMatchObject([{ positions: [["reader", expect.any(String), { stream_seq: 3 }, { stream_seq: 2 }, 1, 1]] }, {}, {}, {}]);

  const first = await project.natsbus(["import"]);
  expect(first.code, first.stderr).toBe(0);
  expect(first.stderr).toContain("found: streams 1, consumers 2, key-value buckets 1, object stores 1\n");
  const plan = await project.natsbus(["diff"]);
  expect(plan.code).toBe(7);
  expect(plan.stdout).toContain("~ stream SPARE is there; up takes it over\n    natsbus did not make it\n");
  expect(plan.stdout).toMatch(/\nstack dev: 1 missing, 5 different, 9 equal\.\n$/);
  expect(await project.natsbus(["import"])).toMatchObject({ code: 2, stderr: expect.stringContaining("holds what was imported before") });

  // A test before this one took a consumer away behind the state's back.
  const refresh = await project.natsbus(["refresh", "--yes", "--skip-preview"]);
  expect(refresh.code, refresh.stderr).toBe(0);
  const up = await project.natsbus(["up", "--yes", "--skip-preview"]);
  expect(up.code, up.stderr).toBe(0);
  expect(await held(all)).toEqual(before);
  expect(await project.natsbus(["diff"])).toMatchObject({ code: 0 });
  const again = await project.natsbus(["up", "--yes", "--skip-preview", "--expect-no-changes"]);
  expect(again.code, again.stderr).toBe(0);
  expect(await held(all)).toEqual(before);
});

test("with the servers gone it says so, instead of calling everything missing", async () => {
  const url = "nats://127.0.0.1:1";
  expect(await project.natsbus(["diff", "--url", url])).toMatchObject({
    code: 1,
    stdout: "",
    stderr: expect.stringContaining("ERR_CONNECT"),
  });
  expect(await project.natsbus(["diff", "--creds", "x"])).toMatchObject({ code: 2, stderr: expect.stringContaining("goes with --url") });
});
