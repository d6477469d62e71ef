import { describe, expect, test } from "vitest";
import { renderSize } from "../../../core/units.ts";
import { catalog } from "../../../streams/catalog.ts";
import { resolveStreams } from "../../../streams/resolve.ts";

const nothing = { streams: {}, keyValue: {}, objectStores: {} };
const resolve = (overrides: object = {}, servers = 3) => resolveStreams(catalog, { ...nothing, ...overrides }, { servers });

describe("the shipped catalogue", () => {
  const { specs, problems } = resolve();

  test("has no problem", () => expect(problems).toEqual([]));

  test("is the four streams, their consumers, a bucket and a store", () => {
    const rows = specs.streams.map(({ spec }) => [
      spec.name,
      spec.subjects.join(" "),
      spec.maxAge / 3_600_000,
      spec.replicas,
      spec.storage,
    ]);
    expect(rows).toEqual([
      ["CONSCIOUSNESS", "consciousness.>", 168, 3, "file"],
      ["SECURITY", "security.>", 168, 3, "file"],
      ["PERFORMANCE", "performance.>", 24, 3, "file"],
      ["ORCHESTRATION", "ai.> orchestrator.>", 72, 3, "file"],
    ]);
    expect(specs.consumers.map(({ args }) => `${args.stream}/${args.name}`)).toEqual([
      "CONSCIOUSNESS/consciousness-worker",
      "SECURITY/security-worker",
      "PERFORMANCE/performance-worker",
      "ORCHESTRATION/orchestration-worker",
    ]);
    expect([specs.keyValue[0]?.spec.name, specs.objectStores[0]?.spec.name]).toEqual(["KV_settings", "OBJ_artifacts"]);
    expect([...specs.keyValue, ...specs.objectStores].map(({ spec }) => spec.replicas)).toEqual([3, 3]);
  });

  test("keeps alerts from being deleted, and compresses metrics", () => {
    const bySpec = Object.fromEntries(specs.streams.map(({ spec }) => [spec.name, spec]));
    expect(bySpec["SECURITY"]).toMatchObject({ denyDelete: true, denyPurge: true });
    expect(bySpec["PERFORMANCE"]).toMatchObject({ compression: "s2" });
  });

  test("every consumer acknowledges explicitly, gives up after bounded deliveries and reads no dead letters", () => {
    for (const { spec } of specs.consumers) {
      expect(spec).toMatchObject({ ackPolicy: "explicit", deliverSubject: "", maxDeliver: 5 });
      expect(spec.backoff.length).toBeGreaterThan(0);
      expect(spec.filterSubjects.every((subject) => /\.(critical|high|normal|low)\.>$/.test(subject))).toBe(true);
    }
  });

  test("fits into the 512 MB of a development server", () => {
    const bytes = [...specs.streams, ...specs.keyValue, ...specs.objectStores].reduce((sum, { spec }) => sum + spec.maxBytes, 0);
    expect(renderSize(bytes)).toBe("336MiB");
    expect(bytes).toBeLessThan(512_000_000);
  });
});

describe("changes of a stack", () => {
  test("one server means one replica, unless the setting says otherwise", () => {
    const { specs } = resolve({ streams: { SECURITY: { replicas: 2 } } }, 1);
    expect(specs.streams.map(({ spec }) => spec.replicas)).toEqual([1, 2, 1, 1]);
  });

  test("change, add and leave out by name", () => {
    const { specs, problems } = resolve({
      streams: {
        SECURITY: { maxAge: "1d", consumers: { "security-worker": { maxDeliver: 9 }, audit: {} } },
        CONSCIOUSNESS: null,
        ORDERS: { subjects: ["orders.>"], consumers: { billing: { ackWait: "1m" } } },
      },
      keyValue: { settings: null },
    });
    expect(problems).toEqual([]);
    expect(specs.streams.map(({ args }) => args.name)).toEqual(["SECURITY", "PERFORMANCE", "ORCHESTRATION", "ORDERS"]);
    expect(specs.streams[0]?.args).toEqual({
      name: "SECURITY",
      description: expect.any(String),
      subjects: ["security.>"],
      maxAge: "1d",
      maxBytes: "64MiB",
      denyDelete: true,
      denyPurge: true,
      replicas: 3,
      deletionPolicy: "retain",
      replacePolicy: "refuse",
      adoptionPolicy: "never",
    });
    const names = specs.consumers.map(({ args }) => `${args.stream}/${args.name}/${args.maxDeliver ?? "-"}`);
    expect(names).toEqual([
      "SECURITY/security-worker/9",
      "SECURITY/audit/-",
      "PERFORMANCE/performance-worker/5",
      "ORCHESTRATION/orchestration-worker/5",
      "ORDERS/billing/-",
    ]);
    expect(specs.keyValue).toEqual([]);
  });

  test("null inside a record takes a setting back to its default", () => {
    const { specs } = resolve({ streams: { PERFORMANCE: { compression: null, consumers: { "performance-worker": null } } } });
    expect(specs.streams.find(({ args }) => args.name === "PERFORMANCE")?.spec.compression).toBe("none");
    expect(specs.consumers.map(({ args }) => args.stream)).not.toContain("PERFORMANCE");
  });

  test("what a stream needs of a server is listed with the version that brought it", () => {
    const { specs } = resolve({ streams: { ORDERS: { allowBatched: true } } });
    expect(specs.streams.at(-1)?.needs).toContainEqual({ key: "allowBatched", since: "2.14" });
  });

  test("the deletion policy of the stack holds where none is written", () => {
    const { specs } = resolveStreams(
      catalog,
      { ...nothing, streams: { SECURITY: { deletionPolicy: "retain" } } },
      { servers: 3, deletionPolicy: "delete" },
    );
    expect(specs.streams.map(({ args }) => args.deletionPolicy)).toEqual(["delete", "retain", "delete", "delete"]);
    expect(specs.objectStores[0]?.args.deletionPolicy).toBe("delete");
  });
});

