import { afterAll, beforeAll, expect, test } from "vitest";
import { closeConnections } from "../../connection/pool.ts";
import type { Comparison } from "../../operations/compare.ts";
import { jetStreamApi, publish } from "../support/bus-client.ts";
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

test("what discover writes is taken over by the next up, with all it holds, and then nothing differs", async () => {
  await publish(project, "spare.a", 4);
  const file = project.path("streams/discovered.ts");
  const discover = await project.natsbus(["discover", "--file", file]);
  expect(discover.code, discover.stderr).toBe(0);
  expect(discover.stderr).toContain("found: streams 5, consumers 3, key-value buckets 1, object stores 1\n");
  expect(await project.natsbus(["discover", "--file", file])).toMatchObject({ code: 2, stderr: expect.stringContaining("exists already") });
  const own = 'import { discovered } from "./discovered.ts";\nexport const catalog: Catalog = discovered;\n';
  project.edit("streams/catalog.ts", "export const catalog: Catalog = {", `${own}export const shipped: Catalog = {`);
  const before = await jetStreamApi(project, "STREAM.INFO.SPARE");

  const plan = await project.natsbus(["diff"]);
  expect(plan.code).toBe(7);
  expect(plan.stdout).toBe("~ stream SPARE is there; up takes it over\n    natsbus did not make it\n\nstack dev: 1 different, 9 equal.\n");
  const up = await project.natsbus(["up", "--yes", "--skip-preview"]);
  expect(up.code, up.stderr).toBe(0);
  expect((await jetStreamApi(project, "STREAM.INFO.SPARE"))["state"]).toEqual(before["state"]);
  expect(await project.natsbus(["diff"])).toMatchObject({ code: 0 });
  expect((await project.natsbus(["up", "--yes", "--skip-preview", "--expect-no-changes"])).code).toBe(0);
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
