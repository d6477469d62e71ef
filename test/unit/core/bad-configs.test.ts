import { describe, expect, test } from "vitest";
import type { ErrorCode, Problem } from "../../../core/errors.ts";
import { checkBus, type StreamFacts } from "../../../core/rules.ts";
import { parseStackConfig, readStackConfig } from "../../../core/stack-config.ts";
import { resolveStreams } from "../../../streams/resolve.ts";

type Case = readonly [name: string, config: Record<string, unknown>, code: ErrorCode, path: string, message: RegExp, remedy: RegExp];

const CONTEXT = { stack: "dev", project: "natsbus" };

function read(config: Record<string, unknown>) {
  const raw = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [`natsbus:${key}`, typeof value === "string" ? value : JSON.stringify(value)]),
  );
  return readStackConfig(raw, CONTEXT);
}

const stackFiles: readonly Case[] = [
  ["unknown top-level key", { stream: {} }, "ERR_CONFIG_KEY", "stream", /unknown key "stream"/, /did you mean "streams"/],
  [
    "unknown key in a section",
    { limits: { maxConection: 5 } },
    "ERR_CONFIG_KEY",
    "limits.maxConection",
    /limits has maxConnections/,
    /did you mean "maxConnections"/,
  ],
  [
    "key in other case",
    { jetstream: { maxstorage: "1GiB" } },
    "ERR_CONFIG_KEY",
    "jetstream.maxstorage",
    /unknown key/,
    /did you mean "maxStorage"/,
  ],
  [
    "key of another section",
    { cluster: { maxPayload: "1MiB" } },
    "ERR_CONFIG_KEY",
    "cluster.maxPayload",
    /unknown key/,
    /did you mean "limits\.maxPayload"/,
  ],
  [
    "unknown key two levels down",
    { process: { ports: { clients: 4222 } } },
    "ERR_CONFIG_KEY",
    "process.ports.clients",
    /unknown key/,
    /did you mean "client"/,
  ],
  ["unknown key with no likeness", { tls: { zzzzzz: 1 } }, "ERR_CONFIG_KEY", "tls.zzzzzz", /unknown key/, /remove it/],
  ["misspelt target", { target: "proces" }, "ERR_CONFIG_VALUE", "target", /one of process, kubernetes/, /did you mean "process"/],
  ["target as a number", { target: 5 }, "ERR_CONFIG_VALUE", "target", /"5" is not allowed/, /default `"process"`/],
  [
    "misspelt log level",
    { logging: { level: "DEBUGG" } },
    "ERR_CONFIG_VALUE",
    "logging.level",
    /one of info, debug, trace/,
    /did you mean "debug"/,
  ],
  ["auth mode", { auth: { mode: "oauth" } }, "ERR_CONFIG_VALUE", "auth.mode", /one of jwt, config, none/, /default `"jwt"`/],
  ["section as text", { cluster: "three" }, "ERR_CONFIG_VALUE", "cluster", /a block with name, servers, version/, /correct it/],
  ["section as broken JSON", { cluster: '{"servers":' }, "ERR_CONFIG_VALUE", "cluster", /a block/, /correct it/],
  ["section as a list", { limits: [1, 2] }, "ERR_CONFIG_VALUE", "limits", /a list of 2 is not allowed/, /correct it/],
  [
    "servers as text",
    { cluster: { servers: "3" } },
    "ERR_CONFIG_VALUE",
    "cluster.servers",
    /"3" is not allowed; allowed is a whole number from 1 to 32/,
    /default `3`/,
  ],
  ["no server", { cluster: { servers: 0 } }, "ERR_CONFIG_VALUE", "cluster.servers", /0 is not allowed/, /default `3`/],
  ["half a server", { cluster: { servers: 2.5 } }, "ERR_CONFIG_VALUE", "cluster.servers", /2\.5 is not allowed/, /default/],
  ["version without patch", { cluster: { version: "2.15" } }, "ERR_CONFIG_VALUE", "cluster.version", /three numbers/, /default/],
  [
    "cluster name with a blank",
    { cluster: { name: "my bus" } },
    "ERR_NAME",
    "cluster.name",
    /"my bus" is not a cluster name/,
    /correct it/,
  ],
  ["operator name with a dot", { auth: { operator: "a.b" } }, "ERR_NAME", "auth.operator", /none of \. \* >/, /correct it/],
  ["domain with a wildcard", { jetstream: { domain: "*" } }, "ERR_NAME", "jetstream.domain", /not a domain name/, /correct it/],
  [
    "size without unit",
    { limits: { maxPayload: 1048576 } },
    "ERR_UNIT",
    "limits.maxPayload",
    /1048576 is not allowed; allowed is a size such as/,
    /default `"1MiB"`/,
  ],
  ["size as text without unit", { limits: { maxPayload: "1048576" } }, "ERR_UNIT", "limits.maxPayload", /is not a size/, /correct it/],
  ["size with a blank", { jetstream: { maxStorage: "2 GB" } }, "ERR_UNIT", "jetstream.maxStorage", /"2 GB" is not a size/, /correct it/],
  [
    "size unit in lower case",
    { jetstream: { maxStorage: "2gb" } },
    "ERR_UNIT",
    "jetstream.maxStorage",
    /"2gb" is not a size/,
    /correct it/,
  ],
  ["negative size", { jetstream: { maxMemory: "-1GiB" } }, "ERR_UNIT", "jetstream.maxMemory", /is not a size/, /correct it/],
  ["size beyond 2^53", { jetstream: { maxStorage: "9000TiB" } }, "ERR_UNIT", "jetstream.maxStorage", /above 2\^53/, /correct it/],
  ["part of a byte", { jetstream: { maxMemory: "0.5B" } }, "ERR_UNIT", "jetstream.maxMemory", /not a whole number of B/, /correct it/],
  [
    "size out of range",
    { limits: { maxPayload: "1GiB" } },
    "ERR_CONFIG_VALUE",
    "limits.maxPayload",
    /1GiB is out of range; allowed is .* to 64MiB/,
    /default/,
  ],
  [
    "duration without unit",
    { limits: { pingInterval: 30 } },
    "ERR_UNIT",
    "limits.pingInterval",
    /30 is not allowed; allowed is a duration/,
    /default `"2m"`/,
  ],
  ["duration with an unknown unit", { tls: { validity: "1y" } }, "ERR_UNIT", "tls.validity", /"1y" is not a duration/, /default `"365d"`/],
  ["duration too long for the wire", { tls: { validity: "200000d" } }, "ERR_UNIT", "tls.validity", /too long to be exact/, /correct it/],
  [
    "duration below its range",
    { lameDuck: { duration: "5s" } },
    "ERR_CONFIG_VALUE",
    "lameDuck.duration",
    /5s is out of range; allowed is a duration such as "30s" from 30s/,
    /default `"30s"`/,
  ],
  ["switch as text", { tls: { clients: "yes" } }, "ERR_CONFIG_VALUE", "tls.clients", /true or false/, /default `true`/],
  [
    "sync interval",
    { jetstream: { syncInterval: "never" } },
    "ERR_CONFIG_VALUE",
    "jetstream.syncInterval",
    /"always", or a duration/,
    /default/,
  ],
  ["port 0", { process: { ports: { client: 0 } } }, "ERR_CONFIG_VALUE", "process.ports.client", /a port from 1 to 65535/, /default `4222`/],
  [
    "port list with text",
    { process: { ports: { route: [6222, "6223", 6224] } } },
    "ERR_CONFIG_VALUE",
    "process.ports.route",
    /a list of 3 is not allowed/,
    /default `6222`/,
  ],
  [
    "too few ports",
    { process: { ports: { monitor: [8222, 8223] } } },
    "ERR_CONFIG_CONFLICT",
    "process.ports.monitor",
    /2 ports are listed for 3 servers/,
    /one port a server/,
  ],
  [
    "ports beyond the last",
    { process: { ports: { client: 65_534 } } },
    "ERR_CONFIG_VALUE",
    "process.ports.client",
    /reaches 65536/,
    /start lower/,
  ],
  [
    "ranges that meet",
    { process: { ports: { client: 6220 } } },
    "ERR_PORT_CLASH",
    "process.ports.route",
    /port 6222 is asked for by n3 client and n1 route/,
    /move one/,
  ],
  [
    "one port twice in a list",
    { process: { ports: { client: [4222, 4222, 4223] } } },
    "ERR_PORT_CLASH",
    "process.ports.client",
    /n1 client and n2 client/,
    /move one/,
  ],
  ["host with a path", { process: { host: "127.0.0.1/x" } }, "ERR_CONFIG_VALUE", "process.host", /an address or a host name/, /default/],
  [
    "the project as runtime folder",
    { process: { directory: "." } },
    "ERR_CONFIG_CONFLICT",
    "process.directory",
    /destroy removes what is in it/,
    /folder of its own/,
  ],
  [
    "runtime folder outside",
    { process: { directory: "../../etc" } },
    "ERR_CONFIG_CONFLICT",
    "process.directory",
    /not a folder of its own/,
    /folder of its own/,
  ],
  [
    "the state as runtime folder",
    { process: { directory: ".natsbus/state" } },
    "ERR_CONFIG_CONFLICT",
    "process.directory",
    /Pulumi's state/,
    /folder of its own/,
  ],
  [
    "grace period as long as lame duck",
    { lameDuck: { gracePeriod: "30s" } },
    "ERR_CONFIG_CONFLICT",
    "lameDuck.gracePeriod",
    /not shorter than lameDuck\.duration/,
    /shorter/,
  ],
  [
    "renewal before issue",
    { tls: { validity: "10d" } },
    "ERR_CONFIG_CONFLICT",
    "tls.renewBefore",
    /30d is not shorter than tls\.validity, 10d/,
    /shorter/,
  ],
  [
    "authority shorter than its certificates",
    { tls: { authorityValidity: "400d", validity: "500d" } },
    "ERR_CONFIG_CONFLICT",
    "tls.validity",
    /not shorter than tls\.authorityValidity/,
    /shorter/,
  ],
  [
    "HTTPS monitor without certificates",
    { process: { monitorTls: true }, tls: { clients: false } },
    "ERR_CONFIG_CONFLICT",
    "process.monitorTls",
    /tls\.clients is off/,
    /turn/,
  ],
  [
    "pending below payload",
    { limits: { maxPayload: "32MiB", maxPending: "8MiB" } },
    "ERR_CONFIG_CONFLICT",
    "limits.maxPending",
    /less than one message/,
    /at least/,
  ],
  [
    "memory below JetStream's",
    { limits: { memory: "64MiB" } },
    "ERR_CONFIG_CONFLICT",
    "limits.memory",
    /leaves nothing beside jetstream\.maxMemory/,
    /larger/,
  ],
  [
    "stream override as a number",
    { streams: { ORDERS: 5 } },
    "ERR_CONFIG_VALUE",
    "streams.ORDERS",
    /5 is not allowed; allowed is a block for each name, or null/,
    /correct it/,
  ],
  [
    "second name of a server setting",
    { serverConfig: { Port: 4222 } },
    "ERR_SERVER_CONFIG",
    "serverConfig.Port",
    /natsbus writes this setting as listen/,
    /use listen/,
  ],
  ["section without a value", { cluster: "" }, "ERR_CONFIG_MISSING", "cluster", /the key has no value/, /correct it/],
  [
    "key without a value",
    { cluster: { servers: null } },
    "ERR_CONFIG_MISSING",
    "cluster.servers",
    /no value; allowed is a whole number/,
    /default `3`/,
  ],
  [
    "empty size",
    { limits: { maxPayload: "" } },
    "ERR_CONFIG_MISSING",
    "limits.maxPayload",
    /no value; allowed is a size/,
    /default `"1MiB"`/,
  ],
  ["host list with a blank", { tls: { hosts: ["a b"] } }, "ERR_CONFIG_VALUE", "tls.hosts[0]", /"a b" is not allowed/, /correct it/],
];

