import { jetstreamManager } from "@nats-io/jetstream";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { applyAccount, checkAccounts, deleteAccount, diffAccount, readAccount } from "../../../accounts/account-operations.ts";
import { createAccountKeys, createOperator } from "../../../accounts/identity.ts";
import { natsAccountPort } from "../../../accounts/nats-port.ts";
import { type Claims, parseToken, renderToken } from "../../../accounts/token.ts";
import { issueUsers } from "../../../accounts/users.ts";
import { closeConnections } from "../../../connection/pool.ts";
import { createKey } from "../../../core/nats-keys.ts";
import { type BusIdentity, startBusIdentity } from "../../support/bus-identity.ts";
import { probe } from "../../support/permission-probe.ts";

let bus: BusIdentity;
beforeAll(async () => {
  bus = await startBusIdentity();
});
afterEach(async () => {
  await bus.cluster.startAll();
  await bus.cluster.waitReady();
  await applyAccount(bus.inputsOf("BUS"));
});
afterAll(async () => {
  await closeConnections();
  await bus[Symbol.asyncDispose]();
});

/** The versions all three servers have. */
async function versions(): Promise<readonly (string | undefined)[]> {
  return (await natsAccountPort(bus.system).observe(bus.keys.publicKey, 3)).tokens;
}

/** Resolves when the servers have ended the connection, with their reason. */
async function cutReason(closed: Promise<undefined | Error>): Promise<string> {
  return (await closed)?.message ?? "closed without a reason";
}

describe("pushing an account", () => {
  it("brings the same version to every server", async () => {
    const tokens = await versions();
    expect(tokens).toHaveLength(3);
    expect(new Set(tokens).size).toBe(1);
    expect(parseToken(tokens[0]!).sub).toBe(bus.keys.publicKey);
  });

  it("changes nothing when nothing changed", async () => {
    const before = await versions();
    await applyAccount(bus.inputsOf("BUS"));
    expect(await versions()).toEqual(before);
  });

  it("issues every version later than the one before, also within one second", async () => {
    const issued: number[] = [];
    for (const connections of [10, 20, 30]) {
      const inputs = bus.inputsOf("BUS");
      issued.push((await applyAccount({ ...inputs, limits: { ...inputs.limits, connections } })).outs.issuedAt);
    }
    expect(issued[1]).toBeGreaterThan(issued[0]!);
    expect(issued[2]).toBeGreaterThan(issued[1]!);
  });

  it("takes one writer at a time: each brings what it wants, and the last one's version is on every server", async () => {
    const inputs = bus.inputsOf("BUS");
    const wanted = [11, 22, 33].map((connections) => ({ ...inputs, limits: { ...inputs.limits, connections } }));
    const done = await Promise.all(wanted.map(applyAccount));
    const limits = done.map(({ outs }) => (outs.inForce as { nats: { limits: { conn: number } } }).nats.limits.conn);
    expect(limits).toEqual([11, 22, 33]);
    const [token, ...others] = await versions();
    expect(others).toEqual([token, token]);
    expect(parseToken(token!).nats["limits"]).toMatchObject({ conn: 33 });
  });

  it("refuses to start while a server is down, names it and changes nothing", async () => {
    const before = (await versions())[0];
    await bus.cluster.kill("n2");
    const inputs = bus.inputsOf("BUS");
    const changed = { ...inputs, connection: { ...inputs.connection, timeoutMs: 700 }, limits: { ...inputs.limits, connections: 77 } };
    await expect(applyAccount(changed)).rejects.toMatchObject({ code: "ERR_ACCOUNT_UNREACHABLE", message: expect.stringContaining("n2") });
    const left = (await natsAccountPort({ ...bus.system, timeoutMs: 700 }).observe(bus.keys.publicKey, 3)).tokens;
    expect(left).toEqual([before, before]);
    await bus.cluster.start("n2");
    await bus.cluster.waitReady();
    const { outs } = await applyAccount(changed);
    expect(outs.inForce).toMatchObject({ nats: { limits: { conn: 77 } } });
  });

  it("says in the server's words why it refused, without the token", async () => {
    const inputs = bus.inputsOf("BUS");
    const wrong = { ...inputs, limits: { ...inputs.limits, connections: 1.5 } };
    const refused = applyAccount(wrong);
    await expect(refused).rejects.toMatchObject({ code: "ERR_ACCOUNT_PUSH", message: expect.stringMatching(/n1|n2|n3/) });
    await refused.catch((error: unknown) => expect(String(error)).not.toMatch(/eyJ|S[AOU][A-Z2-7]{56}/));
  });

  it("takes over from a foreign or broken version that somebody else pushed", async () => {
    const stranger = createOperator({ name: "stranger", systemAccount: "SYS", systemRoles: [] }, new Date());
    const { sub, name, nats, iat } = parseToken((await versions())[0]!);
    const foreign = renderToken({ sub, name, nats, iat: iat + 5 }, stranger.signingSeed);
    await natsAccountPort(bus.system).push(foreign, 3);
    const { outs } = await applyAccount(bus.inputsOf("BUS"));
    expect(outs.issuedAt).toBeGreaterThan(iat + 5);
    await using admin = await probe(bus.connectionOf("admin"));
    expect(admin.connection.isClosed()).toBe(false);
  });
});

