import { describe, expect, test } from "vitest";
import { findUser, resolveConnection } from "../../../cli/bus-access.ts";
import { type BusServer, type BusState, readBusState } from "../../../cli/bus-state.ts";
import { exampleSubject, renderConnect, renderPhases } from "../../../cli/reporters/connect.ts";
import { createPalette } from "../../../cli/reporters/palette.ts";
import { findProblems, renderStatus } from "../../../cli/reporters/status.ts";
import type { ClusterStatus } from "../../../components/process/observe.ts";
import type { ResourceEntry } from "../../../engine/model.ts";
import { type PropertyMap, Secret } from "../../../engine/values.ts";

const plain = createPalette(false);

function entry(type: string, name: string, bag: PropertyMap): ResourceEntry {
  const full = `pulumi-nodejs:dynamic/natsbus/${type}`;
  return { urn: `urn:pulumi:dev::natsbus::${full}::${name}`, type: full, custom: true, id: name, inputs: bag, outputs: {} };
}

const NODE = {
  name: "n1",
  directory: ".natsbus/dev/n1",
  clientUrl: "tls://127.0.0.1:4222",
  monitorUrl: "http://127.0.0.1:8222",
  ports: { client: 4222, monitor: 8222, route: 6222 },
};
const BUS: BusState = readBusState({
  pendingOperations: [],
  resources: [
    entry("process:Cluster", "bus-cluster", { urls: ["tls://127.0.0.1:4222"], nodes: [NODE], keys: new Secret({ n1: "key" }) }),
    entry("accounts:Users", "bus-users", {
      users: { security: { account: "BUS", role: "security" }, admin: { account: "BUS", role: "admin" } },
    }),
    entry("accounts:CredentialsFiles", "bus-files", {
      files: { admin: "creds/admin.creds", security: "creds/security.creds" },
      caFile: "ca.pem",
    }),
    entry("streams:Stream", "bus-SECURITY", { name: "SECURITY", subjects: ["security.>"] }),
    entry("streams:Stream", "bus-AUDIT", { name: "AUDIT", subjects: ["audit.*.x"] }),
  ],
});
const PLACE = { root: "/p", stack: "dev", bus: BUS };

describe("readBusState", () => {
  test("finds servers, users with their files, and streams by name", () => {
    expect(BUS).toEqual({
      urls: ["tls://127.0.0.1:4222"],
      servers: [NODE],
      users: [
        { name: "security", account: "BUS", role: "security", file: "creds/security.creds" },
        { name: "admin", account: "BUS", role: "admin", file: "creds/admin.creds" },
      ],
      streams: [
        { name: "AUDIT", subjects: ["audit.*.x"] },
        { name: "SECURITY", subjects: ["security.>"] },
      ],
      caFile: "ca.pem",
      onKubernetes: false,
      accounts: [],
    });
  });

  test("finds the addresses of servers that others set up in the stack's outputs, and that they are pods", () => {
    const stack = { ...entry("", "natsbus-dev", { servers: ["tls://nats.bus.svc:4222"] }), type: "pulumi:pulumi:Stack" };
    const resources = [stack, entry("kubernetes:Rollout", "bus-rollout", {})];
    expect(readBusState({ pendingOperations: [], resources })).toMatchObject({ urls: ["tls://nats.bus.svc:4222"], onKubernetes: true });
    expect(readBusState({ pendingOperations: [], resources: [stack] })).toMatchObject({ onKubernetes: false });
  });

  test("is empty without a state", () => {
    expect(readBusState(undefined)).toEqual({
      urls: [],
      servers: [],
      users: [],
      streams: [],
      caFile: "",
      onKubernetes: false,
      accounts: [],
    });
  });
});

describe("findUser", () => {
  test("takes the one that may do everything, or the one that is named", () => {
    expect(findUser(PLACE, undefined)?.name).toBe("admin");
    expect(findUser(PLACE, "security")?.name).toBe("security");
  });

  test("names the nearest for a mistyped one", () => {
    expect(() => findUser(PLACE, "securty")).toThrow(
      expect.objectContaining({ code: "ERR_USER_UNKNOWN", message: expect.stringContaining("did you mean security?") }),
    );
  });

  test("a stack without servers is not up", async () => {
    await expect(resolveConnection({ ...PLACE, bus: readBusState(undefined) }, undefined)).rejects.toMatchObject({ code: "ERR_NOT_UP" });
  });
});

