import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { defaultRule } from "../../../cli/verify-context.ts";
import { mean, percentile, rateOf } from "../../../operations/bench/drive.ts";
import { parseBenchRate } from "../../../operations/bench/nats-cli.ts";
import { type Figure, failed, isWithin, judged, passed, renderFigure, SECTION_NAMES, skipped } from "../../../operations/verify/check.ts";
import type { Context } from "../../../operations/verify/context.ts";
import { longestGap } from "../../../operations/verify/drill.ts";
import { isAccepted, renderJunit, renderMarkdown, reportDocument } from "../../../operations/verify/report.ts";
import { dangerousRequests, differences, exampleOf, examplesOf, isAllowed, wantedRights } from "../../../operations/verify/rights.ts";
import { type CheckResult, runSections, type VerifyResult } from "../../../operations/verify/run.ts";
import { isLeftover } from "../../../operations/verify/scratch.ts";
import { SECTIONS, selectSections } from "../../../operations/verify/sections.ts";
import { DEFAULT_THRESHOLDS, overrideThresholds, THRESHOLDS } from "../../../operations/verify/thresholds.ts";

const SILENT = { onSection: () => undefined, onCheck: () => undefined, onResult: () => undefined };

function contextOf(over: Partial<Context> = {}): Context {
  const missing = { missing: "not in this test" };
  return {
    ...{ title: "stack test", admin: { servers: [] }, users: [], servers: [], signer: missing, control: missing, quick: true },
    scratch: { run: "0", stream: () => Promise.reject(new Error("none")), remove: () => Promise.resolve(), close: () => Promise.resolve() },
    ...{ thresholds: DEFAULT_THRESHOLDS, signal: new AbortController().signal, note: () => undefined },
    once: (_key, work) => work(),
    ...over,
  };
}

function resultOf(checks: readonly Partial<CheckResult>[], over: Partial<VerifyResult> = {}): VerifyResult {
  const filled = checks.map((check, index) => ({
    ...{ section: "errors" as const, name: `check-${index}`, title: "a title", status: "passed" as const, detail: "seen", durationMs: 12 },
    ...check,
  }));
  const sections = [{ name: "errors" as const, title: "Errors", checks: filled, durationMs: 12 }];
  return {
    title: "stack test",
    startedAt: "2026-01-02T03:04:05.678Z",
    durationMs: 1234,
    quick: false,
    cancelled: false,
    sections,
    ...over,
  };
}

describe("thresholds", () => {
  test.each([
    ["publishRate", 3399, true],
    ["publishRate", 3398.9, false],
    ["meanLatency", 1.46, true],
    ["meanLatency", 1.461, false],
    ["delivered", 99.999, false],
    ["failover", 0, true],
  ] as const)("%s with %d: kept is %s", (name, value, kept) => {
    const figure: Figure = { name, value, unit: THRESHOLDS[name].unit, threshold: { name, limit: DEFAULT_THRESHOLDS[name] } };
    expect(isWithin(figure)).toBe(kept);
    expect(judged("seen", [figure]).status).toBe(kept ? "passed" : "failed");
  });

  test("a failure names the figure, the limit and the setting", () => {
    const outcome = judged("12 messages", [
      { name: "rate", value: 12, unit: "messages/s", threshold: { name: "publishRate", limit: 3399 } },
    ]);
    expect(outcome.detail).toBe("rate is 12 messages/s, at least 3,399 messages/s is wanted (12 messages)");
    expect(outcome.remedy).toContain("natsbus:verify.publishRate");
  });

  test.each([
    [undefined, {}],
    ["", {}],
    ["failover=5", { failover: 5 }],
    [" failover = 5 , scaling=0.1", { failover: 5, scaling: 0.1 }],
    ["failover=5,failover=6", { failover: 6 }],
  ])("%j is laid over the rest", (text, changed) => {
    expect(overrideThresholds(DEFAULT_THRESHOLDS, text)).toEqual({ ...DEFAULT_THRESHOLDS, ...changed });
  });

  test.each(["fail", "failover", "failover=", "failover=x", "failover=-1", "failover=Infinity", "=1"])("%j is refused", (text) => {
    expect(() => overrideThresholds(DEFAULT_THRESHOLDS, text)).toThrow(expect.objectContaining({ code: "ERR_USAGE" }));
  });

  test("a slip of the pen is answered with the nearest name", () => {
    expect(() => overrideThresholds(DEFAULT_THRESHOLDS, "failovr=1")).toThrow(/did you mean failover/);
  });
});