describe("problems, all at once", () => {
  test.each([
    [{ maxAgee: "1d" }, "streams.X.maxAgee", "ERR_STREAM_KEY", /write maxAge instead/],
    [{ maxAge: 7 }, "streams.X.maxAge", "ERR_STREAM_VALUE", /correct/],
    [{ maxAge: "7 days" }, "streams.X.maxAge", "ERR_UNIT", /correct/],
    [{ maxAge: "50ms" }, "streams.X.maxAge", "ERR_STREAM_LIMIT", /100ms/],
    [{ maxAge: "1m", duplicateWindow: "2m" }, "streams.X.duplicateWindow", "ERR_STREAM_LIMIT", /shorten/],
    [{ maxBytes: "10 gigs" }, "streams.X.maxBytes", "ERR_UNIT", /correct/],
    [{ maxBytes: "9999999TiB" }, "streams.X.maxBytes", "ERR_UNIT", /correct/],
    [{ replicas: 7 }, "streams.X.replicas", "ERR_STREAM_VALUE", /correct/],
    [{ replicas: 2.5 }, "streams.X.replicas", "ERR_STREAM_VALUE", /correct/],
    [{ storage: "disk" }, "streams.X.storage", "ERR_STREAM_VALUE", /correct/],
    [{ retention: "forever" }, "streams.X.retention", "ERR_STREAM_VALUE", /correct/],
    [{ subjects: ["a..b"] }, "streams.X.subjects[0]", "ERR_SUBJECT", /correct/],
    [{ subjects: ["a.>", "a.b"] }, "streams.X.subjects[1]", "ERR_SUBJECT_OVERLAP", /narrow/],
    [{ subjects: "a.>" }, "streams.X.subjects", "ERR_STREAM_VALUE", /correct/],
    [{ name: "Y" }, "streams.X.name", "ERR_STREAM_KEY", /leave/],
    [{ discardNewPerSubject: true }, "streams.X.discardNewPerSubject", "ERR_STREAM_LIMIT", /set both/],
    [{ persistMode: "async" }, "streams.X.persistMode", "ERR_STREAM_LIMIT", /replicas: 1/],
    [{ denyPurge: true, allowRollup: true }, "streams.X.allowRollup", "ERR_STREAM_LIMIT", /choose/],
    [{ denyPurge: true, subjectDeleteMarkerTtl: "5s" }, "streams.X.allowRollup", "ERR_STREAM_LIMIT", /choose/],
    [{ mirror: { name: "O" }, subjects: ["a"] }, "streams.X.mirror", "ERR_STREAM_LIMIT", /leave/],
    [{ mirror: { nam: "O" } }, "streams.X.mirror.name", "ERR_STREAM_VALUE", /correct/],
    [{ placement: { tag: ["a"] } }, "streams.X.placement", "ERR_STREAM_VALUE", /correct/],
    [{ deletionPolicy: "keep" }, "streams.X.deletionPolicy", "ERR_STREAM_VALUE", /correct/],
    [{ consumers: [] }, "streams.X.consumers", "ERR_STREAM_VALUE", /under its name/],
    [{ consumers: { c: { ackWait: "x" } } }, "streams.X.consumers.c.ackWait", "ERR_UNIT", /correct/],
    [{ consumers: { c: { maxDeliver: 1, backoff: ["1s", "2s"] } } }, "streams.X.consumers.c.backoff", "ERR_STREAM_LIMIT", /raise/],
    [{ consumers: { "a.b": {} } }, "streams.X.consumers.a.b.name", "ERR_NAME", /another name/],
    [{ consumers: { c: { filterSubjects: ["a.>", "a.*"] } } }, "streams.X.consumers.c.filterSubjects[1]", "ERR_SUBJECT_OVERLAP", /narrow/],
    [{ consumers: { c: { deliverPolicy: "by_start_sequence" } } }, "streams.X.consumers.c.optStartSeq", "ERR_STREAM_LIMIT", /both or none/],
  ])("%o", (settings, path, code, remedy) => {
    const { problems } = resolve({ streams: { X: settings } });
    expect(problems).toContainEqual({ code, path, message: expect.any(String), remedy: expect.stringMatching(remedy) });
  });

  test("buckets have their own settings and names", () => {
    const { problems } = resolve({ keyValue: { "a b": { history: 65 } }, objectStores: { x: { history: 2 } } });
    expect(problems.map(({ code, path }) => `${code} ${path}`)).toEqual([
      "ERR_STREAM_VALUE keyValue.a b.history",
      "ERR_NAME keyValue.a b.bucket",
      "ERR_STREAM_KEY objectStores.x.history",
    ]);
  });

  test("several problems of several streams come together", () => {
    const { problems } = resolve({ streams: { A: { maxAge: 1, storag: "x" }, "B.C": {} } });
    expect(problems.map((problem) => problem.path)).toEqual(["streams.A.storag", "streams.A.maxAge", "streams.B.C.name"]);
  });
});