describe("the end of up", () => {
  test("says where to connect and with what", () => {
    expect(renderConnect(BUS, "--stack qa", plain)).toMatchInlineSnapshot(`
      "Connect:
          Servers:     tls://127.0.0.1:4222
          Authority:   ca.pem
          Credentials: creds/*.creds   (who is who: npx natsbus creds --stack qa)
          Publish:     npx natsbus publish audit.any.x '{"hello":"world"}' --stack qa
          Read:        npx natsbus read AUDIT --count 1 --stack qa
      "
    `);
    expect(renderConnect(readBusState(undefined), "", plain)).toBe("");
  });

  test.each([
    ["a.>", "a.normal.hello"],
    ["a.*.b", "a.any.b"],
    ["a", "a"],
    [">", "normal.hello"],
  ])("a subject of %s is %s", (pattern, subject) => expect(exampleSubject(pattern)).toBe(subject));

  test("says how long each phase took", () => {
    expect(renderPhases([{ name: "servers", fromMs: 0, busyMs: 512 }], plain)).toBe("Time: servers 0.51s (some of it side by side)\n");
    expect(renderPhases([], plain)).toBe("");
  });
});

describe("status", () => {
  const server = {
    name: "n1",
    folder: "/p/n1",
    clientUrl: NODE.clientUrl,
    monitorUrl: NODE.monitorUrl,
    alive: true,
    pid: 7,
    startedAt: "2026-01-01T00:00:00.123Z",
    version: "2.15.2",
    connections: 2,
    streams: 6,
    consumers: 4,
  };
  const stream = { name: "AUDIT", account: "BUS", subjects: ["audit.*.x"], messages: 3, bytes: 90, consumers: 1, leader: "n1" };
  const streams = [
    { ...stream, replicas: 1, current: 1 },
    { ...stream, name: "SECURITY", messages: 0, bytes: 0, replicas: 1, current: 1 },
  ];
  const fine: ClusterStatus = { cluster: "c", servers: [server], streams, metaLeader: "n1" };
  const wanted: readonly BusServer[] = BUS.servers;

  test("all is well", () => {
    expect(renderStatus({ stack: "dev", cluster: fine, problems: findProblems("dev", BUS, fine) }, wanted, plain)).toMatchInlineSnapshot(`
      "SERVER  PID  UP SINCE              CLIENT  MONITOR  ROUTE  VERSION  META    STREAMS  CONSUMERS  CONNECTIONS
      n1      7    2026-01-01 00:00:00Z  4222    8222     6222   2.15.2   leader  6        4          2

      STREAM    ACCOUNT  MESSAGES  BYTES  CONSUMERS  LEADER  REPLICAS
      AUDIT     BUS      3         90     1          n1      1/1
      SECURITY  BUS      0         0      1          n1      1/1

      All servers are up; every stream and consumer replica is current.
      "
    `);
  });

  const { pid: _, startedAt: __, version: ___, ...gone } = { ...server, alive: false };
  const { version: ____, ...silent } = server;
  test.each<[string, ClusterStatus, readonly BusServer[], readonly string[]]>([
    ["never up", { servers: [], streams: [] }, [], ["stack dev is not up"]],
    ["a server is down", { ...fine, servers: [gone], blocked: "n1 does not answer" }, wanted, ["n1 is down"]],
    [
      "a server is silent",
      { ...fine, servers: [silent] },
      wanted,
      ["n1 runs (pid 7) and its monitor http://127.0.0.1:8222 does not answer"],
    ],
    ["a folder is gone", { servers: [], streams: [] }, wanted, ["the folder of n1 is gone (.natsbus/dev/n1)"]],
    ["no leader", { ...fine, blocked: "no meta leader is elected yet" }, wanted, ["no meta leader is elected yet"]],
    ["a stream is gone", { ...fine, streams: streams.slice(0, 1) }, wanted, ["stream SECURITY is gone"]],
    [
      "streams are not missed while a server is down",
      { ...fine, servers: [gone], streams: [], blocked: "n1 does not answer" },
      wanted,
      ["n1 is down"],
    ],
    ["a replica is behind", { ...fine, behind: "stream A is not current on n2" }, wanted, ["stream A is not current on n2"]],
  ])("%s is told with what to do", (_title, cluster, servers, expected) => {
    const problems = findProblems("dev", { servers, streams: servers.length === 0 ? [] : BUS.streams }, cluster);
    expect(problems.map(({ what }) => what)).toEqual(expected);
    for (const { remedy } of problems) expect(remedy).not.toBe("");
  });
});
