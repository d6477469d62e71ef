import { decode, parseCreds } from "@nats-io/jwt";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { userClaims } from "../../../accounts/claims.ts";
import { parseCredentials, renderCredentials } from "../../../accounts/credentials.ts";
import { deletionRequest } from "../../../accounts/deletion.ts";
import { parseToken, renderSorted, renderToken } from "../../../accounts/token.ts";
import { createKey } from "../../../core/nats-keys.ts";

const account = createKey("account");
const user = createKey("user");
const claims = userClaims({
  name: "gitlab",
  publicKey: user.publicKey,
  account: account.publicKey,
  iat: 1_700_000_000,
  exp: 1_800_000_000,
});
const token = renderToken(claims, account.seed);

describe("tokens", () => {
  it("are read by the NATS library, which checks the signature", () => {
    expect(decode(token)).toMatchObject({ ...claims, iss: account.publicKey });
  });

  it("are the same for the same claims, in whatever order", () => {
    const turned = Object.fromEntries(Object.entries(claims).reverse()) as unknown as typeof claims;
    expect(renderToken(turned, account.seed)).toBe(token);
  });

  it("say again what was put in", () => {
    expect(parseToken(token)).toMatchObject({ ...claims, iss: account.publicKey });
  });

  const [header, body, signature] = token.split(".");
  const forged = Buffer.from(JSON.stringify({ ...parseToken(token), name: "admin" })).toString("base64url");
  it.each([
    ["not one", "hello"],
    ["two parts", `${header}.${body}`],
    ["four parts", `${token}.x`],
    ["no JSON", `${header}.!!!!.${signature}`],
    ["no claims", `${header}.${Buffer.from("[]").toString("base64url")}.${signature}`],
    ["nothing inside", `${header}.${Buffer.from("null").toString("base64url")}.${signature}`],
    ["changed claims", `${header}.${forged}.${signature}`],
    ["changed signature", `${header}.${body}.${Buffer.alloc(64).toString("base64url")}`],
  ])("refuse %s without repeating it", (_name, text) => {
    expect(() => parseToken(text)).toThrow(expect.objectContaining({ code: "ERR_TOKEN", message: expect.not.stringContaining("eyJ") }));
  });

  it("sort the keys of any JSON without changing it", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = renderSorted(value);
        expect(renderSorted(JSON.parse(text))).toBe(text);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  it("ask servers to forget an account in the operator's name", () => {
    const operator = createKey("operator");
    expect(parseToken(deletionRequest(account.publicKey, operator.seed, new Date(1_700_000_000_000)))).toMatchObject({
      iss: operator.publicKey,
      sub: operator.publicKey,
      nats: { accounts: [account.publicKey] },
    });
  });
});

describe("credentials", () => {
  const text = renderCredentials(token, user.seed);

  it("are read by the NATS library", async () => {
    const read = await parseCreds(Buffer.from(text));
    expect(read).toMatchObject({ key: user.seed, jwt: token, aid: account.publicKey });
  });

  it("are read back", () => {
    expect(parseCredentials(text)).toMatchObject({ token, seed: user.seed, claims: { sub: user.publicKey } });
    expect(parseCredentials(text.replaceAll("\n", "\r\n"))).toMatchObject({ token });
  });

  it.each([
    ["empty", ""],
    ["without a seed", text.replace("BEGIN USER NKEY SEED", "BEGIN SOMETHING")],
    ["without a token", text.replace("BEGIN NATS USER JWT", "BEGIN SOMETHING")],
    ["with somebody else's seed", renderCredentials(token, createKey("user").seed)],
  ])("are refused %s, without repeating them", (_name, wrong) => {
    expect(() => parseCredentials(wrong)).toThrow(
      expect.objectContaining({ code: "ERR_CREDENTIALS", message: expect.not.stringMatching(/eyJ|SU[A-Z2-7]{20}/) }),
    );
  });
});
