import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { NodeView } from "../../../../components/gate/blockers.ts";
import {
  collectHoldings,
  describeShrink,
  type Holding,
  leavingServers,
  nextSpread,
  planShrink,
  type ShrinkFacts,
  shrinkProblems,
  unevenness,
} from "../../../../operations/scale/plan.ts";

const NAMES = ["n1", "n2", "n3", "n4", "n5"];
const MIB = 1024 * 1024;

function holding(stream: string, servers: readonly string[], more: Partial<Holding> = {}): Holding {
  return { account: "AKEY", accountName: "BUS", stream, replicas: servers.length, bytes: MIB, servers, ...more };
}

const FACTS: ShrinkFacts = {
  names: NAMES,
  wanted: 3,
  holdings: [holding("A", ["n1", "n2", "n3"]), holding("B", ["n3", "n4", "n5"])],
  silent: [],
  storageBytes: 100 * MIB,
};

describe("what the servers say becomes holdings", () => {
  test("a stream is listed once, with everyone who holds it", () => {
    const detail = (bytes: number) => [{ name: "A", config: { num_replicas: 3 }, state: { bytes } }];
    const views: NodeView[] = [
      { name: "n1", jsz: { account_details: [{ name: "BUS", id: "AKEY", stream_detail: detail(5) }] } },
      { name: "n2", jsz: { account_details: [{ name: "BUS", id: "AKEY", stream_detail: detail(7) }] } },
      { name: "n3", jsz: { account_details: [{ name: "PLAIN", stream_detail: detail(1) }] } },
      { name: "n4" },
    ];
    expect(collectHoldings(views)).toEqual([
      holding("A", ["n1", "n2"], { replicas: 3, bytes: 7 }),
      holding("A", ["n3"], { account: "PLAIN", accountName: "PLAIN", replicas: 3, bytes: 1 }),
    ]);
  });
});

describe("fewer servers", () => {
  test.each<[string, Partial<ShrinkFacts>, string[]]>([
    ["five to three", {}, []],
    ["five to four", { wanted: 4 }, []],
    ["five to two", { wanted: 2 }, ["at least 3 must stay"]],
    ["three to one", { names: NAMES.slice(0, 3), wanted: 1, holdings: [] }, ["at least 3 must stay"]],
    ["as many as there are", { names: NAMES.slice(0, 2), wanted: 2, holdings: [] }, []],
    ["a stream with five replicas", { holdings: [holding("R5", NAMES)] }, ["R5 of account BUS keeps 5 replicas, and 3 servers"]],
    ["a stream with four of five replicas left", { wanted: 4, holdings: [holding("R5", NAMES.slice(1), { replicas: 5 })] }, ["R5"]],
    ["a silent server", { silent: ["n5"] }, ["n5 does not answer"]],
    ["more than fits", { holdings: [holding("BIG", ["n1", "n4", "n5"], { bytes: 101 * MIB })] }, ["hold 303MiB", "300MiB"]],
    ["everything at once", { wanted: 2, silent: ["n4", "n5"] }, ["at least 3", "A of account", "B of account", "n4", "n5"]],
  ])("%s", (_title, change, said) => {
    const problems = shrinkProblems({ ...FACTS, ...change });
    const text = problems.map(({ message }) => message).join("\n");
    expect(problems.every(({ code, remedy }) => code === "ERR_SCALE_DOWN" && remedy !== "")).toBe(true);
    if (said.length === 0) expect(text).toBe("");
    for (const part of said) expect(text).toContain(part);
  });

  test("the last server leaves first, each is emptied before it leaves, and all are ended at the end", () => {
    const steps = planShrink(FACTS);
    expect(steps.map((step) => (step.action === "end" ? step.servers.join() : `${step.action} ${step.server}`))).toEqual([
      "move n5",
      "remove n5",
      "move n4",
      "remove n4",
      "n5,n4",
    ]);
    expect(describeShrink(steps)).toEqual([
      "n5: 1 stream (1MiB) move to the servers that stay: B",
      "n5 leaves the meta group",
      "n4: 1 stream (1MiB) move to the servers that stay: B",
      "n4 leaves the meta group",
      "n5, n4 are shut down",
    ]);
    expect(planShrink({ ...FACTS, wanted: 5 })).toEqual([]);
    expect(leavingServers(NAMES, 5)).toEqual([]);
  });

  test("no server is ended or removed before what it holds has moved, whatever lies where", () => {
    fc.assert(
      fc.property(clusters(), ({ names, holdings, wanted }) => {
        const steps = planShrink({ names, holdings, wanted });
        const gone = new Set<string>();
        const emptied = new Set<string>();
        for (const step of steps) {
          if (step.action === "move") {
            expect(step.streams).toEqual(holdings.filter(({ servers }) => servers.includes(step.server)));
            emptied.add(step.server);
          } else if (step.action === "remove") {
            expect(emptied.has(step.server) || !holdings.some(({ servers }) => servers.includes(step.server))).toBe(true);
            gone.add(step.server);
          } else expect([...step.servers].sort()).toEqual([...gone].sort());
        }
        expect([...gone].sort()).toEqual(names.slice(wanted).sort());
        expect(steps.filter(({ action }) => action === "end")).toHaveLength(wanted < names.length ? 1 : 0);
      }),
    );
  });

  test("is refused whenever a stream would keep fewer replicas than it has", () => {
    fc.assert(
      fc.property(clusters(), ({ names, holdings, wanted }) => {
        const problems = shrinkProblems({ names, holdings, wanted, silent: [], storageBytes: Number.MAX_SAFE_INTEGER });
        for (const { stream, replicas } of holdings) {
          expect(problems.some(({ path }) => path === `streams.${stream}`)).toBe(replicas > wanted);
        }
      }),
    );
  });
});

