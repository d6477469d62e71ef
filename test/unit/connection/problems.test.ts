import { describe, expect, test } from "vitest";
import { type ConnectionSpec, connectionProblems } from "../../../core/connection.ts";
import { createKey } from "../../../core/nats-keys.ts";

const PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const KEY = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n";
const at = (more: Partial<ConnectionSpec>): ConnectionSpec => ({ servers: ["tls://bus.example.com:4222"], ...more });

describe("a connection that can be used has no problem", () => {
  test.each<[string, ConnectionSpec]>([
    ["plain", { servers: ["nats://127.0.0.1:4222"] }],
    ["without a port", { servers: ["tls://bus"] }],
    ["with user and password in the URL", { servers: ["nats://me:p%40ss@127.0.0.1:4222"] }],
    ["an IPv6 address", { servers: ["nats://[::1]:4222"] }],
    [
      "everything at once",
      at({
        ca: PEM,
        certificate: PEM,
        key: KEY,
        serverName: "bus",
        tlsFirst: true,
        nkeySeed: createKey("user").seed,
        timeoutMs: 1,
        domain: "hub",
      }),
    ],
    ["an API prefix", at({ apiPrefix: "$JS.hub.API", user: "a", password: "b", inboxPrefix: "_INBOX_a" })],
  ])("%s", (_what, spec) => {
    expect(connectionProblems(spec)).toEqual([]);
  });
});

describe("a connection that cannot be used", () => {
  test.each<[string, ConnectionSpec, string, string]>([
    ["no server", { servers: [] }, "connection.servers", "ERR_CONNECT_OPTION"],
    ["a host without scheme", { servers: ["bus:4222"] }, "connection.servers.0", "ERR_CONNECT_OPTION"],
    ["another scheme", { servers: ["https://bus"] }, "connection.servers.0", "ERR_CONNECT_OPTION"],
    ["a port out of range", { servers: ["nats://bus:70000"] }, "connection.servers.0", "ERR_CONNECT_OPTION"],
    ["a path behind the port", { servers: ["nats://bus:4222/x"] }, "connection.servers.0", "ERR_CONNECT_OPTION"],
    ["two ways to log in", at({ token: "SECRET", creds: "SECRET" }), "connection.token", "ERR_CONFIG_CONFLICT"],
    ["a user without password", at({ user: "me" }), "connection.password", "ERR_CONNECT_OPTION"],
    ["a password without user", at({ password: "SECRET" }), "connection.user", "ERR_CONNECT_OPTION"],
    ["an account's seed", at({ nkeySeed: createKey("account").seed }), "connection.nkeySeed", "ERR_CONNECT_OPTION"],
    ["a certificate without key", at({ certificate: PEM }), "connection.key", "ERR_CONNECT_OPTION"],
    ["a key without certificate", at({ key: KEY }), "connection.certificate", "ERR_CONNECT_OPTION"],
    ["a path in place of the authority's text", at({ ca: "/etc/ca.pem" }), "connection.ca", "ERR_CONNECT_OPTION"],
    ["a certificate in place of the key", at({ certificate: PEM, key: PEM }), "connection.key", "ERR_CONNECT_OPTION"],
    ["TLS first without TLS", { servers: ["nats://bus:4222"], tlsFirst: true }, "connection.tlsFirst", "ERR_CONFIG_CONFLICT"],
    ["domain and API prefix", at({ domain: "hub", apiPrefix: "$JS.hub.API" }), "connection.apiPrefix", "ERR_CONFIG_CONFLICT"],
    ["a domain with dots", at({ domain: "a.b" }), "connection.domain", "ERR_CONNECT_OPTION"],
    ["an API prefix with a dot at its end", at({ apiPrefix: "$JS.hub.API." }), "connection.apiPrefix", "ERR_CONNECT_OPTION"],
    ["an inbox prefix with a wildcard", at({ inboxPrefix: "_INBOX.>" }), "connection.inboxPrefix", "ERR_CONNECT_OPTION"],
    ["no time at all", at({ timeoutMs: 0 }), "connection.timeoutMs", "ERR_CONNECT_OPTION"],
    ["half a millisecond", at({ timeoutMs: 0.5 }), "connection.timeoutMs", "ERR_CONNECT_OPTION"],
  ])("%s is told with path and remedy, and no secret", (_what, spec, path, code) => {
    const problems = connectionProblems(spec);
    expect(problems).toEqual([expect.objectContaining({ path, code, remedy: expect.stringMatching(/\w/) })]);
    expect(JSON.stringify(problems)).not.toMatch(/SECRET|SA[A-Z2-7]{56}/);
  });

  test("tells every problem at once, under the path of the user's own setting", () => {
    const problems = connectionProblems(at({ servers: [], user: "me", domain: "a.b" }), "existing");
    expect(problems.map(({ path }) => path)).toEqual(["existing.servers", "existing.password", "existing.domain"]);
  });
});