describe("drift", () => {
  it("is seen on the servers, planned and repaired", async () => {
    const wanted = bus.inputsOf("BUS");
    const state = (await applyAccount(wanted)).outs;
    expect(diffAccount(state, wanted).changes).toBe(false);
    const { sub, name, nats, iat } = parseToken((await versions())[0]!);
    const limits = { ...(nats["limits"] as object), conn: 5 };
    await natsAccountPort(bus.system).push(
      renderToken({ sub, name, iat: iat + 1, nats: { ...nats, limits } }, bus.operator.signingSeed),
      3,
    );
    const seen = await readAccount(state);
    expect(seen.props?.inForce).toMatchObject({ nats: { limits: { conn: 5 } } });
    expect(diffAccount(seen.props!, wanted).changes).toBe(true);
    const repaired = (await applyAccount(wanted)).outs;
    expect(diffAccount(repaired, wanted).changes).toBe(false);
  });

  it.each<[string, (base: Claims) => { token: string; fault: RegExp }]>([
    [
      "a foreign operator's",
      (base) => {
        const foreign = createKey("operator");
        return {
          token: renderToken(base, foreign.seed),
          fault: new RegExp(`signed by ${foreign.publicKey}, which is no key of the operator`),
        };
      },
    ],
    ["the account's own", (base) => ({ token: renderToken(base, bus.keys.seed), fault: /signed by the account itself/ })],
    [
      "an ended",
      (base) => ({ token: renderToken({ ...base, exp: base.iat - 60 }, bus.operator.signingSeed), fault: /that ended on 20\d\d-/ }),
    ],
  ])("in the shape of %s version, which servers take without a word, is seen, named and repaired", async (_what, forge) => {
    const wanted = bus.inputsOf("BUS");
    const state = (await applyAccount(wanted)).outs;
    expect((await readAccount(state)).props?.drift).toBeUndefined();
    const { sub, name, nats, iat } = parseToken((await versions())[0]!);
    const { token, fault } = forge({ sub, name, nats, iat: iat + 1 });
    const answers = await natsAccountPort(bus.system).push(token, 3);
    expect(answers.map(({ refusal }) => refusal)).toEqual([undefined, undefined, undefined]);
    const seen = (await readAccount(state)).props!;
    expect(seen.drift?.join("\n")).toMatch(fault);
    expect(seen.drift?.join("\n")).toMatch(/n1.*n2.*n3/);
    expect(diffAccount(seen, wanted).changes).toBe(true);
    const repaired = (await applyAccount(wanted)).outs;
    expect((await readAccount(repaired)).props?.drift).toBeUndefined();
    expect(diffAccount(repaired, wanted).changes).toBe(false);
  });

  it("of an account that no server has is a missing resource", async () => {
    const { publicKey } = createAccountKeys({ account: "GONE", roles: [] });
    expect(await readAccount({ ...(await applyAccount(bus.inputsOf("BUS"))).outs, publicKey })).toEqual({ id: "" });
  });
});

