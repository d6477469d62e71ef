import { describe, expect, it } from "vitest";
import { accountClaims } from "../../../accounts/claims.ts";
import { createAccountKeys, createOperator } from "../../../accounts/identity.ts";
import { UNLIMITED } from "../../../accounts/limits.ts";
import type { AccountPort, ServerAnswer } from "../../../accounts/port.ts";
import { observeAccount, type PlacedAccount, reconcileAccount } from "../../../accounts/reconcile.ts";
import { parseToken, renderToken } from "../../../accounts/token.ts";

const operator = createOperator({ name: "dev", systemAccount: "SYS", systemRoles: [] }, new Date(0));
const keys = createAccountKeys({ account: "BUS", roles: [] });
const SERVERS = ["n1", "n2", "n3"];
const SPEC: PlacedAccount = {
  name: "BUS",
  publicKey: keys.publicKey,
  limits: UNLIMITED,
  roles: [],
  revocations: {},
  servers: SERVERS,
  signingSeed: operator.signingSeed,
};
const NOW = new Date("2026-01-01T00:00:00Z");
const SECOND = NOW.getTime() / 1000;
const tokenAt = (iat: number, limits = UNLIMITED) => renderToken(accountClaims({ ...SPEC, limits }, iat), operator.signingSeed);

/** Servers that store what they are sent, except as told. */
class FakePort implements AccountPort {
  readonly stored: Map<string, string | undefined>;
  readonly pushed: string[] = [];
  readonly down = new Set<string>();
  readonly forgetful = new Set<string>();
  readonly refusals = new Map<string, string>();

  constructor(tokens: readonly (string | undefined)[] = []) {
    this.stored = new Map(SERVERS.map((server, index) => [server, tokens[index]]));
  }

  async observe() {
    const servers = SERVERS.filter((server) => !this.down.has(server));
    return { servers, tokens: servers.map((server) => this.stored.get(server)) };
  }

  async push(token: string): Promise<readonly ServerAnswer[]> {
    this.pushed.push(token);
    return SERVERS.filter((server) => !this.down.has(server)).map((server) => {
      const refusal = this.refusals.get(server);
      if (refusal !== undefined) return { server, refusal };
      if (!this.forgetful.has(server)) this.stored.set(server, token);
      return { server };
    });
  }

  async remove(): Promise<readonly ServerAnswer[]> {
    return [];
  }

  async countStreams() {
    return 0;
  }
}

const reconcile = (port: AccountPort, spec = SPEC) => reconcileAccount(port, spec, () => NOW);

describe("reconciling an account", () => {
  it("lets two writers take turns: each gets what it asked for, and the later one stays", async () => {
    const port = new FakePort();
    const push = port.push.bind(port);
    port.push = async (token) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      return push(token);
    };
    const wanted = [10, 20, 30].map((connections) => ({ ...SPEC, limits: { ...UNLIMITED, connections } }));
    const done = await Promise.all(wanted.map((spec) => reconcile(port, spec)));
    expect(done.map(({ nats }) => (nats["limits"] as { conn: number }).conn)).toEqual([10, 20, 30]);
    expect(done.map(({ iat }) => iat)).toEqual([SECOND, SECOND + 1, SECOND + 2]);
    expect(port.pushed).toHaveLength(3);
    expect(new Set(port.stored.values())).toEqual(new Set([port.pushed[2]]));
  });

  it("does not fail because the writer before it did", async () => {
    const port = new FakePort();
    port.refusals.set("n2", "no");
    const refused = reconcile(port, SPEC);
    void refused.catch(() => port.refusals.clear());
    const next = reconcile(port, { ...SPEC, description: "second" });
    await expect(refused).rejects.toMatchObject({ code: "ERR_ACCOUNT_PUSH" });
    await expect(next).resolves.toMatchObject({ sub: keys.publicKey });
  });

  it("pushes one that no server has, with the present second", async () => {
    const port = new FakePort();
    expect(await reconcile(port)).toMatchObject({ iat: SECOND, sub: keys.publicKey });
    expect(port.pushed).toHaveLength(1);
  });

  it("finds its own work after a crash and pushes nothing", async () => {
    const stored = tokenAt(SECOND - 50);
    const port = new FakePort([stored, stored, stored]);
    expect((await reconcile(port)).iat).toBe(SECOND - 50);
    expect(port.pushed).toEqual([]);
  });

  it.each<[string, readonly (string | undefined)[]]>([
    ["one server lags behind", [tokenAt(SECOND - 1), tokenAt(SECOND - 9), tokenAt(SECOND - 1)]],
    ["one server has none", [tokenAt(SECOND - 1), undefined, tokenAt(SECOND - 1)]],
    ["the limits differ", Array(3).fill(tokenAt(SECOND - 1, { ...UNLIMITED, connections: 5 }))],
    ["a stored version is from the future", Array(3).fill(tokenAt(SECOND + 500, { ...UNLIMITED, connections: 5 }))],
    ["the account signed itself", Array(3).fill(renderToken(accountClaims(SPEC, SECOND - 1), keys.seed))],
    ["a stored version is unreadable", Array(3).fill("a.b.c")],
  ])("pushes a later version to all when %s", async (_name, stored) => {
    const port = new FakePort(stored);
    const before = stored.map((token) => (token === undefined || token === "a.b.c" ? 0 : parseToken(token).iat));
    const claims = await reconcile(port);
    expect(port.pushed).toHaveLength(1);
    expect(claims.iat).toBeGreaterThan(Math.max(...before));
    expect(new Set(port.stored.values())).toEqual(new Set(port.pushed));
  });

  it("changes nothing when a server does not answer, and names it", async () => {
    const port = new FakePort();
    port.down.add("n2");
    await expect(reconcile(port)).rejects.toMatchObject({ code: "ERR_ACCOUNT_UNREACHABLE", message: expect.stringContaining("n2") });
    expect(port.pushed).toEqual([]);
  });

  it("names the server that fell away between look and push", async () => {
    const port = new FakePort();
    port.push = async (token) => {
      port.down.add("n3");
      return FakePort.prototype.push.call(port, token);
    };
    await expect(reconcile(port)).rejects.toMatchObject({
      code: "ERR_ACCOUNT_PUSH",
      message: expect.stringContaining("n3 did not confirm"),
    });
  });

  it("repeats a refusal in the server's words, without the token", async () => {
    const port = new FakePort();
    port.refusals.set("n1", "jwt store is full");
    await expect(reconcile(port)).rejects.toMatchObject({
      code: "ERR_ACCOUNT_PUSH",
      message: "account BUS was refused: n1: jwt store is full",
    });
  });

  it("gives up on a server that confirms and forgets", async () => {
    const port = new FakePort();
    port.forgetful.add("n2");
    await expect(reconcile(port)).rejects.toMatchObject({ code: "ERR_ACCOUNT_PUSH", message: expect.stringContaining("still differ") });
    const issued = port.pushed.map((token) => parseToken(token).iat);
    expect(issued).toEqual([SECOND, SECOND + 1, SECOND + 2]);
  });
});

describe("observing an account", () => {
  it("tells the newest version, absence, and not knowing apart", async () => {
    expect(await observeAccount(new FakePort([tokenAt(5), tokenAt(7), tokenAt(5)]), SPEC)).toMatchObject({ iat: 7 });
    expect(await observeAccount(new FakePort(), SPEC)).toBeUndefined();
    const port = new FakePort();
    port.down.add("n1");
    await expect(observeAccount(port, SPEC)).rejects.toMatchObject({ code: "ERR_ACCOUNT_UNREACHABLE" });
  });
});
