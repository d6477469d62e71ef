/** The target `existing`: clusters that the test starts by hand, with and without an operator. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { natsAccountPort } from "../../accounts/nats-port.ts";
import { parseToken, renderToken } from "../../accounts/token.ts";
import { closeConnections, openConnection } from "../../connection/pool.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import { createKey } from "../../core/nats-keys.ts";
import { startCluster, type TestCluster } from "../support/cluster.ts";
import { findFreePorts } from "../support/free-ports.ts";
import { type OperatorCluster, startOperatorCluster } from "../support/operator-cluster.ts";
import { probe } from "../support/permission-probe.ts";
import { createProject, type Project } from "../support/project.ts";

const UP = ["up", "--stack", "dev", "--yes", "--skip-preview"];
const SHIPPED = ["CONSCIOUSNESS", "KV_settings", "OBJ_artifacts", "ORCHESTRATION", "PERFORMANCE", "SECURITY"];
const ACCOUNTS = `accounts {
  APP { jetstream: enabled, users: [ { user: me, password: "open sesame" } ] }
  DRY { users: [ { user: dry, password: dry } ] }
  SYS { users: [ { user: sys, password: sys } ] }
}
system_account: SYS`;

let plain: TestCluster;
let signed: OperatorCluster;
let project: Project;
beforeAll(async () => {
  project = await createProject();
  plain = await startCluster({ configText: () => ACCOUNTS, name: "elsewhere" });
  // A server that missed something while it was down does not catch up by itself during the test.
  signed = await startOperatorCluster({ resolverInterval: "30m" });
});
afterEach(closeConnections);
afterAll(async () => {
  await project?.[Symbol.asyncDispose]();
  await signed?.[Symbol.asyncDispose]();
  await plain?.[Symbol.asyncDispose]();
});

async function natsbus(args: readonly string[]): Promise<string> {
  const result = await project.natsbus(args);
  expect(result.code, result.stderr + result.stdout).toBe(0);
  return result.stdout + result.stderr;
}

async function refused(args: readonly string[]): Promise<string> {
  const result = await project.natsbus(args);
  expect(result.code, result.stdout).not.toBe(0);
  return result.stdout + result.stderr;
}

async function ask<T>(spec: ConnectionSpec, subject: string, body: object = {}): Promise<T> {
  const connection = await openConnection(spec);
  return (await connection.request(`$JS.API.${subject}`, JSON.stringify(body), { timeout: 10_000 })).json<T>();
}

async function streamsAt(spec: ConnectionSpec): Promise<string[]> {
  return [...((await ask<{ streams: string[] | null }>(spec, "STREAM.NAMES")).streams ?? [])].sort();
}

/** The stack file: only what is given here, and the ports that the project has. */
function configure(existing: object, more: Record<string, unknown> = {}): void {
  project.configure({
    "natsbus:target": "existing",
    "natsbus:existing": existing,
    "natsbus:auth": undefined,
    "natsbus:tls": undefined,
    "natsbus:cluster": undefined,
    "natsbus:jetstream": undefined,
    "natsbus:monitoring": undefined,
    "natsbus:streams": undefined,
    ...more,
  });
}

/** Begins anew where a test left a stack whose cluster is gone or was another one. */
function forget(): void {
  rmSync(project.path(".natsbus"), { recursive: true, force: true });
}

