/** What accounts share, map and leave to others, on three real servers. */
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyAccount, diffAccount } from "../../../accounts/account-operations.ts";
import type { AccountArgs } from "../../../accounts/args.ts";
import { natsAccountPort } from "../../../accounts/nats-port.ts";
import { parseToken, renderToken } from "../../../accounts/token.ts";
import { transportOptions } from "../../../connection/options.ts";
import { closeConnections } from "../../../connection/pool.ts";
import { openStreamPort } from "../../../streams/nats-port.ts";
import { type DeclaredAccounts, startDeclaredAccounts } from "../../support/declared-accounts.ts";

const everything = { roles: { admin: { everything: true } } } satisfies AccountArgs;

const CATALOG: Record<string, AccountArgs> = {
  SHOP: {
    ...everything,
    users: {
      shop: { role: "admin" },
      local: { rights: { everything: true, sources: ["10.9.9.0/24"] } },
      web: { rights: { everything: true, connections: ["websocket"] } },
      few: { rights: { everything: true, subscriptions: 2 } },
    },
    limits: { jetstream: { tiers: { R1: { storage: "10MiB", streams: 2 }, R3: { storage: "10MiB", streams: 1 } } } },
    exports: {
      orders: { kind: "stream", subject: "orders.>", private: true, description: "Every order" },
      price: { kind: "service", subject: "price.*" },
    },
    mappings: { "old.*": [{ subject: "new.{{wildcard(1)}}" }] },
    trace: { subject: "traces" },
  },
  DESK: {
    ...everything,
    users: { desk: { role: "admin" }, guest: { role: "admin" }, stranger: { role: "admin" } },
    imports: {
      orders: { kind: "stream", from: "SHOP", subject: "orders.new.>", as: "shop.orders.>" },
      price: { kind: "service", from: "SHOP", subject: "price.*", as: "ask.$1" },
    },
  },
};

let bus: DeclaredAccounts;
const open: NatsConnection[] = [];
beforeAll(async () => {
  bus = await startDeclaredAccounts(CATALOG);
});
afterAll(async () => {
  for (const connection of open) await connection.close();
  await closeConnections();
  await bus?.[Symbol.asyncDispose]();
});

/** A connection of a user to the node with this index. */
async function as(user: string, node = 0): Promise<NatsConnection> {
  const spec = bus.connectionOf(user);
  const connection = await connect({
    ...transportOptions({ ...spec, servers: [spec.servers[node]!] }),
    maxReconnectAttempts: 0,
    timeout: 10_000,
  });
  open.push(connection);
  return connection;
}

/** What arrives on `subject` while `publish` is repeated, until something does. */
async function received(at: NatsConnection, subject: string, publish: () => void): Promise<string> {
  const subscription = at.subscribe(subject, { max: 1 });
  await at.flush();
  const timer = setInterval(publish, 100);
  try {
    for await (const message of subscription) return message.subject;
    return "nothing";
  } finally {
    clearInterval(timer);
  }
}

describe("exports and imports", () => {
  it("carry a private stream to the account that natsbus activated, under its own subject", async () => {
    const [shop, desk] = [await as("shop"), await as("desk", 1)];
    expect(await received(desk, "shop.orders.>", () => shop.publish("orders.new.1"))).toBe("shop.orders.1");
  });

  it("carry requests to a service, with the wildcard in its place", async () => {
    const [shop, desk] = [await as("shop", 2), await as("desk", 1)];
    const answering = shop.subscribe("price.*", { callback: (_error, message) => void message.respond(message.subject) });
    await shop.flush();
    await expect
      .poll(async () => (await desk.request("ask.bread", "", { timeout: 500 }).catch(() => undefined))?.string(), { timeout: 10_000 })
      .toBe("price.bread");
    answering.unsubscribe();
  });

  it("end at the exporter's word: a revoked activation delivers nothing more, the next one does", async () => {
    const [shop, desk] = [await as("shop"), await as("desk", 1)];
    const orders = { ...CATALOG["SHOP"]!.exports!["orders"]!, revoked: { DESK: new Date(Date.now() + 1_000).toISOString() } };
    const revoked = { ...CATALOG, SHOP: { ...CATALOG["SHOP"], exports: { ...CATALOG["SHOP"]!.exports, orders } } };
    await applyAccount(bus.inputsOf("SHOP", revoked));
    const seen: string[] = [];
    desk.subscribe("shop.orders.>", { callback: (_error, message) => void seen.push(message.subject) });
    await desk.flush();
    shop.publish("orders.new.2");
    await shop.flush();
    await desk.request("ask.x", "", { timeout: 500 }).catch(() => undefined);
    expect(seen).toEqual([]);
    await applyAccount(bus.inputsOf("SHOP"));
    expect(await received(desk, "shop.orders.>", () => shop.publish("orders.new.3"))).toBe("shop.orders.3");
  });

  it("without the activation deliver nothing: the token is what opens them", async () => {
    const [shop, desk] = [await as("shop"), await as("desk", 1)];
    const { exporterSeeds: _seeds, ...inputs } = bus.inputsOf("DESK");
    await applyAccount(inputs);
    const seen: string[] = [];
    desk.subscribe("shop.orders.>", { callback: (_error, message) => void seen.push(message.subject) });
    await desk.flush();
    shop.publish("orders.new.4");
    await shop.flush();
    await desk.request("ask.x", "", { timeout: 500 }).catch(() => undefined);
    expect(seen).toEqual([]);
    await applyAccount(bus.inputsOf("DESK"));
    expect(await received(desk, "shop.orders.>", () => shop.publish("orders.new.5"))).toBe("shop.orders.5");
  });

  it("are no drift: activations signed anew say the same", async () => {
    const state = (await applyAccount(bus.inputsOf("DESK"))).outs;
    const again = (await applyAccount(bus.inputsOf("DESK"))).outs;
    expect(again.issuedAt).toBe(state.issuedAt);
    expect(diffAccount(state, bus.inputsOf("DESK")).changes).toBe(false);
  });
});