describe("sections", () => {
  test("all ten are there, in their order, with checks named once", () => {
    expect(SECTIONS.map(({ name }) => name)).toEqual([...SECTION_NAMES]);
    for (const { checks } of SECTIONS) {
      expect(checks.length).toBeGreaterThan(2);
      expect(new Set(checks.map(({ name }) => name)).size).toBe(checks.length);
    }
  });

  test("are chosen by name and keep their order", () => {
    expect(selectSections("jetstream, connection").map(({ name }) => name)).toEqual(["connection", "jetstream"]);
    expect(() => selectSections("securty")).toThrow(/did you mean security/);
  });
});

describe("a run", () => {
  const section = (run: () => Promise<ReturnType<typeof passed>>, disruptive = false) => [
    { name: "errors" as const, title: "Errors", disruptive, checks: [{ name: "one", title: "one", run }] },
  ];

  test("takes a thrown error as a failure, with its code", async () => {
    const error = Object.assign(new Error("broken"), { code: "ERR_CONNECT_TLS", remedy: "mend it" });
    const { sections } = await runSections(
      section(() => Promise.reject(error)),
      contextOf(),
      SILENT,
    );
    expect(sections[0]?.checks[0]).toMatchObject({ status: "failed", detail: "broken [ERR_CONNECT_TLS]", remedy: "mend it" });
  });

  test("skips what stops servers where that is not allowed, with the reason", async () => {
    const never = () => Promise.reject(new Error("must not run"));
    const { sections } = await runSections(section(never, true), contextOf({ control: { missing: "not here" } }), SILENT);
    expect(sections[0]?.checks[0]).toMatchObject({ status: "skipped", detail: "not here" });
  });

  test("that is cancelled skips the rest and is not accepted", async () => {
    const controller = new AbortController();
    const hangs = () => new Promise<ReturnType<typeof passed>>(() => setTimeout(() => controller.abort(), 5));
    const two = [...section(hangs), ...section(() => Promise.resolve(passed("too late")))];
    const result = await runSections(two, contextOf({ signal: controller.signal }), SILENT);
    expect(result.sections.flatMap(({ checks }) => checks.map(({ status }) => status))).toEqual(["skipped", "skipped"]);
    expect(isAccepted(result)).toBe(false);
  });
});

