/** Every claim a user can carry, tried out on a running server: what it allows is let through, what it forbids is not. */
import { setTimeout as delay } from "node:timers/promises";
import { connect, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { AccountArgs, ConnectionKind, RoleArgs } from "../../../accounts/args.ts";
import { parseCredentials } from "../../../accounts/credentials.ts";
import { issueUsers } from "../../../accounts/users.ts";
import { transportOptions } from "../../../connection/options.ts";
import { type DeclaredAccounts, startDeclaredAccounts } from "../../support/declared-accounts.ts";
import { type PermissionProbe, probe } from "../../support/permission-probe.ts";

const HOUR_MS = 3_600_000;
const TOKYO = "Asia/Tokyo";
const open: RoleArgs = { everything: true };

/** A window of time, by hours from now, on the clock of a zone. */
function hours(from: number, to: number, timeZone = "UTC") {
  const clock = new Intl.DateTimeFormat("en-GB", { timeZone, timeStyle: "medium" });
  return { from: clock.format(Date.now() + from * HOUR_MS), to: clock.format(Date.now() + to * HOUR_MS) };
}

const OTHER_WAYS: readonly ConnectionKind[] = ["websocket", "leafnode", "leafnode-websocket", "mqtt", "mqtt-websocket", "in-process"];

/** Users that a connection over TCP with TLS from this machine, now, must let in, and those it must not. */
const LET_IN: Record<string, RoleArgs> = {
  "from-here": { ...open, sources: ["10.0.0.0/8", "127.0.0.0/8"] },
  "at-this-hour": { ...open, times: [hours(4, 5), hours(-1, 1)], timeZone: "UTC" },
  "at-this-hour-elsewhere": { ...open, times: [hours(-1, 1, TOKYO)], timeZone: TOKYO },
  "over-tcp": { ...open, connections: ["standard", "websocket"] },
};
const KEPT_OUT: Record<string, RoleArgs> = {
  "from-elsewhere": { ...open, sources: ["10.0.0.0/8"] },
  "at-another-hour": { ...open, times: [hours(2, 3)], timeZone: "UTC" },
  "at-this-hour-in-the-wrong-zone": { ...open, times: [hours(-1, 1, TOKYO)], timeZone: "UTC" },
  "through-a-proxy": { ...open, proxyRequired: true },
  ...Object.fromEntries(OTHER_WAYS.map((kind) => [`over-${kind}`, { ...open, connections: [kind] }])),
};
const RIGHTS: Record<string, RoleArgs> = {
  publisher: { publish: ["a.>"], denyPublish: ["a.secret.>"] },
  subscriber: { subscribe: ["a.>", "work.* crew"], denySubscribe: ["a.secret.>"] },
  tagged: { publish: ["team.{{tag(team)}}.>"] },
  "answers-once": { subscribe: ["ask.once"], responses: 1 },
  "answers-soon": { subscribe: ["ask.soon"], responses: -1, responseTime: "200ms" },
  "no-answers": { subscribe: ["ask.never"] },
  few: { ...open, subscriptions: 2 },
  small: { ...open, payload: "100B" },
  metered: { ...open, data: "1B" },
  bearer: { ...open, bearer: true },
  prover: open,
};

const users = Object.fromEntries(
  Object.entries({ ...LET_IN, ...KEPT_OUT, ...RIGHTS }).map(([user, rights]) => [
    user,
    user === "tagged" ? { rights, tags: ["team:red"] } : { rights },
  ]),
);
const CATALOG: Record<string, AccountArgs> = {
  SHOP: { roles: { admin: open }, users: { ...users, admin: {} } },
  STRICT: { limits: { disallowBearer: true }, users: { "strict-bearer": { rights: { ...open, bearer: true } } } },
};

let bus: DeclaredAccounts;
const opened: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  bus = await startDeclaredAccounts(CATALOG, { servers: 1 });
});
afterEach(async () => {
  for (const connection of opened.splice(0)) await connection.close();
});
afterAll(async () => {
  await bus?.[Symbol.asyncDispose]();
});

async function as(user: string, creds = bus.users.credentials[user]!): Promise<PermissionProbe> {
  const made = await probe({ ...bus.connectionOf("admin"), creds });
  opened.push(made.connection);
  return made;
}

/** Connects with the token alone, without the proof of a key. */
async function withoutKey(user: string): Promise<NatsConnection> {
  const { token } = parseCredentials(bus.users.credentials[user]!);
  const { authenticator: _proof, ...rest } = transportOptions(bus.connectionOf(user));
  const made = await connect({ ...rest, authenticator: () => ({ jwt: token }), reconnect: false, timeout: 10_000 });
  opened.push(made);
  return made;
}

/** The server's reason for ending a connection, or for refusing what it did. */
async function complaint(connection: NatsConnection): Promise<string> {
  for await (const status of connection.status()) if (status.type === "error") return status.error.message;
  return String(await connection.closed());
}

