/** Rotation and renewal of everything that the operator signs, on three live servers: two credentials or keys alive until the next `up`, one after it. */
import { readFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { closeConnections } from "../../connection/pool.ts";
import { discoverServers } from "../../connection/system-account.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import { parseLogin } from "../../core/login.ts";
import { probe } from "../support/permission-probe.ts";
import { createProject, type Project } from "../support/project.ts";

const UP = ["up", "--stack", "dev", "--yes", "--skip-preview"];
// So short a time outside the window that the next run renews it.
const SHORT = { lifetime: "1h", renewBefore: "3599s" };
const BUS = { users: { matrix: SHORT } };
const EXTRA = { limits: { jetstream: { storage: "64MiB" } }, roles: { owner: { everything: true } }, users: { owner: {} } };

let project: Project;
beforeAll(async () => {
  project = await createProject();
  project.configure({ "natsbus:accounts": { BUS, EXTRA } });
  await natsbus(UP);
});
afterEach(closeConnections);
afterAll(async () => {
  await closeConnections();
  await project?.[Symbol.asyncDispose]();
});

async function natsbus(args: readonly string[]): Promise<string> {
  const result = await project.natsbus(args);
  expect(result.code, result.stderr + result.stdout).toBe(0);
  return result.stdout + result.stderr;
}

/** How a user connects now, by its file. */
function as(user: string, node = 0): ConnectionSpec {
  const ca = readFileSync(project.path(".natsbus/dev/ca.pem"), "utf8");
  const text = readFileSync(project.path(`.natsbus/dev/creds/${user}.creds`), "utf8");
  return { servers: [`tls://127.0.0.1:${project.ports[node]}`], ca, ...parseLogin(text, user) };
}

/** Whether every server lets the login in. */
async function letIn(login: ConnectionSpec): Promise<boolean> {
  const tries = [0, 1, 2].map(async (node) => {
    const connected = await probe({ ...login, servers: [`tls://127.0.0.1:${project.ports[node]}`] });
    await connected[Symbol.asyncDispose]();
  });
  const results = await Promise.allSettled(tries);
  const refusals = results.filter(({ status }) => status === "rejected") as PromiseRejectedResult[];
  for (const { reason } of refusals) expect(String(reason)).toMatch(/authorization/i);
  expect([0, 3]).toContain(refusals.length);
  return refusals.length === 0;
}

/** Number of the operator's signing keys that each server trusts. */
async function trusted(): Promise<number[]> {
  interface Page {
    readonly trusted_operators_claim?: readonly { readonly nats?: { readonly signing_keys?: readonly string[] } }[];
  }
  const system = { ...as("monitoring"), inboxPrefix: "_INBOX_monitoring" };
  const answers = await discoverServers<Page>(system, { page: "VARZ", atLeast: 3, timeoutMs: 10_000 });
  return [...answers.values()].map(({ data }) => data?.trusted_operators_claim?.[0]?.nats?.signing_keys?.length ?? 0);
}

describe("rotation", () => {
  test("of a user: both credentials are good after one up, the first is refused after the next, others notice nothing", async () => {
    const [old, other] = [as("gitlab"), as("security")];
    await natsbus(["rotate", "user", "gitlab", "--stack", "dev"]);
    await using live = await probe(old);
    const plan = await natsbus(["preview", "--stack", "dev", "--diff"]);
    expect(plan).toMatch(/bus-users/);
    expect(plan).toMatch(/generation/);
    await natsbus(UP);
    expect(as("gitlab").creds).not.toBe(old.creds);
    expect(live.connection.isClosed()).toBe(false);
    expect([await letIn(old), await letIn(as("gitlab"))]).toEqual([true, true]);
    await natsbus(UP);
    await live.connection.closed();
    expect([await letIn(old), await letIn(as("gitlab")), await letIn(other)]).toEqual([false, true, true]);
    expect(as("security").creds).toBe(other.creds);
  });

  test("of an account's signing keys: every user gets new credentials, the old ones are good until the next up", async () => {
    const old = { security: as("security"), admin: as("admin") };
    await natsbus(["rotate", "account", "BUS", "--stack", "dev"]);
    await natsbus(UP);
    for (const user of ["security", "admin"] as const) {
      expect(as(user).creds).not.toBe(old[user].creds);
      expect([await letIn(old[user]), await letIn(as(user))]).toEqual([true, true]);
    }
    await natsbus(UP);
    for (const user of ["security", "admin"] as const) expect([await letIn(old[user]), await letIn(as(user))]).toEqual([false, true]);
  });

  test("of the operator's signing key: servers trust both, then the new one alone, and every credential stays good", async () => {
    expect(await trusted()).toEqual([1, 1, 1]);
    const before = as("security");
    await natsbus(["rotate", "operator", "--stack", "dev"]);
    await natsbus(UP);
    expect(await trusted()).toEqual([2, 2, 2]);
    expect(await letIn(before)).toBe(true);
    await natsbus(UP);
    expect(await trusted()).toEqual([1, 1, 1]);
    expect(await letIn(before)).toBe(true);
    await natsbus(["status", "--stack", "dev"]);
    await natsbus(["preview", "--stack", "dev"]);
  });
});

describe("renewal", () => {
  test("of credentials within their window is shown by preview and done by up; the old ones run on to their end", async () => {
    const old = as("matrix");
    const plan = await natsbus(["preview", "--stack", "dev", "--diff"]);
    expect(plan).toMatch(/validity[\s\S]*matrix[\s\S]*(issuedAt|expiresAt)/);
    await natsbus(UP);
    expect(as("matrix").creds).not.toBe(old.creds);
    expect([await letIn(old), await letIn(as("matrix"))]).toEqual([true, true]);
  });
});

describe("an account that holds streams", () => {
  test("cannot leave the catalogue, nor lose JetStream: the preview refuses it; without streams it may go", async () => {
    await using owner = await probe(as("owner"));
    const ask = async (subject: string, body: object) =>
      (await owner.connection.request(`$JS.API.STREAM.${subject}`, JSON.stringify(body), { timeout: 10_000 })).json<{ error?: object }>();
    expect((await ask("CREATE.OWNED", { name: "OWNED", subjects: ["owned.>"], storage: "file" })).error).toBeUndefined();
    const dry = { ...EXTRA, limits: { jetstream: false } };
    const cases: [object, RegExp][] = [
      [{ BUS }, /account EXTRA holds 1 streams[\s\S]*ERR_ACCOUNT_IN_USE/],
      [{ BUS, EXTRA: dry }, /account EXTRA would lose JetStream[\s\S]*ERR_ACCOUNT_JETSTREAM/],
    ];
    for (const [accounts, tells] of cases) {
      project.configure({ "natsbus:accounts": accounts });
      const { code, stdout, stderr } = await project.natsbus(["preview", "--stack", "dev"]);
      expect(code, stdout).not.toBe(0);
      expect(stdout + stderr).toMatch(tells);
    }
    expect((await ask("DELETE.OWNED", {})).error).toBeUndefined();
    project.configure({ "natsbus:accounts": { BUS } });
    expect(await natsbus(["preview", "--stack", "dev"])).toMatch(/bus-EXTRA\b/);
  });
});
