import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createOperator } from "../../../accounts/identity.ts";
import { renderServerConfig } from "../../../core/server-config.ts";
import type { ServerConfigSpec } from "../../../core/server-config-spec.ts";
import { testServerBinary } from "../../support/cluster.ts";
import { sampleServer, writeCertificates } from "../../support/server-specs.ts";

const run = promisify(execFile);
let folder: string;
let certificates: Awaited<ReturnType<typeof writeCertificates>>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "natsbus-config-"));
  certificates = await writeCertificates(join(folder, "tls"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Lets the server read a configuration without starting; throws with what it says against it. */
async function check(spec: ServerConfigSpec): Promise<string> {
  const file = join(folder, "nats.conf");
  await writeFile(file, renderServerConfig(spec));
  const { stderr } = await run(testServerBinary(), ["-t", "-c", file]);
  return stderr;
}

function operator(): ServerConfigSpec["identity"] {
  const state = createOperator({ name: 'my "operator"', systemAccount: "SYS", systemRoles: [] }, new Date());
  const resolver = {
    directory: join(folder, "accounts"),
    intervalMs: 15_000,
    allowDelete: true,
    limit: 1000,
    preload: { [state.systemPublicKey]: state.systemToken },
  };
  return { kind: "operator", operatorJwt: state.token, systemAccount: state.systemPublicKey, resolver };
}

describe("nats-server accepts what is rendered", () => {
  test("a complete server in operator mode with every listener", async () => {
    const spec: ServerConfigSpec = {
      ...sampleServer(folder),
      clientTls: { ...certificates, handshakeFirst: true, timeoutSeconds: 5 },
      monitor: { host: "127.0.0.1", port: 8222, tls: true },
      cluster: { ...sampleServer(folder).cluster!, tls: certificates, noAdvertise: true, poolSize: 3, compression: "s2_auto" },
      jetstream: { storeDirectory: folder, maxMemoryBytes: 1, maxStorageBytes: 2, domain: "hub", uniqueTag: "az:", syncInterval: "always" },
      identity: operator(),
      pidFile: join(folder, "server.pid"),
      tags: ["az:a", "disk:ssd"],
      websocket: {
        host: "127.0.0.1",
        port: 9222,
        tls: certificates,
        sameOrigin: true,
        allowedOrigins: ["https://example.com"],
        compression: true,
      },
      mqtt: { host: "127.0.0.1", port: 1883, tls: certificates },
      leafNodes: { listener: { host: "127.0.0.1", port: 7422, tls: certificates } },
      gateway: {
        name: "sample",
        host: "127.0.0.1",
        port: 7222,
        tls: certificates,
        gateways: [{ name: "west", urls: ["nats://127.0.0.1:7333"] }],
      },
      extra: { max_control_line: 8192, jetstream: { limits: { max_ha_assets: 100 } } },
    };
    expect(await check(spec)).toMatch(/configuration file .* is valid/);
  });

  test("accounts in the configuration, with passwords that look like numbers, variables and includes", async () => {
    const users = ["1234", "12e5", "$HOME", "include ./x", "$2a$11$abc", "true", "5GB", "a#b//c", "'", '"', "\\", "\n"].map(
      (password, index) => ({ user: `u${index}`, password }),
    );
    const identity = {
      kind: "accounts" as const,
      accounts: { APP: { users, jetstream: true }, SYS: { users: [{ user: "s", password: "s" }] } },
      systemAccount: "SYS",
    };
    expect(await check({ ...sampleServer(folder), identity })).toMatch(/is valid/);
  });

  test("any text in any place, any limits", async () => {
    const text = fc
      .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
      .filter((value) => !value.includes("\0") && value.trim() !== "");
    const specs = fc.record({
      password: text,
      path: text,
      tag: text.filter((tag) => !/\s|[A-Z]/.test(tag)),
      connections: fc.nat(),
      payload: fc.integer({ min: 1, max: 2 ** 20 }),
      pingMs: fc.integer({ min: 1, max: 2 ** 31 }),
    });
    await fc.assert(
      fc.asyncProperty(specs, async ({ password, path, tag, connections, payload, pingMs }) => {
        const sample = sampleServer(folder);
        const stderr = await check({
          ...sample,
          logging: { ...sample.logging, file: join(folder, path.replaceAll("/", "_")) },
          tags: [tag],
          identity: { kind: "accounts", accounts: { APP: { users: [{ user: "u", password }] } } },
          limits: { maxConnections: connections, maxPayloadBytes: payload, pingIntervalMs: pingMs },
        });
        expect(stderr).toMatch(/is valid/);
      }),
      { numRuns: 60 },
    );
  });

  test("the check can fail", async () => {
    await expect(check({ ...sampleServer(folder), extra: { max_payload: "lots" } })).rejects.toThrow(
      /max_payload|interface conversion|lots/,
    );
  });
});