describe("a user", () => {
  it.each(Object.keys(LET_IN))("%s is let in", async (user) => {
    expect((await as(user)).connection.isClosed()).toBe(false);
  });

  it.each(Object.keys(KEPT_OUT))("%s is kept out", async (user) => {
    await expect(as(user)).rejects.toThrow(/authorization/i);
  });

  it("publishes and subscribes to what it may, without what is denied", async () => {
    const subjects = ["a.b", "a.secret.b", "b.c"];
    expect(await (await as("publisher")).publishable(subjects)).toEqual(["a.b"]);
    expect(await (await as("publisher")).subscribable(subjects)).toEqual([]);
    expect(await (await as("subscriber")).subscribable(subjects)).toEqual(["a.b"]);
    expect(await (await as("subscriber")).publishable(subjects)).toEqual([]);
  });

  it.each(["crew", "others"])("loses a right that holds for a queue group, which is why natsbus refuses it: %s", async (queue) => {
    const { connection } = await as("subscriber");
    let refused = "";
    connection.subscribe("work.x", {
      queue,
      callback: (error) => {
        refused = error?.message ?? "";
      },
    });
    await connection.flush();
    await expect.poll(() => refused).toMatch(/permissions violation/i);
  });

  it("has its tags in its rights", async () => {
    expect(await (await as("tagged")).publishable(["team.red.x", "team.blue.x"])).toEqual(["team.red.x"]);
  });

  it.each([
    ["answers-once", "ask.once", [0, 0], ["1"]],
    ["answers-soon", "ask.soon", [0, 600], ["1"]],
    ["no-answers", "ask.never", [0], []],
  ] as const)("%s: of its answers arrive what number and time allow", async (user, subject, pausesMs, arriving) => {
    const [asking, answering] = [await as("admin"), await as(user)];
    const answer = async (message: Msg) => {
      for (const [index, pauseMs] of pausesMs.entries()) {
        await delay(pauseMs);
        message.respond(`${index + 1}`);
      }
      await answering.connection.flush();
    };
    let done: (() => void) | undefined;
    const answered = new Promise<void>((resolve) => {
      done = resolve;
    });
    answering.connection.subscribe(subject, {
      callback: (_error, message) => void answer(message).then(done),
    });
    const heard: string[] = [];
    asking.connection.subscribe("_INBOX_admin.answers", { callback: (_error, message) => void heard.push(message.string()) });
    await Promise.all([answering.connection.flush(), asking.connection.flush()]);
    asking.connection.publish(subject, "?", { reply: "_INBOX_admin.answers" });
    await answered;
    await asking.connection.flush();
    expect(heard).toEqual(arriving);
  });

  it("has no more subscriptions than its limit", async () => {
    const { connection } = await as("few");
    const told = complaint(connection);
    for (const subject of ["a", "b", "c"]) connection.subscribe(subject, { callback: () => undefined });
    expect(await told).toMatch(/maximum subscriptions exceeded/i);
  });

  it("sends no larger message than its limit: the server tells the client, and ends who does not listen", async () => {
    const { connection } = await as("small");
    connection.publish("x", new Uint8Array(100));
    await connection.flush();
    expect(() => connection.publish("x", new Uint8Array(101))).toThrow(/max_payload/i);
    const told = complaint(connection);
    Object.assign(connection.info!, { max_payload: 1_000 });
    connection.publish("x", new Uint8Array(101));
    expect(await told).toMatch(/maximum payload/i);
  });

  it("may send more bytes than its limit: servers know it and do not enforce it", async () => {
    const { connection } = await as("metered");
    for (let index = 0; index < 3; index++) connection.publish("x", new Uint8Array(1_000));
    await connection.flush();
    expect([connection.isClosed(), connection.stats().outMsgs]).toEqual([false, 3]);
  });

  it("gets in without a key when it may, and only then", async () => {
    expect((await withoutKey("bearer")).isClosed()).toBe(false);
    await expect(withoutKey("prover")).rejects.toThrow(/authorization/i);
    await expect(withoutKey("strict-bearer")).rejects.toThrow(/authorization/i);
  });

  it("is cut off when its time is over, and does not come back", async () => {
    const accounts = Object.fromEntries(
      Object.entries(bus.accountKeys).map(([name, { publicKey, roleKeys, roleSeeds }]) => [name, { publicKey, roleKeys, roleSeeds }]),
    );
    const short = { account: "SHOP", role: "admin", lifetimeMs: 3_000, renewBeforeMs: 0 };
    const creds = issueUsers(undefined, { users: { short }, accounts }, new Date()).credentials["short"]!;
    const { connection } = await as("short", creds);
    expect(String(await connection.closed())).toMatch(/expired|undefined/i);
    const again = () =>
      as("short", creds).then(
        () => "let in",
        (error: unknown) => String(error),
      );
    await expect.poll(again).toMatch(/expired|authorization/i);
  });
});
