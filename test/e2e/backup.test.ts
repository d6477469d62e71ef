import { readdirSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { closeConnections } from "../../connection/pool.ts";
import { acknowledge, jetStreamApi, listStreams, publish } from "../support/bus-client.ts";
import { createProject, type Project } from "../support/project.ts";

let project: Project;
beforeAll(async () => {
  project = await createProject();
  const up = await project.natsbus(["up", "--stack", "dev", "--yes", "--skip-preview"]);
  expect(up.code, up.stderr).toBe(0);
  await publish(project, "security.critical.door", 6);
  await acknowledge(project, { stream: "SECURITY", consumer: "security-worker", pull: 4, acknowledge: 4 });
});
afterAll(async () => {
  await closeConnections();
  await project?.[Symbol.asyncDispose]();
});

interface Place {
  readonly num_pending: number;
  readonly ack_floor: { readonly stream_seq: number };
}

test("a stream that was deleted by hand comes back with its consumer, and the next up finds its own", async () => {
  const all = await listStreams(project);
  const taken = await project.natsbus(["backup", "--stack", "dev", "--out", "saved/monday"]);
  expect(taken.code, taken.stderr).toBe(0);
  expect(taken.stderr).toContain("SECURITY: 6 messages, 1 consumers, ");
  expect(taken.stdout).toMatch(/^saved\/monday: \d+ streams with \d+ messages, taken .* from nats-server 2\./);
  expect(readdirSync(project.path("saved/monday")).toSorted()).toEqual([...all, "manifest.json"].toSorted());
  const twice = await project.natsbus(["backup", "--out", "saved/monday"]);
  expect(twice).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining("ERR_BACKUP_FOLDER") });
  const checked = await project.natsbus(["backup", "--check", "saved/monday", "--json"]);
  expect([checked.code, JSON.parse(checked.stdout).shortcomings]).toEqual([0, []]);
  const refused = await project.natsbus(["restore", "saved/monday"]);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("ERR_RESTORE_EXISTS") });

  await jetStreamApi(project, "STREAM.DELETE.SECURITY");
  const plan = await project.natsbus(["restore", "saved/monday", "--stream", "SECURITY", "--dry-run"]);
  expect(plan).toMatchObject({ code: 0, stdout: expect.stringContaining("SECURITY would be restored with 6 messages\n") });
  expect(await listStreams(project)).not.toContain("SECURITY");
  const restored = await project.natsbus(["restore", "saved/monday", "--stack", "dev", "--stream", "SECURITY"]);
  expect(restored.code, restored.stderr).toBe(0);
  expect(restored.stderr).toBe("SECURITY: 6 messages, restored and compared\n");
  const place = (await jetStreamApi(project, "CONSUMER.INFO.SECURITY.security-worker")) as unknown as Place;
  expect([place.ack_floor.stream_seq, place.num_pending]).toEqual([4, 2]);
  const up = await project.natsbus(["up", "--yes", "--skip-preview", "--expect-no-changes"]);
  expect(up.code, up.stderr).toBe(0);
  const diff = await project.natsbus(["diff"]);
  expect(diff.code, diff.stdout).toBe(0);
});

test.each([
  [["backup"], "needs --out DIR"],
  [["backup", "--out", "a", "--check", "b"], "needs --out DIR"],
  [["backup", "--out", "a", "--stream", ","], "--stream names nothing"],
  [["restore"], "see `natsbus restore --help`"],
  [["restore", "x", "--as", "NEW"], "go with one stream"],
  [["restore", "x", "--stream", "SECURITY", "--as", "a.b"], "is not a stream name"],
])("%j is refused with exit code 2", async (args, message) => {
  expect(await project.natsbus(args)).toMatchObject({ code: 2, stdout: "", stderr: expect.stringContaining(message) });
});