describe("more servers", () => {
  test("moves from the fullest to those that have room, streams whose servers hold the most first", () => {
    const holdings = [holding("A", ["n1", "n2", "n3"], { bytes: 9 }), holding("B", ["n1", "n2", "n3"], { bytes: 3 })];
    expect(nextSpread(holdings, NAMES)).toEqual({ holding: holdings[1], from: "n1" });
    expect(nextSpread(holdings.slice(0, 1), NAMES)).toBeUndefined();
    expect(nextSpread([], NAMES)).toBeUndefined();
    expect(nextSpread(holdings, NAMES.slice(0, 3))).toBeUndefined();
  });

  test("each move to a server that holds least makes it more even, so that it ends, and every stream keeps its replicas on as many servers", () => {
    fc.assert(
      fc.property(clusters(), ({ names, holdings }) => {
        let now = holdings;
        for (let move = nextSpread(now, names); move !== undefined; move = nextSpread(now, names)) {
          const before = unevenness(now, names);
          now = carryOut(now, names, move);
          expect(unevenness(now, names)).toBeLessThan(before);
        }
        for (const { stream, servers } of now) {
          expect(new Set(servers).size).toBe(servers.length);
          expect(servers).toHaveLength(holdings.find((one) => one.stream === stream)?.servers.length ?? -1);
        }
      }),
    );
  });
});

/** As the meta leader does it: the server with the fewest replicas that holds none of this stream takes it. */
function carryOut(
  holdings: readonly Holding[],
  names: readonly string[],
  { holding: moved, from }: NonNullable<ReturnType<typeof nextSpread>>,
) {
  const load = (name: string) => holdings.filter(({ servers }) => servers.includes(name)).length;
  const [to = ""] = names.filter((name) => !moved.servers.includes(name)).toSorted((a, b) => load(a) - load(b));
  return holdings.map((one) =>
    one.stream === moved.stream ? { ...one, servers: [...one.servers.filter((name) => name !== from), to] } : one,
  );
}

function clusters() {
  return fc.integer({ min: 3, max: 7 }).chain((size) => {
    const names = Array.from({ length: size }, (_, index) => `n${index + 1}`);
    const held = fc.tuple(fc.shuffledSubarray(names, { minLength: 1, maxLength: Math.min(5, size) }), fc.integer({ min: 0, max: 1e9 }));
    return fc.record({
      names: fc.constant(names),
      wanted: fc.integer({ min: 1, max: size }),
      holdings: fc
        .array(held, { maxLength: 12 })
        .map((list) => list.map(([servers, bytes], index) => holding(`S${index}`, servers, { bytes }))),
    });
  });
}
