import { describe, expect, test } from "vitest";
import type { PodView, RolloutInputs, SetView } from "../../../../components/rollout/model.ts";
import { brokenPods, describeRollout, growingClaims, podTrouble, stalePods } from "../../../../components/rollout/plan.ts";
import { parseQuantity } from "../../../../components/rollout/quantity.ts";
import type { ServerConfigSpec } from "../../../../core/server-config-spec.ts";

const SERVERS = ["nats-0", "nats-1", "nats-2"];
const GIB = 1024 ** 3;

function pod(name: string, change: Partial<PodView> = {}): PodView {
  return { name, uid: `uid-${name}`, revision: "new", ready: true, leaving: false, ...change };
}

function view(pods: readonly PodView[]): SetView {
  return { replicas: 3, revision: "new", settled: true, request: undefined, pods, claims: [] };
}

describe("pods", () => {
  test("of an older revision, and those that are gone, are stale", () => {
    expect(stalePods(view([pod("nats-0"), pod("nats-1", { revision: "old" })]), SERVERS)).toEqual(["nats-1", "nats-2"]);
  });

  test("that are stale and serve nobody are made anew without asking the gate, all others are not", () => {
    const pods = [
      pod("nats-0", { revision: "old", ready: false }),
      pod("nats-1", { ready: false }),
      pod("nats-2", { revision: "old", ready: false, leaving: true }),
    ];
    expect(brokenPods(view(pods), SERVERS)).toEqual(["nats-0"]);
  });

  test.each<[string, PodView | undefined, string]>([
    ["absent", undefined, "nats-0 has no pod yet"],
    ["leaving", pod("nats-0", { leaving: true }), "nats-0 is shutting down"],
    ["starting", pod("nats-0", { ready: false }), "nats-0 is not ready yet"],
    ["stuck", pod("nats-0", { ready: false, trouble: "ImagePullBackOff: no such image" }), "nats-0: ImagePullBackOff: no such image"],
  ])("that are %s are told so", (_title, seen, words) => {
    expect(podTrouble(seen, "nats-0")).toBe(words);
  });
});

test("claims grow that ask for less, or that have less than they ask for", () => {
  const claim = (name: string, requested: number, capacity: number) => ({
    name,
    requestedBytes: requested * GIB,
    capacityBytes: capacity * GIB,
    className: "",
  });
  const claims = [claim("small", 1, 1), claim("growing", 2, 1), claim("grown", 2, 2), claim("larger", 3, 3), claim("unbound", 2, 0)];
  expect(growingClaims(claims, { name: "js", sizeBytes: 2 * GIB }).map(({ name }) => name)).toEqual(["small", "growing"]);
  expect(growingClaims(claims, undefined)).toEqual([]);
});

describe("the words for a change", () => {
  const jetstream = { storeDirectory: "/data", maxMemoryBytes: 100, maxStorageBytes: 1000 };
  const spec: ServerConfigSpec = {
    serverName: "nats-0",
    client: { host: "0.0.0.0", port: 4222 },
    jetstream,
    identity: { kind: "none" },
    logging: { level: "info", maxFileSizeBytes: 1000, keepFiles: 1 },
    limits: { maxPayloadBytes: 1000 },
    lameDuck: { durationMs: 30_000, gracePeriodMs: 1_000 },
  };
  const inputs = (change: Partial<ServerConfigSpec>, rest: Partial<RolloutInputs> = {}): RolloutInputs => ({
    access: {},
    namespace: "bus",
    set: "nats",
    servers: SERVERS,
    version: "2.15.2",
    settings: Object.fromEntries(SERVERS.map((name) => [name, { ...spec, serverName: name, ...change }])),
    digests: {},
    ...rest,
  });

  test.each<[string, RolloutInputs, string[]]>([
    ["nothing", inputs({}), []],
    ["a reload", inputs({ limits: { maxPayloadBytes: 5 } }), ["reload only of 3 servers: max_payload"]],
    [
      "a restart",
      inputs({ jetstream: { ...jetstream, maxStorageBytes: 10 } }),
      [
        "rolling restart of 3 servers, one at a time: jetstream.max_file_store (a JetStream limit can be raised, but not lowered, while the server runs)",
      ],
    ],
    [
      "another version",
      inputs({}, { version: "2.15.3" }),
      ["rolling restart of 3 servers, one at a time: nats-server 2.15.2 becomes 2.15.3"],
    ],
    ["more servers", inputs({}, { servers: [...SERVERS, "nats-3"] }), ["1 more servers; streams stay where they are until they are moved"]],
  ])("%s", (_title, news, words) => {
    expect(describeRollout(inputs({}), news, undefined)).toEqual(words);
  });

  test("larger volumes", () => {
    const seen = { ...view([]), claims: [{ name: "a", requestedBytes: GIB, capacityBytes: GIB, className: "" }] };
    const news = inputs({}, { claim: { name: "js", sizeBytes: 2 * GIB } });
    expect(describeRollout(inputs({}), news, seen)).toEqual(["1 volumes grow to 2GiB while the servers run"]);
  });
});

test.each([
  ["10Gi", 10 * GIB],
  ["1500M", 1_500_000_000],
  ["2147483648", 2 * GIB],
  ["0.5Gi", GIB / 2],
  ["128974848000m", 0],
  ["much", 0],
])("%s as bytes", (text, bytes) => {
  expect(parseQuantity(text)).toBe(bytes);
});