const facts = (changes: Partial<StreamFacts> = {}): StreamFacts => ({
  path: "streams.ORDERS",
  name: "ORDERS",
  account: "APP",
  subjects: ["orders.>"],
  replicas: 3,
  storage: "file",
  maxBytes: 1024 ** 2,
  maxAgeMs: 60_000,
  needs: [],
  ...changes,
});

const buses: readonly (readonly [
  name: string,
  config: Record<string, unknown>,
  streams: readonly StreamFacts[],
  code: ErrorCode,
  path: string,
  message: RegExp,
  remedy: RegExp,
])[] = [
  [
    "server too old",
    { cluster: { version: "2.11.9" } },
    [],
    "ERR_SERVER_VERSION",
    "cluster.version",
    /2\.12 to 2\.15/,
    /supported version/,
  ],
  [
    "server too new",
    { cluster: { version: "3.0.0" } },
    [],
    "ERR_SERVER_VERSION",
    "cluster.version",
    /3\.0\.0 is not supported/,
    /supported version/,
  ],
  [
    "no authentication on the network",
    { auth: { mode: "none" }, process: { host: "0.0.0.0" } },
    [],
    "ERR_CONFIG_CONFLICT",
    "auth.mode",
    /others reach them/,
    /jwt/,
  ],
  [
    "plaintext on the network",
    { tls: { clients: false }, process: { host: "10.0.0.5" } },
    [],
    "ERR_CONFIG_CONFLICT",
    "tls.clients",
    /others can listen/,
    /turn tls\.clients on/,
  ],
  [
    "R5 on three servers",
    {},
    [facts({ replicas: 5 })],
    "ERR_REPLICAS",
    "streams.ORDERS.replicas",
    /5 replicas need as many servers, and there are 3/,
    /raise cluster\.servers to 5/,
  ],
  [
    "R3 on one server",
    { cluster: { servers: 1 } },
    [facts()],
    "ERR_REPLICAS",
    "streams.ORDERS.replicas",
    /there is 1/,
    /lower the replicas/,
  ],
  ["R7", { cluster: { servers: 7 } }, [facts({ replicas: 7 })], "ERR_REPLICAS", "streams.ORDERS.replicas", /allowed is 1 to 5/, /use 3/],
  ["R0", {}, [facts({ replicas: 0 })], "ERR_REPLICAS", "streams.ORDERS.replicas", /not possible/, /use 3/],
  [
    "duplicate window longer than age",
    {},
    [facts({ duplicateWindowMs: 120_000 })],
    "ERR_STREAM_LIMIT",
    "streams.ORDERS.duplicateWindow",
    /2m is longer than maxAge, 1m/,
    /at most maxAge/,
  ],
  [
    "duplicate window too short",
    {},
    [facts({ duplicateWindowMs: 50 })],
    "ERR_STREAM_LIMIT",
    "streams.ORDERS.duplicateWindow",
    /50ms is too short/,
    /100ms/,
  ],
  [
    "two streams on one subject",
    {},
    [facts(), facts({ path: "streams.COPY", name: "COPY" })],
    "ERR_SUBJECT_OVERLAP",
    "streams.COPY.subjects",
    /"orders\.>" overlaps "orders\.>" of streams\.ORDERS/,
    /disjoint/,
  ],
  [
    "a wildcard over another stream",
    {},
    [facts(), facts({ path: "streams.ALL", subjects: ["*.new"] })],
    "ERR_SUBJECT_OVERLAP",
    "streams.ALL.subjects",
    /"\*\.new" overlaps "orders\.>"/,
    /disjoint/,
  ],
  [
    "setting newer than the server",
    { cluster: { version: "2.12.15" } },
    [facts({ needs: [{ key: "allowBatched", since: "2.14" }] })],
    "ERR_SERVER_VERSION",
    "streams.ORDERS.allowBatched",
    /needs nats-server 2\.14/,
    /raise cluster\.version/,
  ],
  [
    "one stream larger than a server",
    {},
    [facts({ maxBytes: 1024 ** 3 })],
    "ERR_STORAGE",
    "streams.ORDERS.maxBytes",
    /1GiB is more than a server holds/,
    /raise jetstream\.maxStorage/,
  ],
  [
    "streams together larger than the servers",
    {},
    [facts({ maxBytes: 400e6 }), facts({ path: "streams.B", subjects: ["b"], maxBytes: 400e6 })],
    "ERR_STORAGE",
    "jetstream.maxStorage",
    /reserve 2400MB with their replicas/,
    /at least 800MB/,
  ],
  [
    "memory streams larger than the servers",
    {},
    [facts({ storage: "memory", maxBytes: 127e6 }), facts({ path: "streams.B", subjects: ["b"], storage: "memory", maxBytes: 127e6 })],
    "ERR_STORAGE",
    "jetstream.maxMemory",
    /the memory streams reserve/,
    /raise jetstream\.maxMemory/,
  ],
];

