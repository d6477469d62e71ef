import { describe, expect, it } from "vitest";
import { normaliseClaims } from "../../../accounts/claims.ts";
import { accountDrift } from "../../../accounts/drift.ts";
import { type Claims, renderToken } from "../../../accounts/token.ts";
import { createKey } from "../../../core/nats-keys.ts";

const operator = createKey("operator");
const account = createKey("account");
const claims: Claims = {
  sub: account.publicKey,
  name: "BUS",
  iat: 1_700_000_000,
  nats: { type: "account", version: 2, limits: { conn: 5 } },
};
const good = renderToken(claims, operator.seed);
const older = renderToken({ ...claims, iat: claims.iat - 10 }, operator.seed);
const other = renderToken({ ...claims, iat: claims.iat + 1, nats: { ...claims.nats, limits: { conn: 6 } } }, operator.seed);
const expected = { publicKey: account.publicKey, signers: [operator.publicKey], issuedAt: claims.iat, inForce: normaliseClaims(claims) };
const now = new Date(claims.iat * 1000);
const servers = ["n1", "n2", "n3"];

describe("what servers have of an account", () => {
  it.each<[string, Parameters<typeof accountDrift>[0], (string | RegExp)[]]>([
    ["is right on all", { servers, tokens: [good, good, good], loaded: { n1: good } }, []],
    [
      "is older on one that works with it",
      { servers, tokens: [good, older, good], loaded: { n1: good, n2: good, n3: older } },
      [/^n3: lags/],
    ],
    [
      "is older on the only one that does not work with it",
      { servers, tokens: [older, good, good], loaded: { n1: good, n3: good } },
      [/^n2: lags/],
    ],
    ["is older on one of two that do not", { servers, tokens: [good, older, good], loaded: { n1: good } }, [/^1 of n2, n3: lags/]],
    ["is missing on one", { servers, tokens: [good, undefined, good], loaded: { n1: good, n2: good } }, ["n3: does not have it"]],
    ["cannot be read", { servers, tokens: ["x", "x", "x"], loaded: {} }, ["n1, n2, n3: has a version that cannot be read"]],
    ["says something else", { servers, tokens: [other, other, other], loaded: { n1: other } }, [/somebody else pushed: limits differ/]],
    [
      "is stored but not worked with",
      { servers, tokens: [other, other, other], loaded: { n1: good, n2: good, n3: good } },
      [/^n1, n2, n3: .*limits/],
    ],
    ["is silent on one", { servers: ["n1", "n2"], tokens: [good, good], loaded: {} }, []],
  ])("%s", (_what, seen, words) => {
    const drift = accountDrift(seen, expected, now);
    expect(drift).toHaveLength(words.length);
    for (const [index, word] of words.entries()) expect(drift[index]).toMatch(word);
  });
});
