import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findFreePorts } from "../support/free-ports.ts";
import { createProject, type Project } from "../support/project.ts";

const ROOT = resolve(import.meta.dirname, "../..");

let project: Project;
beforeAll(async () => {
  project = await createProject();
  const { code, stderr } = await project.natsbus(["up", "--stack", "dev", "--yes"]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
});
afterAll(() => project[Symbol.asyncDispose]());

/** Starts an example in the project's folder. */
function start(file: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}): ChildProcess {
  const path = join(ROOT, "examples", file);
  const command = file.endsWith(".sh") ? ["/bin/sh", path] : [process.execPath, path];
  return spawn(command[0]!, [...command.slice(1), ...args], { cwd: project.directory, env: { ...process.env, ...env }, stdio: "pipe" });
}

async function run(
  file: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<{ code: number; out: string; err: string }> {
  const child = start(file, args, env);
  const timer = setTimeout(() => child.kill("SIGKILL"), 60_000);
  const [[code], out, err] = await Promise.all([once(child, "close") as Promise<[number]>, text(child.stdout!), text(child.stderr!)]);
  clearTimeout(timer);
  return { code, out, err };
}

test("the publisher publishes once however often it runs, and the worker handles everything, what fails again", async () => {
  const first = await run("publisher.ts", ["8"]);
  expect(first).toMatchObject({ code: 0, err: "" });
  expect(first.out).toMatch(/^security\.critical\.alert: stored in SECURITY as message 1$/m);
  expect(first.out).toContain("a batch of 2");
  expect((await run("publisher.ts", ["8"])).out.match(/ before$/gm)).toHaveLength(8);
  // Eight alerts, and two of each run's batch.
  const { code, out, err } = await run("worker.ts", ["12"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toContain("login 3 refused (delivery 2)");
  expect(out).toContain("12 acknowledged, 1 tried again, 0 with the dead letters");
});

test("the request service answers, and says what it does not know", async () => {
  const service = start("request-service.ts");
  try {
    const [ready] = (await once(service.stdout!, "data")) as [Buffer];
    expect(ready.toString()).toBe("service hosts 1.0.0 is ready\n");
    expect(await run("request-service.ts", ["n3"])).toEqual({ code: 0, out: "n3 belongs to research and has 0 alerts\n", err: "" });
    const unknown = await run("request-service.ts", ["n9"]);
    expect(unknown).toMatchObject({ code: 1, out: expect.stringContaining("404: there is no host n9") });
  } finally {
    service.kill("SIGTERM");
  }
  expect(await once(service, "close")).toEqual([0, null]);
  expect((await run("request-service.ts", ["n1"])).out).toContain("ERR_CLIENT_REQUEST");
});

test("a shell script tells of a pipeline, and the bridge posts it to the chat, again when the chat fails", async () => {
  const texts: string[] = [];
  const chat = createServer(async (request, response) => {
    texts.push(await text(request));
    response.statusCode = texts.length === 1 ? 500 : 200;
    response.end();
  });
  const port = await findFreePorts(1);
  chat.listen(port, "127.0.0.1");
  try {
    const env = { NATSBUS: `${process.execPath} ${join(ROOT, "cli/natsbus.js")}`, CI_JOB_ID: "42" };
    const awkward = 'build "main" \\ é';
    const told = await run("ci-notify.sh", [awkward, "failed", "https://ci.example/42"], env);
    expect(told).toMatchObject({ code: 0, out: expect.stringMatching(/^stored in ORCHESTRATION as message \d+\n$/) });
    expect((await run("ci-notify.sh", [awkward, "failed"], env)).out).toContain("already (duplicate)");
    const bridge = await run("chat-bridge.ts", ["1"], { CHAT_WEBHOOK_URL: `http://127.0.0.1:${port}/hook` });
    expect(bridge).toMatchObject({ code: 0, out: `posted: pipeline ${awkward}: failed https://ci.example/42\n` });
    expect(bridge.err).toContain("not handled");
    expect(texts.map((body) => JSON.parse(body))).toEqual(Array(2).fill({ text: `pipeline ${awkward}: failed https://ci.example/42` }));
    expect((await run("chat-bridge.ts")).code).toBe(2);
  } finally {
    chat.close();
  }
});