describe("ending access", () => {
  it("cuts a removed user at once and keeps the others", async () => {
    const kept = Object.fromEntries(Object.entries(bus.users.users).filter(([name]) => name !== "gitlab"));
    const after = issueUsers(bus.users, { users: kept, accounts: bus.users.accounts }, new Date(Date.now() + 1000));
    await using gitlab = await probe(bus.connectionOf("gitlab"), { inboxPrefix: "_INBOX_gitlab" });
    await using matrix = await probe(bus.connectionOf("matrix"), { inboxPrefix: "_INBOX_matrix" });
    const cut = cutReason(gitlab.connection.closed().then((reason) => reason ?? undefined));
    await applyAccount({ ...bus.inputsOf("BUS"), revoked: after.revoked });
    expect(await cut).toMatch(/revoked/i);
    await expect(probe(bus.connectionOf("gitlab"))).rejects.toThrow(/authorization|authentication/i);
    expect(matrix.connection.isClosed()).toBe(false);
  });

  it("cuts every user of a removed role and keeps the others", async () => {
    await using matrix = await probe(bus.connectionOf("matrix"), { inboxPrefix: "_INBOX_matrix" });
    await using security = await probe(bus.connectionOf("security"), { inboxPrefix: "_INBOX_security" });
    const cut = cutReason(matrix.connection.closed().then((reason) => reason ?? undefined));
    const inputs = bus.inputsOf("BUS");
    const { matrix: _removed, ...roles } = inputs.roles;
    await applyAccount({ ...inputs, roles });
    await cut;
    await expect(probe(bus.connectionOf("matrix"))).rejects.toThrow(/authorization|authentication/i);
    expect(security.connection.isClosed()).toBe(false);
  });

  it("refuses an expired credential", async () => {
    const user = { account: "BUS", role: "gitlab", lifetimeMs: 60_000, renewBeforeMs: 0 };
    const expired = issueUsers(undefined, { users: { late: user }, accounts: bus.users.accounts }, new Date(Date.now() - 120_000));
    await expect(probe({ ...bus.connectionOf("gitlab"), creds: expired.credentials["late"]! })).rejects.toThrow(
      /expired|authorization|authentication/i,
    );
  });
});

describe("deleting an account", () => {
  it("leaves it on the servers unless told otherwise", async () => {
    const state = (await applyAccount(bus.inputsOf("BUS"))).outs;
    const before = await versions();
    await deleteAccount(state);
    expect(await versions()).toEqual(before);
  });

  it("is refused while it has streams, and removes it from every server when it has none", async () => {
    const state = { ...(await applyAccount(bus.inputsOf("BUS"))).outs, deletionPolicy: "delete" as const };
    await using admin = await probe(bus.connectionOf("admin"));
    const manager = await jetstreamManager(admin.connection);
    await manager.streams.add({ name: "KEPT", subjects: ["kept.>"], num_replicas: 1 });
    await expect(deleteAccount(state)).rejects.toMatchObject({ code: "ERR_ACCOUNT_IN_USE" });
    const system = { ...bus.inputsOf("SYS"), companions: { OLD: state.publicKey } };
    const without = { ...system, companions: {} };
    expect((await checkAccounts(system, system)).failures).toEqual([]);
    const [refusal, ...others] = (await checkAccounts(system, without)).failures;
    expect(refusal?.reason).toMatch(/holds 1 streams.*ERR_ACCOUNT_IN_USE/);
    expect(others).toEqual([]);
    const unreachable = { ...system, connection: { ...system.connection, servers: ["nats://127.0.0.1:1"] } };
    expect((await checkAccounts(unreachable, without)).failures[0]?.reason).toMatch(/may hold streams/);
    await manager.streams.delete("KEPT");
    await deleteAccount(state);
    expect(await versions()).toEqual([undefined, undefined, undefined]);
    await deleteAccount(state);
  });
});