describe("a bad stack file is refused with code, path, value and remedy", () => {
  test.each(stackFiles)("%s", (...row) => {
    const [, config, code, path, message, remedy] = row;
    expectOnly(read(config).problems, { code, path, message, remedy });
  });

  test("a single problem is thrown with its own code, several together as one", () => {
    expect(() => parseStackConfig({ "natsbus:target": "x" }, CONTEXT)).toThrow(
      expect.objectContaining({ code: "ERR_CONFIG_VALUE", path: "target" }),
    );
    expect(() =>
      parseStackConfig({ "natsbus:target": "x", "natsbus:cluster": '{"servers":0,"nam":"x"}', "natsbus:foo": "{}" }, CONTEXT),
    ).toThrow(
      expect.objectContaining({
        code: "ERR_CONFIG",
        message: expect.stringMatching(/^4 problems:/),
        problems: expect.arrayContaining([expect.objectContaining({ path: "foo" })]),
      }),
    );
  });
});

describe("a bus that cannot hold its streams is refused with code, path, value and remedy", () => {
  test.each(buses)("%s", (...row) => {
    const [, config, streams, code, path, message, remedy] = row;
    const reading = read(config);
    expect(reading.problems).toEqual([]);
    expectOnly(checkBus(reading.spec!, streams).problems, { code, path, message, remedy });
  });

  test("what is sound has no problem", () => {
    expect(
      checkBus(read({}).spec!, [facts(), facts({ path: "streams.B", subjects: ["b.*"] }), facts({ path: "streams.C", account: "OTHER" })]),
    ).toEqual({ problems: [], warnings: [] });
  });
});

