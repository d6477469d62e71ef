import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { accountClaims, nextIssue, normaliseClaims, operatorClaims, sameClaims } from "../../../accounts/claims.ts";
import { hasJetStream, resolveLimits, UNLIMITED, UNLIMITED_JETSTREAM } from "../../../accounts/limits.ts";
import { inboxPrefix, resolvePermissions } from "../../../accounts/roles.ts";
import type { Claims, Json } from "../../../accounts/token.ts";

const role = { role: "gitlab", publicKey: "AKEY", permissions: resolvePermissions({ publish: ["gitlab.>"], subscribe: ["gitlab.>"] }) };
const BUS = { name: "BUS", publicKey: "ABUS", limits: { ...UNLIMITED, jetstream: UNLIMITED_JETSTREAM }, roles: [role], revocations: {} };

describe("claims", () => {
  it("of an account write every limit, because a missing one means none at all", () => {
    expect(accountClaims(BUS, 1)).toMatchInlineSnapshot(`
      {
        "iat": 1,
        "name": "BUS",
        "nats": {
          "default_permissions": {
            "pub": {},
            "sub": {},
          },
          "limits": {
            "conn": -1,
            "consumer": -1,
            "data": -1,
            "disallow_bearer": false,
            "disk_max_stream_bytes": -1,
            "disk_storage": -1,
            "exports": -1,
            "imports": -1,
            "leaf": -1,
            "max_ack_pending": -1,
            "max_bytes_required": false,
            "mem_max_stream_bytes": -1,
            "mem_storage": -1,
            "payload": -1,
            "streams": -1,
            "subs": -1,
            "wildcards": true,
          },
          "signing_keys": [
            {
              "key": "AKEY",
              "kind": "user_scope",
              "role": "gitlab",
              "template": {
                "data": -1,
                "payload": -1,
                "pub": {
                  "allow": [
                    "$SYS.REQ.USER.INFO",
                    "gitlab.>",
                  ],
                },
                "sub": {
                  "allow": [
                    "_INBOX_{{name()}}.>",
                    "gitlab.>",
                  ],
                },
                "subs": -1,
              },
            },
          ],
          "type": "account",
          "version": 2,
        },
        "sub": "ABUS",
      }
    `);
  });

  it("of an account without JetStream switch it off", () => {
    expect(accountClaims({ ...BUS, limits: UNLIMITED }, 1).nats["limits"]).toMatchObject({ mem_storage: 0, disk_storage: 0, conn: -1 });
  });

  it("of an operator let only signing keys sign", () => {
    const operator = { name: "dev", publicKey: "OKEY", signingKeys: ["OB", "OA"], systemAccount: "ASYS", iat: 5 };
    expect(operatorClaims(operator)).toEqual({
      sub: "OKEY",
      name: "dev",
      iat: 5,
      nats: { type: "operator", version: 2, signing_keys: ["OA", "OB"], system_account: "ASYS", strict_signing_key_usage: true },
    });
  });

  it("are the same whatever the order of roles", () => {
    const other = { ...role, role: "matrix", publicKey: "AOTHER" };
    expect(accountClaims({ ...BUS, roles: [role, other] }, 1)).toEqual(accountClaims({ ...BUS, roles: [other, role] }, 1));
  });
});

describe("comparing claims", () => {
  const claims = accountClaims(BUS, 1);
  const changed = (change: (nats: Record<string, Json>) => void): Claims => {
    const nats = structuredClone(claims.nats) as Record<string, Json>;
    change(nats);
    return { ...claims, nats };
  };

  it.each<[string, Claims]>([
    ["time of issue", { ...claims, iat: 99 }],
    ["a limit of zero", changed((nats) => Object.assign(nats["limits"] as object, { tiered_limits: {}, "new": 0 }))],
    ["an empty list", changed((nats) => Object.assign(nats, { tags: [], imports: [] }))],
    [
      "the order of subjects",
      changed((nats) => (nats["signing_keys"] as { template: { pub: { allow: string[] } } }[])[0]?.template.pub.allow.reverse()),
    ],
    ["the order of keys", { ...claims, nats: Object.fromEntries(Object.entries(claims.nats).reverse()) }],
  ])("does not mind %s", (_name, other) => expect(sameClaims(claims, other)).toBe(true));

  it.each<[string, Claims]>([
    ["a limit", changed((nats) => Object.assign(nats["limits"] as object, { conn: 5 }))],
    ["a limit that is gone", changed((nats) => delete (nats["limits"] as Record<string, Json>)["conn"])],
    ["a revocation", changed((nats) => Object.assign(nats, { revocations: { UX: 1 } }))],
    ["another name", { ...claims, name: "OTHER" }],
    ["an end", { ...claims, exp: 5 }],
    ["an unknown new field", changed((nats) => Object.assign(nats, { cluster_traffic: "owner" }))],
    [
      "a right less",
      changed((nats) => (nats["signing_keys"] as { template: { pub: { allow: string[] } } }[])[0]?.template.pub.allow.pop()),
    ],
  ])("notices %s", (_name, other) => expect(sameClaims(claims, other)).toBe(false));

  it("normalises to the same again", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), (nats) => {
        const once = normaliseClaims({ ...claims, nats: nats as Record<string, Json> });
        const nested = (once["nats"] ?? {}) as Record<string, Json>;
        expect(normaliseClaims({ ...claims, nats: nested })).toEqual(once);
      }),
    );
  });
});

