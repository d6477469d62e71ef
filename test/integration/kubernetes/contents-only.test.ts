import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { apiServerObstacle, startApiServer, type TestApiServer } from "../../kubernetes/api-server.ts";
import { createProject, type Project } from "../../support/project.ts";

const obstacle = apiServerObstacle();
if (obstacle !== undefined) process.stdout.write(`--contents-only against a cluster without the files: SKIPPED. ${obstacle}\n`);

let project: Project;
beforeAll(async () => {
  project = await createProject();
});
afterAll(() => project[Symbol.asyncDispose]());

const up = (...args: readonly string[]) => project.natsbus(["up", "--yes", "--engine", "embedded", ...args]);

function pointAt(kubeconfig: string): void {
  project.edit("Pulumi.prod.yaml", "    namespace: natsbus\n", `    namespace: natsbus\n    kubeconfig: ${kubeconfig}\n`);
}

test("a bus whose servers natsbus makes itself has no contents apart", async () => {
  const refused = await up("--contents-only", "--stack", "dev");
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain("ERR_USAGE");
  expect(refused.stderr).toContain("leave it out; on this target natsbus makes the servers itself");
});

test("a cluster that cannot be reached is told, with what to look at", async () => {
  const kubeconfig = project.path("nowhere.yaml");
  const cluster = { name: "c", cluster: { server: "https://127.0.0.1:1" } };
  const user = { name: "u", user: { token: "t" } };
  const contexts = [{ name: "x", context: { cluster: "c", user: "u" } }];
  writeFileSync(
    kubeconfig,
    JSON.stringify({ apiVersion: "v1", kind: "Config", clusters: [cluster], users: [user], contexts, "current-context": "x" }),
  );
  pointAt(kubeconfig);
  const failed = await up("--contents-only", "--stack", "prod");
  expect(failed.code).toBe(1);
  expect(failed.stderr + failed.stdout).toContain("not checked against the cluster");
  expect(failed.stderr + failed.stdout).toMatch(
    /the Kubernetes API did not read StatefulSet nats.*\n.*check with kubectl that the cluster answers.*\n.*\[ERR_KUBERNETES\]/,
  );
});

test.each([
  ["publish", "consciousness.normal.hello", "{}"],
  ["read", "CONSCIOUSNESS"],
])("%s is told that the bus was never brought up", async (...words) => {
  const failed = await project.natsbus([...words, "--stack", "prod"]);
  expect(failed.code).toBe(1);
  expect(failed.stderr).toContain("bring it up with `natsbus up --stack prod`");
  expect(failed.stderr).toContain("[ERR_NOT_UP]");
});

test.skipIf(obstacle !== undefined)("a cluster without the files is told, with the way to apply them", async () => {
  await using server: TestApiServer = await startApiServer();
  project.edit("Pulumi.prod.yaml", project.path("nowhere.yaml"), server.kubeconfig);
  const failed = await up("--contents-only", "--stack", "prod");
  expect(failed.code).toBe(1);
  expect(failed.stderr + failed.stdout).toMatch(
    /there is no StatefulSet nats in namespace natsbus\n.*apply the objects first.*\n.*\[ERR_ROLLOUT\]/,
  );
});
