import { randomBytes } from "node:crypto";
import { createUser, fromSeed } from "@nats-io/nkeys";
import { describe, expect, test } from "vitest";
import { connectFailure } from "../../../connection/failure.ts";
import { parseCredentials } from "../../../connection/nonce-signer.ts";

const spec = { servers: ["tls://user:hunter2@bus:4222"], creds: "SECRET" };

function credsOf(jwt: string, seed: string): string {
  return `-----BEGIN NATS USER JWT-----\n${jwt}\n------END NATS USER JWT------\n\nIMPORTANT\n-----BEGIN USER NKEY SEED-----\n${seed}\n------END USER NKEY SEED------\n`;
}

describe("credentials", () => {
  test("sign as the client library does", () => {
    for (let round = 0; round < 20; round++) {
      const user = createUser();
      const seed = new TextDecoder().decode(user.getSeed());
      const nonce = randomBytes(11).toString("base64url");
      const login = parseCredentials(credsOf("a.b.c", seed));
      expect(login.jwt).toBe("a.b.c");
      expect(fromSeed(user.getSeed()).verify(new TextEncoder().encode(nonce), Buffer.from(login.sign(nonce), "base64url"))).toBe(true);
    }
  });

  test.each([
    ["nothing", ""],
    ["one block", "-----BEGIN X-----\na.b.c\n------END X------\n"],
    ["no JWT", credsOf("abc", "SUAPRIVATE")],
    ["no seed", credsOf("a.b.c", "SUAPRIVATE")],
    ["a public key in place of the seed", credsOf("a.b.c", createUser().getPublicKey())],
  ])("with %s are refused without quoting them", (_what, text) => {
    const attempt = () => parseCredentials(text);
    expect(attempt).toThrow(expect.objectContaining({ code: "ERR_CONNECT_CREDENTIALS", path: "connection.creds" }));
    expect(attempt).not.toThrow(/PRIVATE/);
  });
});

function error(name: string, message: string, more: { code?: string; cause?: unknown } = {}): Error {
  const { cause, ...rest } = more;
  return Object.assign(new Error(message, { cause }), { name, ...rest });
}

describe("a failed attempt", () => {
  test.each([
    [error("ConnectionError", "connection refused", { cause: error("Error", "connect", { code: "ECONNREFUSED" }) }), "ERR_CONNECT_REFUSED"],
    [error("Error", "getaddrinfo ENOTFOUND bus", { code: "ENOTFOUND" }), "ERR_CONNECT_REFUSED"],
    [error("AuthorizationError", "Authorization Violation"), "ERR_CONNECT_CREDENTIALS"],
    [error("UserAuthenticationExpiredError", "User Authentication Expired"), "ERR_CONNECT_CREDENTIALS"],
    [error("Error", "self-signed certificate in certificate chain", { code: "SELF_SIGNED_CERT_IN_CHAIN" }), "ERR_CONNECT_TLS"],
    [error("Error", "unable to verify the first certificate", { code: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" }), "ERR_CONNECT_TLS"],
    [error("Error", "Hostname/IP does not match", { code: "ERR_TLS_CERT_ALTNAME_INVALID" }), "ERR_CONNECT_TLS"],
    [error("InvalidArgumentError", "'tls' is not available on this server"), "ERR_CONNECT_TLS"],
    [error("TimeoutError", "timeout"), "ERR_CONNECT_TIMEOUT"],
  ])("%s is %s, with a remedy and without a secret", (cause, code) => {
    const failure = connectFailure(spec, cause);
    expect(failure).toMatchObject({ code, path: "connection", remedy: expect.stringMatching(/\w/), cause });
    expect(`${failure.message} ${failure.remedy}`).not.toMatch(/SECRET|hunter2/);
    expect(failure.message).toContain("tls://bus:4222");
  });
});
