/** A bus whose users stand in the server configuration, from the first `up` over changes and a rotation. */
import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeConnections, openConnection } from "../../connection/pool.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import { parseLogin } from "../../core/login.ts";
import { probe } from "../support/permission-probe.ts";
import { createProject, type Project } from "../support/project.ts";

const UP = ["up", "--stack", "dev", "--yes", "--skip-preview"];
const ACCOUNTS = { BUS: { users: { matrix: { login: "password" } } } };

let project: Project;
beforeAll(async () => {
  project = await createProject();
  project.configure({ "natsbus:auth": { mode: "config" }, "natsbus:accounts": ACCOUNTS });
});
afterAll(async () => {
  await closeConnections();
  await project?.[Symbol.asyncDispose]();
});

/** How a user connects now, by its file. */
function as(user: string, node = 0): ConnectionSpec {
  const file = ["nk", "json"].map((ending) => project.path(`.natsbus/dev/creds/${user}.${ending}`)).find(existsSync);
  if (file === undefined) throw new Error(`no credentials of ${user}`);
  const servers = [`tls://127.0.0.1:${project.ports[node]}`];
  return { servers, ca: readFileSync(project.path(".natsbus/dev/ca.pem"), "utf8"), ...parseLogin(readFileSync(file, "utf8"), user) };
}

async function up(): Promise<string> {
  const result = await project.natsbus(UP);
  expect(result.code, result.stderr).toBe(0);
  return result.stdout + result.stderr;
}

/** Server processes by when they started, to see restarts. */
async function starts(): Promise<string[]> {
  const pages = project.ports
    .slice(3, 6)
    .map(async (port) => (await fetch(`http://127.0.0.1:${port}/varz`)).json() as Promise<{ start: string }>);
  return (await Promise.all(pages)).map(({ start }) => start);
}

describe("users in the server configuration", () => {
  test("up makes servers, logins and streams, and hands no secret to the state in clear", async () => {
    await up();
    const admin = await openConnection(as("admin"));
    const { streams } = (await admin.request("$JS.API.STREAM.NAMES", "", { timeout: 10_000 })).json<{ streams: string[] }>();
    expect(streams).toContain("SECURITY");
    const exported = await project.natsbus(["export", "--stack", "dev"]);
    const { password } = as("matrix");
    const secrets = [password, as("admin").nkeySeed].map((text) => text ?? "");
    for (const secret of secrets) {
      expect(secret.length).toBeGreaterThan(30);
      expect(exported.stdout).not.toContain(secret);
    }
    const config = readFileSync(project.path(".natsbus/dev/n1/nats.conf"), "utf8");
    expect(config).toMatch(/password: "\$2b\$11\$/);
    expect(config).not.toContain(password);
  });

  test("every role has its rights and no more", async () => {
    await using security = await probe(as("security", 1));
    expect(
      await security.publishable(["security.critical.x", "ai.normal.x", "$JS.API.STREAM.DELETE.SECURITY", "notifications.security.x"]),
    ).toEqual(["security.critical.x", "notifications.security.x"]);
    expect(await security.subscribable(["security.>", "_INBOX_security.>", "_INBOX_admin.>", ">"])).toEqual([
      "security.>",
      "_INBOX_security.>",
    ]);
    await using matrix = await probe(as("matrix", 2));
    expect(await matrix.publishable(["notifications.x.y", "security.critical.x"])).toEqual([]);
    expect(await matrix.subscribable(["notifications.>", "security.>"])).toEqual(["notifications.>"]);
    await using monitoring = await probe(as("monitoring"));
    expect(await monitoring.publishable(["$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.X.RELOAD"])).toEqual(["$SYS.REQ.SERVER.PING"]);
    const { creds: _creds, nkeySeed: _seed, ...nobody } = as("admin");
    await expect(probe(nobody)).rejects.toThrow(/authorization/i);
  });

  test("a new account that imports a service works on every server at once, by reload alone", async () => {
    const before = await starts();
    const role = { roles: { all: { everything: true } }, limits: { jetstream: false } };
    project.configure({
      "natsbus:accounts": {
        ...ACCOUNTS,
        BUS: { ...ACCOUNTS.BUS, exports: { time: { kind: "service", subject: "time.*", private: true } } },
        GUEST: {
          ...role,
          users: { guest: { role: "all" } },
          imports: { time: { kind: "service", from: "BUS", subject: "time.*", as: "ask.$1" } },
        },
      },
    });
    await up();
    expect(await starts()).toEqual(before);
    const admin = await openConnection(as("admin"));
    admin.subscribe("time.*", { callback: (_error, message) => void message.respond(message.subject) });
    await admin.flush();
    for (const node of [0, 1, 2]) {
      const guest = await openConnection(as("guest", node));
      await expect
        .poll(async () => guest.request("ask.now", "", { timeout: 1_000 }).then((answer) => answer.string(), String), { timeout: 20_000 })
        .toBe("time.now");
    }
  });

  test("a rotated user has two logins until the next up, and its connections live through the first", async () => {
    const old = { matrix: as("matrix"), gitlab: as("gitlab") };
    for (const user of ["matrix", "gitlab"]) expect((await project.natsbus(["rotate", "user", user])).code).toBe(0);
    const live = await probe(old.gitlab);
    await up();
    expect(live.connection.isClosed()).toBe(false);
    for (const user of ["matrix", "gitlab"] as const) {
      const next = as(user, 1);
      expect(next.nkeySeed ?? next.password).not.toBe(old[user].nkeySeed ?? old[user].password);
      for (const login of [old[user], next]) await (await probe(login))[Symbol.asyncDispose]();
    }
    await using renewed = await probe(as("matrix"));
    expect(await renewed.subscribable(["notifications.>", "_INBOX_matrix.>"])).toEqual(["notifications.>", "_INBOX_matrix.>"]);
    const told = await project.natsbus(["preview", "--stack", "dev"]);
    expect(told.code, told.stderr).toBe(0);
    await up();
    await live.connection.closed();
    for (const user of ["matrix", "gitlab"] as const) {
      await expect(probe(old[user])).rejects.toThrow(/authorization/i);
      await (await probe(as(user, 2)))[Symbol.asyncDispose]();
    }
    expect(await up()).not.toMatch(/reload|restart/);
  });
});