describe("a cluster whose users stand in its configuration", () => {
  const reach = (): ConnectionSpec => ({ servers: plain.urls, user: "me", password: "open sesame" });
  const own = { name: "THEIRS", subjects: ["theirs.>"], storage: "file", num_replicas: 1 };

  test("gets the streams and keeps what it had; every verb works; destroy leaves all of it", async () => {
    await ask(reach(), "STREAM.CREATE.THEIRS", own);
    const pids = plain.nodes.map((node) => plain.pid(node));
    writeFileSync(project.path("password.txt"), "open sesame\n");
    const existing = { servers: plain.urls, user: "me", passwordFile: "password.txt", system: { user: "sys", password: "sys" } };
    configure(existing);
    await natsbus(["preview", "--stack", "dev"]);
    expect(await streamsAt(reach())).toEqual(["THEIRS"]);
    await natsbus(UP);
    expect(await streamsAt(reach())).toEqual([...SHIPPED, "THEIRS"].sort());
    expect((await ask<{ config: object }>(reach(), "STREAM.INFO.THEIRS")).config).not.toHaveProperty(["metadata", "natsbus.owner"]);
    await natsbus(["preview", "--stack", "dev", "--expect-no-changes"]);
    await natsbus(["refresh", "--stack", "dev", "--yes", "--expect-no-changes"]);
    expect(await natsbus(["publish", "security.high.login", "{}", "--stack", "dev"])).toMatch(/stored in SECURITY as message 1/);
    const status = JSON.parse((await project.natsbus(["status", "--stack", "dev", "--json"])).stdout);
    expect(status).toMatchObject({ cluster: "elsewhere", problems: [] });
    expect(status.servers.map(({ name }: { name: string }) => name)).toEqual(["n1", "n2", "n3"]);
    expect(status.streams.map(({ name }: { name: string }) => name)).toEqual(expect.arrayContaining([...SHIPPED, "THEIRS"]));
    await ask(reach(), "STREAM.DELETE.PERFORMANCE");
    const drifted = await refused(["status", "--stack", "dev"]);
    expect(drifted).toMatch(/PERFORMANCE is gone/);
    await natsbus([...UP, "--refresh"]);
    await natsbus(["destroy", "--stack", "dev", "--yes"]);
    expect(await streamsAt(reach())).toEqual([...SHIPPED, "THEIRS"].sort());
    expect(plain.nodes.map((node) => plain.pid(node))).toEqual(pids);
  });

  test("streams of another owner are left alone, unless they are to be adopted; deletion follows the policy", async () => {
    configure({ servers: plain.urls, user: "me", password: "open sesame" }, { "natsbus:jetstream": { deletionPolicy: "delete" } });
    // What the test before left behind bears this stack's marker; one stream is given another one.
    const { config } = await ask<{ config: Record<string, object> }>(reach(), "STREAM.INFO.SECURITY");
    await ask(reach(), "STREAM.UPDATE.SECURITY", {
      ...config,
      metadata: { ...config["metadata"], "natsbus.owner": "other/prod/SECURITY" },
    });
    const told = await refused(UP);
    expect(told).toMatch(/stream SECURITY exists and it belongs to other\/prod\/SECURITY[\s\S]*adoptionPolicy[\s\S]*ERR_STREAM_FOREIGN/);
    project.configure({ "natsbus:streams": { SECURITY: { adoptionPolicy: "adopt" } } });
    await natsbus(UP);
    expect((await ask<{ state: { messages: number } }>(reach(), "STREAM.INFO.SECURITY")).state.messages).toBe(1);
    await natsbus(["destroy", "--stack", "dev", "--yes"]);
    expect(await streamsAt(reach())).toEqual(["THEIRS"]);
  });

  test("mistakes about it are told in the preview", async () => {
    forget();
    const servers = plain.urls;
    const [dead] = [await findFreePorts(1)];
    const login = { user: "me", password: "open sesame" };
    const operator = { signingSeed: createKey("operator").seed };
    const cases: [string, object, object, RegExp][] = [
      [
        "not there",
        { servers: [`nats://127.0.0.1:${dead}`], ...login },
        {},
        /127\.0\.0\.1:\d+: no server answered[\s\S]*ERR_CONNECT_REFUSED/,
      ],
      ["wrong password", { servers, user: "me", password: "sesame" }, {}, /refused the credentials[\s\S]*ERR_CONNECT_CREDENTIALS/],
      ["no login", { servers }, {}, /ERR_CONNECT_CREDENTIALS/],
      ["no JetStream", { servers, user: "dry", password: "dry" }, {}, /JetStream[\s\S]*ERR_JETSTREAM_OFF/],
      ["no system account", { servers, ...login, system: login }, {}, /existing\.system[\s\S]*ERR_EXISTING_SYSTEM/],
      [
        "no operator",
        { servers, system: { user: "sys", password: "sys" }, operator },
        {},
        /n1 has no operator[\s\S]*ERR_EXISTING_OPERATOR/,
      ],
      [
        "too few servers",
        { servers, system: { user: "sys", password: "sys" }, operator, timeout: "2s" },
        { "natsbus:cluster": { servers: 5 } },
        /3 of 5 servers answer: n1, n2, n3[\s\S]*ERR_EXISTING_SERVERS/,
      ],
    ];
    for (const [what, existing, more, tells] of cases) {
      configure(existing, { ...more });
      const text = await refused(["preview", "--stack", "dev"]);
      expect(text, what).toMatch(tells);
      expect(text, what).not.toMatch(/sesame|SO[A-Z2-7]{56}| at .*\.ts:\d+/);
    }
  });
});