describe("reports", () => {
  test.each([
    ["all passed", [{}], {}, true],
    ["one skipped", [{}, { status: "skipped" }], {}, true],
    ["one failed", [{}, { status: "failed" }], {}, false],
    ["everything skipped", [{ status: "skipped" }], {}, false],
    ["nothing at all", [], {}, false],
    ["cancelled", [{}], { cancelled: true }, false],
  ] as const)("%s", (_title, checks, over, accepted) => {
    expect(isAccepted(resultOf(checks, over))).toBe(accepted);
  });

  const wild = fc.record({
    detail: fc.string({ unit: "binary" }),
    title: fc.string({ unit: "binary" }),
    status: fc.constantFrom("passed" as const, "failed" as const, "skipped" as const),
  });

  test("JUnit stays well formed and counts right whatever the texts hold", () => {
    fc.assert(
      fc.property(fc.array(wild, { maxLength: 5 }), (checks) => {
        const xml = renderJunit(resultOf(checks));
        const failures = checks.filter(({ status }) => status === "failed").length;
        expect(xml).toContain(`failures="${failures}"`);
        expect(xml.match(/<testcase /g)?.length ?? 0).toBe(checks.length);
        expect(xml.match(/<\/testcase>/g)?.length ?? 0).toBe(checks.length);
        expect(xml.match(/<failure /g)?.length ?? 0).toBe(failures);
        // Outside its own tags and entities nothing is left that XML forbids.
        expect(xml.replaceAll(/<[^<>]*>/g, "").replaceAll(/&(amp|lt|gt|quot|#\d+);/g, "")).not.toMatch(/[<>&]/);
        expect([...xml].every((letter) => letter >= " " || letter === "\n")).toBe(true);
      }),
    );
  });

  test("every row of the Markdown tables has its four cells", () => {
    fc.assert(
      fc.property(fc.array(wild, { minLength: 1, maxLength: 4 }), (checks) => {
        const rows = renderMarkdown(resultOf(checks))
          .split("\n")
          .filter((line) => /^\| [✓✗–]/.test(line));
        expect(rows).toHaveLength(checks.length);
        for (const row of rows) expect(row.replaceAll(/\\[\\|]/g, "").split("|")).toHaveLength(6);
      }),
    );
  });

  test("Markdown shows figures, the missed one marked, and what to do", () => {
    const figures: Figure[] = [
      { name: "rate", value: 1234.5, unit: "messages/s", threshold: { name: "publishRate", limit: 3399 } },
      { name: "ratio", value: 0.97, unit: "x" },
    ];
    const text = renderMarkdown(resultOf([{ status: "failed", detail: "slow", figures, remedy: "look" }]));
    expect(text).toContain("# stack test: not accepted");
    expect(text).toContain("| ✗ failed | a title | slow. rate 1,235 messages/s !, ratio 0.97x. look | 0.01 s |");
  });

  test("the document says whether the bus is accepted and counts", () => {
    expect(reportDocument(resultOf([{}, { status: "skipped" }]))).toMatchObject({
      accepted: true,
      counts: { passed: 1, failed: 0, skipped: 1 },
    });
  });

  test.each([
    [0, "", "0"],
    [20_000, "", "20,000"],
    [1.456, "ms", "1.46 ms"],
    [0.0123, "x", "0.0123x"],
    [99.95, "%", "100%"],
    [3399.4, "messages/s", "3,399 messages/s"],
  ])("%d %s reads %s", (value, unit, text) => {
    expect(renderFigure({ value, unit })).toBe(text);
  });

  test("outcomes carry no empty fields", () => {
    expect([passed("a"), failed("b"), skipped("c")]).toEqual([
      { status: "passed", detail: "a" },
      { status: "failed", detail: "b" },
      { status: "skipped", detail: "c" },
    ]);
  });
});

describe("scratch streams left behind", () => {
  const here = { host: "h1", isAlive: (pid: number) => pid === 7 };
  const owned = (host: string, pid: number) => ({ "natsbus-verify-owner": JSON.stringify({ host, pid }) });
  test.each([
    ["a dead run of this machine", { name: "VERIFY_a_b", metadata: owned("h1", 8), ageMs: 0 }, true],
    ["a living run of this machine", { name: "VERIFY_a_b", metadata: owned("h1", 7), ageMs: 9e9 }, false],
    ["a young one of another machine", { name: "VERIFY_a_b", metadata: owned("h2", 8), ageMs: 1000 }, false],
    ["an old one of another machine", { name: "VERIFY_a_b", metadata: owned("h2", 8), ageMs: 3_600_001 }, true],
    ["somebody's own stream of such a name", { name: "VERIFY_a_b", metadata: undefined, ageMs: 9e9 }, false],
    ["damaged metadata", { name: "VERIFY_a_b", metadata: { "natsbus-verify-owner": "{" }, ageMs: 9e9 }, false],
    ["another stream that carries the mark", { name: "SECURITY", metadata: owned("h1", 8), ageMs: 9e9 }, false],
  ])("%s", (_title, stream, left) => {
    expect(isLeftover(stream, here)).toBe(left);
  });
});

describe("rights", () => {
  const role = (allow: string[], deny: string[] = []) => ({
    publish: { allow, deny },
    subscribe: { allow: ["_INBOX_{{name()}}.>"], deny: [] },
  });
  const found = (allow: string[], deny: string[] = []) => ({ publish: { allow, deny }, subscribe: { allow: ["_INBOX_u.>"], deny: [] } });
  test.each([
    ["equal", role(["a.>"]), found(["a.>"]), []],
    ["too few", role(["a.>", "b"]), found(["a.>"]), ["may not publish to b"]],
    ["too many", role(["a.>"]), found(["a.>", "b"]), ["may publish to b"]],
    ["everything instead of a family", role(["a.>"]), found([]), ["may not publish to a.>", "may publish to >"]],
    ["a refusal lost", role(["a.>"], ["a.b"]), found(["a.>"]), ["is not refused to publish to a.b"]],
    ["everything as declared", role([">"]), found([]), []],
  ])("%s", (_title, wanted, given, words) => {
    expect(differences(wantedRights(wanted, "u"), given)).toEqual(words);
  });

  test("examples are literal, covered by their patterns, and leave the servers' own subjects alone", () => {
    const examples = examplesOf([role(["a.*.c.>", "$JS.API.INFO", "b"]), role([">"])]);
    expect(examples).toEqual(["a.natsbus-verify.c.natsbus-verify", "b", "natsbus-verify.elsewhere"]);
    expect(isAllowed({ allow: ["a.*.c.>"], deny: [] }, exampleOf("a.*.c.>"))).toBe(true);
    expect(isAllowed({ allow: ["a.>"], deny: ["a.b"] }, "a.b")).toBe(false);
  });

  test("no request that could change something names something that may exist", () => {
    for (const subject of dangerousRequests("VERIFY_x_none")) expect(subject).toContain("VERIFY_x_none");
  });
});

test.each([
  [[], 0, 0],
  [[5, 10], 0, 5],
  [[10, 5, 100], 0, 90],
  [[1, 2, 50], 40, 10],
])("the longest gap of %j from %d is %d", (moments, from, gap) => {
  expect(longestGap(moments, from)).toBe(gap);
});

test.each([
  ["NATS JetStream asynchronous publisher stats: 15,401 msgs/sec ~ 1.9 MiB/sec ~ 64.93us", 15_401],
  ["Pub stats: 900 msgs/sec", 900],
  ["nats: error: no servers available", undefined],
])("nats bench says %j", (text, rate) => {
  expect(parseBenchRate(text)).toBe(rate);
});

test.each([
  ["process", "dev", "allow"],
  ["process", "ephemeral-a1b2c3", "allow"],
  ["process", "prod", "ask"],
  ["process", "development", "ask"],
  ["kubernetes", "dev", "ask"],
] as const)("servers of %s/%s: %s", (target, stack, rule) => {
  expect(defaultRule({ target, stack })).toBe(rule);
});

describe("measures", () => {
  test.each([
    [[], 0.5, 0],
    [[5], 0.99, 5],
    [[1, 2, 3, 4], 0.5, 2],
    [[1, 2, 3, 4], 0.75, 3],
    [[1, 2, 3, 4], 1, 4],
    [[1, 2, 3, 4], 0, 1],
  ])("of %j the share %d is %d", (values, share, expected) => {
    expect(percentile(values, share)).toBe(expected);
  });

  test("a percentile is always one of the values, and grows with the share", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: 0, max: 1e6 }), { minLength: 1 }),
        fc.double({ noNaN: true, min: 0, max: 1 }),
        (values, share) => {
          const ascending = values.toSorted((a, b) => a - b);
          expect(ascending).toContain(percentile(ascending, share));
          expect(percentile(ascending, share)).toBeLessThanOrEqual(percentile(ascending, 1));
        },
      ),
    );
  });

  test("rates and means of nothing are 0", () => {
    expect([mean([]), rateOf({ done: 0, durationMs: 0 }), mean([1, 2]), rateOf({ done: 5, durationMs: 500 })]).toEqual([0, 0, 1.5, 10]);
  });
});
