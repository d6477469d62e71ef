import { readFileSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { closeConnections } from "../../connection/pool.ts";
import type { VerifyResult } from "../../operations/verify/run.ts";
import { jetStreamApi, listStreams } from "../support/bus-client.ts";
import { createProject, type Project } from "../support/project.ts";

// Speed is not what this test is about, and the machine may be busy with others.
const LENIENT = "publishRate=1,publishRatio=0,consumeRatio=0,meanLatency=10000,latencyP99=30000,failover=30000,catchUp=120000,scaling=0";

let project: Project;
beforeAll(async () => {
  project = await createProject();
  const up = await project.natsbus(["up", "--stack", "dev", "--yes", "--skip-preview"], { timeoutMs: 280_000 });
  expect(up.code, up.stderr).toBe(0);
});
afterAll(async () => {
  await closeConnections();
  await project?.[Symbol.asyncDispose]();
});

interface Found {
  readonly code: number | null;
  readonly failed: readonly string[];
  readonly text: string;
  readonly document: VerifyResult;
}

async function verify(args: readonly string[]): Promise<Found> {
  const { code, stdout, stderr } = await project.natsbus(["verify", "--json", "--quick", "--threshold", LENIENT, ...args], {
    timeoutMs: 280_000,
  });
  expect(stdout, stderr).toMatch(/^\{/);
  const document = JSON.parse(stdout) as VerifyResult;
  const checks = document.sections.flatMap((section) => section.checks);
  return {
    code,
    document,
    text: stdout,
    failed: checks.filter(({ status }) => status === "failed").map(({ section, name }) => `${section}/${name}`),
  };
}

/** What failed, in words. */
function told({ sections }: VerifyResult): string {
  const failures = sections.flatMap(({ checks }) => checks.filter(({ status }) => status === "failed"));
  return failures.map(({ name, detail }) => `${name}: ${detail}`).join("; ");
}

test("a sound bus is accepted, in all ten sections, and is left as it was", async () => {
  const before = await listStreams(project);
  const junit = project.path("verify.xml");
  const markdown = project.path("verify.md");
  const { code, failed, document } = await verify(["--junit", junit, "--markdown", markdown]);
  expect({ code, failed }, told(document)).toEqual({ code: 0, failed: [] });
  expect(document.sections.map(({ name }) => name)).toHaveLength(10);
  const skipped = document.sections.flatMap(({ checks }) => checks.filter(({ status }) => status === "skipped").map(({ name }) => name));
  expect(skipped).toEqual(["killed", "nothing-lost-kill", "back-after-kill"]);
  expect(readFileSync(junit, "utf8")).toContain('failures="0"');
  expect(readFileSync(markdown, "utf8")).toContain("# stack dev: accepted");
  expect(await listStreams(project)).toEqual(before);
  expect((await project.natsbus(["status"])).code).toBe(0);
  expect((await project.natsbus(["diff"])).code).toBe(0);
});

test("what a killed run left is swept, somebody's own stream of such a name is not", async () => {
  const metadata = { "natsbus-verify-owner": JSON.stringify({ host: (await import("node:os")).hostname(), pid: 2 ** 22 + 1 }) };
  await jetStreamApi(project, "STREAM.CREATE.VERIFY_left", { name: "VERIFY_left", subjects: ["natsbus-verify.left.>"], metadata });
  await jetStreamApi(project, "STREAM.CREATE.VERIFY_own", { name: "VERIFY_own", subjects: ["natsbus-verify.own.>"] });
  await verify(["--section", "connection"]);
  expect((await listStreams(project)).filter((name) => name.startsWith("VERIFY_"))).toEqual(["VERIFY_own"]);
  await jetStreamApi(project, "STREAM.DELETE.VERIFY_own");
});

test("a lost consumer and a changed stream are told", async () => {
  await jetStreamApi(project, "CONSUMER.DELETE.SECURITY.security-worker");
  const { code, failed, text } = await verify(["--section", "jetstream"]);
  expect({ code, failed }).toEqual({ code: 1, failed: ["jetstream/declared-equals-live"] });
  expect(text).toContain("SECURITY/security-worker missing");
  await project.natsbus(["up", "--yes", "--skip-preview", "--refresh"]);
});

test("credentials that open nothing, or are another user's, are told by name", async () => {
  const file = project.path(".natsbus/dev/creds/security.creds");
  const good = readFileSync(file, "utf8");
  const results: Found[] = [];
  for (const text of [good.replace(/\neyJ(.)/, "\neyX$1"), readFileSync(project.path(".natsbus/dev/creds/matrix.creds"), "utf8")]) {
    writeFileSync(file, text);
    results.push(await verify(["--section", "connection"]));
  }
  writeFileSync(file, good);
  expect(results.map(({ code, failed }) => [code, failed[0]])).toEqual([
    [1, "connection/every-user"],
    [1, "connection/every-user"],
  ]);
  expect(results[0]?.text).toContain("security: ");
  expect(results[1]?.text).toContain("security: the file holds the credentials of matrix");
});

test("rights that the servers give and the catalogue does not are told, subject by subject", async () => {
  project.edit("accounts/catalog.ts", 'publish: ["gitlab.>", ', "publish: [");
  const { code, failed, text } = await verify(["--section", "security"]);
  project.edit("accounts/catalog.ts", "gitlab: { publish: [", 'gitlab: { publish: ["gitlab.>", ');
  expect(code).toBe(1);
  expect(failed).toEqual(["security/rights-in-force", "security/role-subject-matrix"]);
  expect(text).toContain("gitlab may publish to gitlab.natsbus-verify");
});

test("a server that is down is told, and no other one is stopped then", async () => {
  const { servers } = JSON.parse((await project.natsbus(["status", "--json"])).stdout) as { servers: { name: string; pid: number }[] };
  const victim = servers[1]!;
  process.kill(victim.pid, "SIGKILL");
  const { code, failed, document } = await verify(["--section", "connection,availability,monitoring"]);
  expect(code).toBe(1);
  expect(failed).toEqual(
    expect.arrayContaining(["connection/every-server", "availability/whole-before", "monitoring/health", "monitoring/system-account"]),
  );
  const stopped = document.sections.find(({ name }) => name === "availability")?.checks.find(({ name }) => name === "stopped-in-order");
  expect(stopped?.status).toBe("skipped");
  const up = await project.natsbus(["up", "--yes", "--skip-preview", "--refresh"]);
  expect(up.code, up.stderr).toBe(0);
});

test("limits stand in the stack file, and a failure names the setting", async () => {
  project.configure({ "natsbus:verify": { latencyP99: 0 } });
  const { code, stdout } = await project.natsbus(["verify", "--json", "--quick", "--section", "latency"]);
  project.configure({ "natsbus:verify": undefined });
  const checks = (JSON.parse(stdout) as VerifyResult).sections.flatMap((section) => section.checks);
  expect(code).toBe(1);
  expect(checks.filter(({ status }) => status === "failed").map(({ name }) => name)).toEqual([
    "five-publishers",
    "end-to-end",
    "request-reply",
  ]);
  expect(checks[0]?.remedy).toContain("natsbus:verify.latencyP99");
});

test("a server that a killed run left stopped is started by the next run", async () => {
  const { signal } = await project.natsbus(["verify", "--section", "availability"], {
    timeoutMs: 120_000,
    onStderr: (text, child) => {
      if (text.includes("stopping n")) setTimeout(() => child.kill("SIGKILL"), 1_500);
    },
  });
  expect(signal).toBe("SIGKILL");
  expect((await project.natsbus(["status"])).stdout).toContain("down");
  expect((await verify(["--section", "connection"])).failed).toEqual([]);
  expect((await project.natsbus(["status"])).stdout).not.toContain("down");
  expect((await listStreams(project)).filter((name) => name.startsWith("VERIFY_"))).toEqual([]);
});

test("Ctrl-C ends with 130, removes what was made and leaves every server running", async () => {
  const before = await listStreams(project);
  const { code } = await project.natsbus(["verify", "--section", "consumption,availability"], {
    timeoutMs: 120_000,
    onStderr: (text, child) => {
      if (text.includes("stopping n")) child.kill("SIGINT");
    },
  });
  expect(code).toBe(130);
  expect(await listStreams(project)).toEqual(before);
  expect((await project.natsbus(["status"])).stdout).not.toContain("down");
});

test.each([
  [["--section", "securty"], 2, "did you mean security"],
  [["--threshold", "failover=soon"], 2, "allowed is a number from 0"],
  [["--junit", "/nowhere/at/all.xml", "--section", "connection"], 1, "ERR_REPORT_FILE"],
  [["--stack", "prod"], 1, "ERR_NOT_UP"],
])("%j is refused with the reason", async (args, code, words) => {
  expect(await project.natsbus(["verify", ...args])).toMatchObject({ code, stderr: expect.stringContaining(words) });
});

test.each([
  [["bench", "--svg", "/nowhere/at/all.svg"], "ERR_REPORT_FILE"],
  [["demo", "--yes", "--stack", "prod"], "ERR_NOT_UP"],
])("%j is refused before anything is done", async (args, word) => {
  expect(await project.natsbus(args)).toMatchObject({ code: 1, stdout: "", stderr: expect.stringContaining(word) });
});

test("bench measures, writes pictures, and compares with an earlier run", async () => {
  const options = ["--scenario", "publish,request", "--library", "on,off", "-n", "200"];
  const first = await project.natsbus(["bench", ...options, "--json"]);
  expect(first.code, first.stderr).toBe(0);
  writeFileSync(project.path("before.json"), first.stdout);
  const files = ["--svg", project.path("b.svg"), "--png", project.path("b.png")];
  const second = await project.natsbus(["bench", ...options, ...files, "--compare", project.path("before.json")]);
  expect(second.code, second.stderr).toBe(0);
  expect(second.stdout).toMatch(/publish, 128 B, 1 client, async, R3, library +200 +\d+ .* \d+\.\d\dx\n/);
  expect(readFileSync(project.path("b.svg"), "utf8")).toContain("</svg>");
  expect(readFileSync(project.path("b.png")).subarray(1, 4).toString()).toBe("PNG");
  expect((await listStreams(project)).some((name) => name.startsWith("VERIFY_"))).toBe(false);
});

test("demo shows every step without a terminal, and leaves everything as it was", async () => {
  const before = await listStreams(project);
  const { code, stdout, stderr } = await project.natsbus(["demo", "--yes"], { timeoutMs: 240_000 });
  expect(code, stderr).toBe(0);
  for (const title of ["The bus", "Publishing", "Lanes", "A bad message", "Replay", "A server fails", "Figures"])
    expect(stdout).toContain(title);
  expect(stdout).toMatch(/critical message was handled at most \d+ ms/);
  for (const how of ["stopped", "killed"])
    expect(stdout).toMatch(new RegExp(`n\\d was ${how}: \\d+ ms without a confirmation, no message was given up, and it has caught up`));
  expect(stdout).toContain("dead letter  malformed");
  expect(await listStreams(project)).toEqual(before);
  expect((await project.natsbus(["status"])).code).toBe(0);
});