describe("a cluster with an operator", () => {
  /** One server misses a version of the account, and a foreign one comes over all of them: each verb says so, and up puts it right. */
  async function lagging(): Promise<void> {
    const { cluster, operator, system } = signed;
    const key = JSON.parse((await project.natsbus(["status", "--stack", "dev", "--json"])).stdout).accounts[0].publicKey as string;
    const port = natsAccountPort({ ...system, timeoutMs: 10_000 });
    const [token] = (await port.observe(key, 3)).tokens;
    const { sub, name, nats, iat } = parseToken(token!);
    await cluster.kill("n3");
    await port.push(renderToken({ sub, name, nats, iat: iat + 1 }, operator.signingSeed), 2);
    await cluster.start("n3");
    await cluster.waitReady();
    const words = /account BUS on n3: lags: has a version of 20/;
    expect(await refused(["status", "--stack", "dev"])).toMatch(words);
    expect(await natsbus(["preview", "--stack", "dev"])).toMatch(words);
    expect(await natsbus(["refresh", "--stack", "dev", "--preview-only"])).toMatch(words);
    await natsbus([...UP, "--refresh"]);
    await natsbus(["status", "--stack", "dev"]);
    await port.push(renderToken({ sub, name, nats, iat: iat + 600 }, createKey("operator").seed), 3);
    expect(await refused(["status", "--stack", "dev"])).toMatch(
      /account BUS on n1, n2, n3: has a version of .* signed by O[A-Z2-7]{55}, which is no key/,
    );
    await natsbus([...UP, "--refresh"]);
    await natsbus(["status", "--stack", "dev"]);
    await closeConnections();
  }

  const reach = (creds: string): ConnectionSpec => ({ servers: signed.system.servers, ca: signed.system.ca!, creds });
  const show = (user: string) => natsbus(["creds", user, "--stack", "dev", "--show"]);

  test("gets accounts, users and streams; after destroy and up they are the same ones", async () => {
    forget();
    const { operator, system } = signed;
    writeFileSync(project.path("system.creds"), operator.systemCredentials);
    writeFileSync(project.path("ca-elsewhere.pem"), system.ca!);
    const existing = {
      servers: system.servers,
      caFile: "ca-elsewhere.pem",
      system: { credsFile: "system.creds" },
      operator: { signingSeed: operator.signingSeed },
    };
    configure(existing);
    await natsbus(UP);
    await using security = await probe({ ...reach(await show("security")) }, { inboxPrefix: "_INBOX_security" });
    expect(await security.publishable(["security.critical.x", "ai.normal.x"])).toEqual(["security.critical.x"]);
    expect(await streamsAt(reach(await show("admin")))).toEqual(SHIPPED);
    await natsbus(["preview", "--stack", "dev", "--refresh", "--expect-no-changes"]);
    const status = JSON.parse((await project.natsbus(["status", "--stack", "dev", "--json"])).stdout);
    expect(status).toMatchObject({ problems: [] });
    await natsbus(["publish", "security.high.login", "{}", "--stack", "dev", "--user", "security"]);
    await lagging();
    const told = await natsbus(["destroy", "--stack", "dev", "--yes"]);
    expect(told).toMatch(/account BUS stays on the servers; its key is kept in \.natsbus\/dev\/keys\/BUS\.nk/);
    expect(readdirSync(project.path(".natsbus/dev/keys"))).toEqual(["BUS.nk"]);
    await natsbus(UP);
    const { state } = await ask<{ state: { messages: number } }>(reach(await show("admin")), "STREAM.INFO.SECURITY");
    expect(state.messages).toBeGreaterThan(0);
    const other = { ...existing, accounts: { BUS: { seed: createKey("account").seed } } };
    configure(other);
    expect(await refused(["preview", "--stack", "dev"])).toMatch(/account BUS has the key A[\s\S]*ERR_ACCOUNT_REPLACE/);
    configure({ ...existing, operator: { signingSeed: createKey("operator").seed } });
    expect(await refused(["preview", "--stack", "dev"])).toMatch(/trusts another operator[\s\S]*ERR_EXISTING_OPERATOR/);
    configure(existing);
    await natsbus(["destroy", "--stack", "dev", "--yes"]);
  });
});