describe("a bad catalogue is refused with a code, the path and a remedy", () => {
  test.each<[string, Record<string, unknown>, string]>([
    ["unknown setting", { maxAgee: "7d" }, "streams.ORDERS.maxAgee"],
    ["duration without unit", { maxAge: 5 }, "streams.ORDERS.maxAge"],
    ["unknown retention", { retention: "forever" }, "streams.ORDERS.retention"],
    ["subject with an empty token", { subjects: ["orders..new"] }, "streams.ORDERS.subjects"],
    ["too many replicas for any cluster", { replicas: 9 }, "streams.ORDERS.replicas"],
    ["duplicate window above the age", { maxAge: "1m", duplicateWindow: "2m" }, "streams.ORDERS.duplicateWindow"],
  ])("%s", (_name, settings, path) => {
    const catalogue = { streams: {}, keyValue: {}, objectStores: {} };
    const overrides = { streams: { ORDERS: { subjects: ["orders.>"], ...settings } }, keyValue: {}, objectStores: {} };
    const { problems } = resolveStreams(catalogue, overrides, { servers: 3 });
    expect(problems.map((problem) => problem.path.replace(/\[\d+\]$/, ""))).toContain(path);
    for (const problem of problems)
      expect(problem).toMatchObject({ code: expect.stringMatching(/^ERR_/), remedy: expect.stringMatching(/./) });
  });
});

function expectOnly(problems: readonly Problem[], wanted: { code: ErrorCode; path: string; message: RegExp; remedy: RegExp }): void {
  const { code, path, message, remedy } = wanted;
  const first = problems[0];
  expect(first).toMatchObject({ code, path, message: expect.stringMatching(message), remedy: expect.stringMatching(remedy) });
  expect(problems.every((problem) => problem.path === path || problem.code === code)).toBe(true);
}