describe("the rest of an account", () => {
  it("maps subjects", async () => {
    const shop = await as("shop");
    expect(await received(shop, "new.*", () => shop.publish("old.thing"))).toBe("new.thing");
  });

  it("limits streams by their number of replicas", async () => {
    const port = await openStreamPort(bus.connectionOf("shop"));
    const stream = (name: string, replicas: number) => ({
      config: { name, subjects: [`${name}.>`], storage: "file", num_replicas: replicas, max_bytes: 1_000_000 },
      level: 0,
    });
    await port.createStream(stream("one", 1));
    await port.createStream(stream("three", 3));
    await expect(port.createStream(stream("more", 3))).rejects.toThrow(/maximum number of streams/);
  });

  it("keeps users to their networks, ways to connect and numbers", async () => {
    await expect(as("local")).rejects.toThrow(/authorization/i);
    await expect(as("web")).rejects.toThrow(/authorization/i);
    const few = await as("few");
    const told = (async () => {
      for await (const status of few.status()) if (status.type === "error") return status.error.message;
      return String(await few.closed());
    })();
    for (const subject of ["a", "b", "c", "d"]) few.subscribe(subject, { callback: () => undefined });
    expect(await told).toMatch(/maximum subscriptions exceeded/i);
  });
});

describe("a service of one's own for logins", () => {
  it("decides who may connect, and with which rights; without it nobody gets in", async () => {
    const catalog: Record<string, AccountArgs> = { ...CATALOG, DESK: { ...CATALOG["DESK"], externalAuthorization: { users: ["desk"] } } };
    await applyAccount(bus.inputsOf("DESK", catalog));
    try {
      const service = await as("desk", 1);
      const { publicKey, roleSeeds } = bus.accountKeys["DESK"]!;
      const seed = roleSeeds["admin"]!;
      const asked: string[] = [];
      const answering = service.subscribe("$SYS.REQ.USER.AUTH", {
        callback: (_error, message) => {
          const { nats } = parseToken(message.string()) as unknown as {
            nats: { user_nkey: string; server_id: { id: string }; connect_opts: { jwt: string } };
          };
          const who = parseToken(nats.connect_opts.jwt).name;
          asked.push(who);
          const iat = Math.floor(Date.now() / 1000);
          const user = renderToken(
            { sub: nats.user_nkey, name: who, iat, nats: { type: "user", version: 2, issuer_account: publicKey } },
            seed,
          );
          const verdict = who === "guest" ? { jwt: user } : { error: "go away" };
          const answer = {
            sub: nats.user_nkey,
            aud: nats.server_id.id,
            name: who,
            iat,
            nats: { type: "authorization_response", version: 2, issuer_account: publicKey, ...verdict },
          };
          message.respond(renderToken(answer, seed));
        },
      });
      await service.flush();
      await expect(as("stranger", 2)).rejects.toThrow(/authorization/i);
      const guest = await as("guest", 2);
      await guest.flush();
      expect(asked).toEqual(["stranger", "guest"]);
      answering.unsubscribe();
      await service.flush();
      await expect(as("guest", 2)).rejects.toThrow(/authorization|timeout/i);
    } finally {
      await applyAccount(bus.inputsOf("DESK"));
    }
  });

  it("is pushed with the public keys of the users it names", async () => {
    const catalog: Record<string, AccountArgs> = {
      ...CATALOG,
      DESK: { ...CATALOG["DESK"], externalAuthorization: { users: ["desk"], accounts: ["SHOP", "DESK"] } },
    };
    await applyAccount(bus.inputsOf("DESK", catalog));
    const { tokens } = await natsAccountPort(bus.system).observe(bus.accountKeys["DESK"]!.publicKey, 3);
    expect(parseToken(tokens[0]!).nats["authorization"]).toEqual({
      auth_users: [bus.users.publicKeys["desk"]],
      allowed_accounts: [bus.accountKeys["DESK"]!.publicKey, bus.accountKeys["SHOP"]!.publicKey].sort(),
    });
    await applyAccount(bus.inputsOf("DESK"));
  });
});