describe("a cluster with an operator that takes no accounts over NATS", () => {
  test("is told so", async () => {
    forget();
    const { operator } = signed;
    await using memory = await startCluster({
      servers: 1,
      configText: () => `operator: ${operator.token}
system_account: ${operator.systemPublicKey}
resolver: MEMORY
resolver_preload { ${operator.systemPublicKey}: ${operator.systemToken} }`,
    });
    const { systemCredentials: creds, signingSeed } = operator;
    const existing = { servers: memory.urls, system: { creds }, operator: { signingSeed }, timeout: "2s" };
    configure(existing, { "natsbus:cluster": { servers: 1 } });
    expect(await refused(["preview", "--stack", "dev"])).toMatch(/no server takes accounts over NATS[\s\S]*ERR_EXISTING_OPERATOR/);
  });
});

describe("a lone server behind a leaf node", () => {
  test("is reached through its hub by its JetStream domain, with an nkey, TLS first", async () => {
    forget();
    const nkey = createKey("user");
    const leafPort = await findFreePorts(1);
    const { authority, certificates } = signed;
    const folder = project.path("hub-tls");
    mkdirSync(folder);
    const files = { "ca.pem": authority.bundle, "cert.pem": certificates.certificates["n1"]!, "key.pem": certificates.keys["n1"]! };
    for (const [name, text] of Object.entries(files)) writeFileSync(`${folder}/${name}`, text, { mode: 0o600 });
    await using hub = await startCluster({
      servers: 1,
      configText: () => `tls { cert_file: "${folder}/cert.pem", key_file: "${folder}/key.pem", handshake_first: true }
accounts { APP { jetstream: enabled, users: [ { nkey: ${nkey.publicKey} }, { user: leaf, password: leaf } ] }, SYS { users: [ { user: s, password: s } ] } }
system_account: SYS
leafnodes { listen: "127.0.0.1:${leafPort}" }`,
      jetstreamText: "max_mem: 64MB, max_file: 64MB, domain: hub",
    });
    await using edge = await startCluster({
      servers: 1,
      configText: () => `leafnodes { remotes: [ { url: "nats-leaf://leaf:leaf@127.0.0.1:${leafPort}" } ] }`,
      jetstreamText: "max_mem: 64MB, max_file: 1GB, domain: edge",
    });
    const existing = {
      servers: [`tls://127.0.0.1:${hub.nodes[0]?.port}`],
      caFile: "hub-tls/ca.pem",
      tlsFirst: true,
      nkeySeed: nkey.seed,
    };
    const tiny = { maxBytes: "1MiB" };
    configure(existing, {
      "natsbus:cluster": { servers: 1 },
      "natsbus:jetstream": { domain: "edge" },
      "natsbus:streams": Object.fromEntries(["CONSCIOUSNESS", "SECURITY", "PERFORMANCE", "ORCHESTRATION"].map((name) => [name, tiny])),
    });
    await expect.poll(() => project.natsbus(["preview", "--stack", "dev"]).then(({ code }) => code), { timeout: 60_000 }).toBe(0);
    await natsbus(UP);
    expect(await streamsAt({ servers: edge.urls })).toEqual(SHIPPED);
    await natsbus(["publish", "security.high.login", "{}", "--stack", "dev"]);
    await natsbus(["diff", "--stack", "dev"]);
    const status = await natsbus(["status", "--stack", "dev"]);
    expect(status).toMatch(/SECURITY/);
    await natsbus(["destroy", "--stack", "dev", "--yes"]);
    expect(await streamsAt({ servers: edge.urls })).toEqual(SHIPPED);
  });
});