describe("time of issue", () => {
  it("is later than every stored one and never before now", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2e9 })), fc.integer({ min: 0, max: 2e9 }), (stored, now) => {
        const issued = nextIssue(stored, new Date(now * 1000));
        return issued >= now && stored.every((iat) => issued > iat) && Number.isInteger(issued);
      }),
    );
  });
});

describe("limits", () => {
  it("are unlimited unless given", () => {
    expect(resolveLimits({}, false)).toEqual({ ...UNLIMITED, jetstream: UNLIMITED_JETSTREAM });
    expect(resolveLimits({}, true)).toEqual(UNLIMITED);
    expect(resolveLimits({ jetstream: false, connections: 0 }, false)).toEqual({ ...UNLIMITED, connections: 0 });
    expect(resolveLimits({ payload: 5, jetstream: { memory: 0, streams: 3 } }, false)).toEqual({
      ...UNLIMITED,
      payloadBytes: 5,
      jetstream: { ...UNLIMITED_JETSTREAM, memoryBytes: 0, streams: 3 },
    });
  });

  it("leave JetStream on while one kind of storage is there", () => {
    expect(hasJetStream(UNLIMITED)).toBe(false);
    expect(hasJetStream({ ...UNLIMITED, jetstream: { ...UNLIMITED_JETSTREAM, memoryBytes: 0 } })).toBe(true);
    expect(hasJetStream({ ...UNLIMITED, jetstream: { ...UNLIMITED_JETSTREAM, memoryBytes: 0, storageBytes: 0 } })).toBe(false);
  });
});

describe("roles", () => {
  it("can see their own rights and their own inbox, and nothing else, without a purpose", () => {
    expect(resolvePermissions({})).toEqual({
      publish: { allow: ["$SYS.REQ.USER.INFO"], deny: [] },
      subscribe: { allow: ["_INBOX_{{name()}}.>"], deny: [] },
    });
    expect(inboxPrefix("security")).toBe("_INBOX_security");
  });

  it("may read a consumer but not change it", () => {
    expect(resolvePermissions({ consume: [{ stream: "S", consumer: "c" }] }).publish).toMatchInlineSnapshot(`
      {
        "allow": [
          "$JS.ACK.*.*.S.c.>",
          "$JS.ACK.S.c.>",
          "$JS.API.CONSUMER.INFO.S.c",
          "$JS.API.CONSUMER.MSG.NEXT.S.c",
          "$JS.API.INFO",
          "$JS.API.STREAM.INFO.S",
          "$SYS.REQ.USER.INFO",
        ],
        "deny": [],
      }
    `);
  });

  it("may make consumers of their own for replay, but not touch the durable one", () => {
    const { publish } = resolvePermissions({ consume: [{ stream: "S", consumer: "c", replay: true }] });
    expect(publish.allow).toContain("$JS.API.CONSUMER.CREATE.S.>");
    expect(publish.deny).toEqual(["$JS.API.CONSUMER.CREATE.S.c", "$JS.API.CONSUMER.CREATE.S.c.>", "$JS.API.CONSUMER.DELETE.S.c"]);
  });

  it("may answer requests only when asked for", () => {
    expect(resolvePermissions({ responses: 2 }).responses).toEqual({ max: 2, expiresMs: 120_000 });
    const [signed] = accountClaims({ ...BUS, roles: [{ ...role, permissions: resolvePermissions({ responses: 2 }) }] }, 1).nats[
      "signing_keys"
    ] as { template: Json }[];
    expect(signed?.template).toMatchObject({ resp: { max: 2, ttl: 120_000_000_000 } });
  });
});
