import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { inboxPrefix } from "../../../accounts/roles.ts";
import { closeConnections } from "../../../connection/pool.ts";
import { type BusIdentity, startBusIdentity } from "../../support/bus-identity.ts";
import { probe } from "../../support/permission-probe.ts";

const FAMILIES = {
  consciousness: { stream: "CONSCIOUSNESS", subjects: ["consciousness.high.thought"] },
  security: { stream: "SECURITY", subjects: ["security.critical.alert"] },
  performance: { stream: "PERFORMANCE", subjects: ["performance.low.cpu"] },
  orchestration: { stream: "ORCHESTRATION", subjects: ["ai.normal.decision", "orchestrator.high.command"] },
} as const;
const FAMILY_SUBJECTS = Object.values(FAMILIES).flatMap((family) => [...family.subjects]);
const FAMILY_WILDCARDS = ["consciousness.>", "security.>", "performance.>", "ai.>", "orchestrator.>"];
const USERS = ["consciousness", "security", "performance", "orchestration", "gitlab", "matrix", "monitoring", "admin"];
const NOTIFICATIONS = [...Object.keys(FAMILIES), "gitlab", "matrix"].map((name) => `notifications.${name}.news`);

const workerOf = (user: string) => `${user}-worker`;
const consumerRights = (stream: string, consumer: string) => [
  `$JS.API.STREAM.INFO.${stream}`,
  `$JS.API.CONSUMER.INFO.${stream}.${consumer}`,
  `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
  `$JS.ACK.${stream}.${consumer}.1.1.1.1.0`,
  `$JS.ACK.hub.hash.${stream}.${consumer}.1.1.1.1.0`,
];
const JETSTREAM_CHANGES = Object.entries(FAMILIES).flatMap(([user, { stream }]) => [
  `$JS.API.STREAM.UPDATE.${stream}`,
  `$JS.API.STREAM.PURGE.${stream}`,
  `$JS.API.STREAM.DELETE.${stream}`,
  `$JS.API.STREAM.MSG.DELETE.${stream}`,
  `$JS.API.STREAM.MSG.GET.${stream}`,
  `$JS.API.DIRECT.GET.${stream}`,
  `$JS.API.CONSUMER.CREATE.${stream}.${workerOf(user)}`,
  `$JS.API.CONSUMER.CREATE.${stream}.other`,
  `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.${workerOf(user)}`,
  `$JS.API.CONSUMER.DELETE.${stream}.${workerOf(user)}`,
  `$JS.API.CONSUMER.PAUSE.${stream}.${workerOf(user)}`,
  `$JS.API.CONSUMER.MSG.NEXT.${stream}.other`,
  `$JS.ACK.${stream}.other.1.1.1.1.0`,
]);
const HEALTH = [
  "$SYS.REQ.SERVER.PING",
  "$SYS.REQ.SERVER.PING.VARZ",
  "$SYS.REQ.SERVER.PING.HEALTHZ",
  "$SYS.REQ.SERVER.NID.JSZ",
  "$SYS.REQ.ACCOUNT.AID.CONNZ",
  "$SYS.REQ.ACCOUNT.AID.CLAIMS.LOOKUP",
];
const SYSTEM_CHANGES = [
  "$SYS.REQ.SERVER.NID.RELOAD",
  "$SYS.REQ.SERVER.NID.KICK",
  "$SYS.REQ.SERVER.NID.LDM",
  "$SYS.REQ.CLAIMS.UPDATE",
  "$SYS.REQ.CLAIMS.DELETE",
  "$SYS.REQ.CLAIMS.PACK",
  "$JS.API.META.LEADER.STEPDOWN",
  "$JS.API.ACCOUNT.PURGE.AID",
];
const OTHERS = [
  "gitlab.push.main",
  "elsewhere.news",
  "$JS.API.INFO",
  "$SYS.REQ.USER.INFO",
  "$JS.API.STREAM.CREATE.NEW",
  "$JS.API.STREAM.NAMES",
  "$JS.API.STREAM.LIST",
  "$KV.state.key",
];

const PUBLISHED = [
  ...FAMILY_SUBJECTS,
  ...NOTIFICATIONS,
  ...Object.entries(FAMILIES).flatMap(([user, { stream }]) => consumerRights(stream, workerOf(user))),
  ...JETSTREAM_CHANGES,
  ...HEALTH,
  ...SYSTEM_CHANGES,
  ...OTHERS,
];
const SUBSCRIBED = [
  ...FAMILY_SUBJECTS,
  ...FAMILY_WILDCARDS,
  ...NOTIFICATIONS,
  "notifications.>",
  "gitlab.>",
  "gitlab.push.main",
  ...USERS.map((user) => `_INBOX_${user}.>`),
  "_INBOX.>",
  "*.>",
  ">",
  "$JS.EVENT.>",
  "$JS.ACK.>",
  "$SYS.>",
  "$SYS.SERVER.>",
  "$SYS.ACCOUNT.>",
  "$SYS.REQ.CLAIMS.UPDATE",
];

const family = (user: keyof typeof FAMILIES) => ({
  publish: [
    ...FAMILIES[user].subjects,
    `notifications.${user}.news`,
    "$JS.API.INFO",
    ...consumerRights(FAMILIES[user].stream, workerOf(user)),
  ],
  subscribe: [...FAMILIES[user].subjects, ...FAMILIES[user].subjects.map((subject) => subject.replace(/\..*/, ".>"))],
});
// Written out, not derived from the catalogue, so that a wrong catalogue fails here.
const ALLOWED: Record<string, { publish: readonly string[]; subscribe: readonly string[] }> = {
  consciousness: family("consciousness"),
  security: family("security"),
  performance: family("performance"),
  orchestration: family("orchestration"),
  gitlab: { publish: ["gitlab.push.main", "notifications.gitlab.news"], subscribe: ["gitlab.>", "gitlab.push.main"] },
  matrix: { publish: [], subscribe: [...NOTIFICATIONS, "notifications.>"] },
  monitoring: { publish: HEALTH, subscribe: ["$SYS.SERVER.>", "$SYS.ACCOUNT.>"] },
};

let bus: BusIdentity;
beforeAll(async () => {
  bus = await startBusIdentity();
});
afterAll(async () => {
  await closeConnections();
  await bus[Symbol.asyncDispose]();
});

describe("what each role may do on real servers", () => {
  it.each(Object.keys(ALLOWED))("%s publishes to its own subjects and no others", async (user) => {
    await using client = await probe(bus.connectionOf(user), { inboxPrefix: inboxPrefix(user) });
    const wanted = PUBLISHED.filter((subject) => ALLOWED[user]!.publish.includes(subject) || subject === "$SYS.REQ.USER.INFO");
    expect(await client.publishable(PUBLISHED)).toEqual(wanted);
  });

  it.each(Object.keys(ALLOWED))("%s subscribes to its own subjects and no others", async (user) => {
    await using client = await probe(bus.connectionOf(user), { inboxPrefix: inboxPrefix(user) });
    const wanted = SUBSCRIBED.filter((subject) => ALLOWED[user]!.subscribe.includes(subject) || subject === `_INBOX_${user}.>`);
    expect(await client.subscribable(SUBSCRIBED)).toEqual(wanted);
  });

  it("admin may do everything within the account", async () => {
    await using client = await probe(bus.connectionOf("admin"));
    const harmless = PUBLISHED.filter((subject) => !subject.includes("$SYS"));
    expect(await client.publishable(harmless)).toEqual(harmless);
    expect(await client.subscribable(SUBSCRIBED)).toEqual(SUBSCRIBED);
  });

  it("admin reaches no other account, not even with every right in its own", async () => {
    await using admin = await probe(bus.connectionOf("admin"));
    await expect(admin.connection.request("$SYS.REQ.CLAIMS.LIST", "", { timeout: 500 })).rejects.toThrow();
    await using monitoring = await probe(bus.connectionOf("monitoring"), { inboxPrefix: inboxPrefix("monitoring") });
    const answer = await monitoring.connection.request("$SYS.REQ.SERVER.PING.HEALTHZ", "", { timeout: 2000 });
    expect(answer.json<{ data: { status: string } }>().data.status).toBe("ok");
  });

  it.each(Object.entries(FAMILIES))("%s publishes with acknowledgement, consumes and acknowledges", async (user, { stream, subjects }) => {
    await using admin = await probe(bus.connectionOf("admin"));
    const manager = await jetstreamManager(admin.connection);
    await manager.streams.add({ name: stream, subjects: subjects.map((subject) => subject.replace(/\..*/, ".>")), num_replicas: 1 });
    await manager.consumers.add(stream, { durable_name: workerOf(user), ack_policy: "explicit" });
    await using client = await probe(bus.connectionOf(user), { inboxPrefix: inboxPrefix(user) });
    const context = jetstream(client.connection);
    expect((await context.publish(subjects[0], "one")).stream).toBe(stream);
    const consumer = await context.consumers.get(stream, workerOf(user));
    const message = await consumer.next({ expires: 2000 });
    expect(message?.string()).toBe("one");
    expect(await message?.ackAck()).toBe(true);
    expect((await manager.consumers.info(stream, workerOf(user))).ack_floor.stream_seq).toBe(1);
  });

  it("two users cannot read each other's answers", async () => {
    await using security = await probe(bus.connectionOf("security"), { inboxPrefix: inboxPrefix("security") });
    const inboxes = ["_INBOX_admin.>", "_INBOX_performance.abc.*", "_INBOX.abc", "_INBOX.>"];
    expect(await security.subscribable(inboxes)).toEqual([]);
  });
});