describe("what cannot be used is told with code, path and remedy, and nothing is made", () => {
  const at = (existing: object, more: object = {}) => ({
    "natsbus:target": "existing",
    "natsbus:existing": existing,
    "natsbus:auth": { mode: "jwt" },
    ...more,
  });
  const servers = ["tls://bus.example.com:4222"];
  const system = { user: "s", password: "s" };
  const seed = (kind: "operator" | "account") => createKey(kind).seed;
  test.each<[string, object, string, RegExp]>([
    ["no server", at({}), "ERR_CONFIG_MISSING", /existing\.servers/],
    ["a URL that is none", at({ servers: ["bus:4222"] }), "ERR_CONNECT_OPTION", /existing\.servers\.0/],
    ["text and file", at({ servers, creds: "x", credsFile: "y" }), "ERR_CONFIG_CONFLICT", /existing\.credsFile/],
    ["a file that is missing", at({ servers, credsFile: "missing.creds" }), "ERR_EXISTING_FILE", /missing\.creds/],
    ["a user without password", at({ servers, user: "me" }), "ERR_CONNECT_OPTION", /existing\.password/],
    ["two logins", at({ servers, user: "me", password: "p", token: "t" }), "ERR_CONFIG_CONFLICT", /existing\.token/],
    [
      "an operator without system login",
      at({ servers, operator: { signingSeed: seed("operator") } }),
      "ERR_CONFIG_MISSING",
      /existing\.system/,
    ],
    [
      "an operator and a login",
      at({ servers, system, operator: { signingSeed: seed("operator") }, token: "t" }),
      "ERR_CONFIG_CONFLICT",
      /existing\.token/,
    ],
    [
      "an account's seed as the operator's",
      at({ servers, system, operator: { signingSeed: seed("account") } }),
      "ERR_KEY",
      /existing\.operator\.signingSeed/,
    ],
    ["an operator without seed", at({ servers, system, operator: {} }), "ERR_CONFIG_MISSING", /existing\.operator\.signingSeed/],
    [
      "a system block without login",
      at({ servers, system: {}, operator: { signingSeed: seed("operator") } }),
      "ERR_CONFIG_MISSING",
      /existing\.system/,
    ],
    [
      "an account's key without operator",
      at({ servers, accounts: { BUS: { seed: seed("account") } } }),
      "ERR_CONFIG_MISSING",
      /existing\.operator/,
    ],
    ["users in a configuration that is not ours", at({ servers }, { "natsbus:auth": { mode: "config" } }), "ERR_AUTH_MODE", /auth\.mode/],
    ["a key of another kind", at({ servers, credentials: "x" }), "ERR_CONFIG_KEY", /existing\.credentials/],
    ["the block with another target", at({ servers }, { "natsbus:target": "process" }), "ERR_CONFIG_CONFLICT", /existing/],
  ])("%s", async (_what, settings, code, tells) => {
    project.configure({ "natsbus:cluster": undefined, "natsbus:jetstream": undefined, "natsbus:streams": undefined, ...settings });
    const text = await refused(["preview", "--stack", "dev"]);
    expect(text).toContain(code);
    expect(text).toMatch(tells);
    expect(text).not.toMatch(/S[OA][A-Z2-7]{56}/);
  });
});
