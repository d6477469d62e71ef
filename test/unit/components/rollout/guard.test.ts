import { describe, expect, test } from "vitest";
import { type GuardFacts, type GuardInputs, guardProblems, highestLevel } from "../../../../components/rollout/guard.ts";

const NEWS: GuardInputs = {
  access: {},
  namespace: "bus",
  set: "nats",
  servers: 3,
  version: "2.15.2",
  cluster: "bus",
  storageClass: "fast",
};
const FACTS: GuardFacts = { running: 3 };

interface Change {
  readonly olds: GuardInputs | undefined;
  readonly news: GuardInputs;
  readonly facts: GuardFacts;
}

describe("a change that", () => {
  test.each<[string, Change]>([
    ["changes nothing", { olds: NEWS, news: NEWS, facts: FACTS }],
    ["makes a first bus", { olds: undefined, news: NEWS, facts: { running: 0 } }],
    ["cannot be checked against a cluster", { olds: NEWS, news: NEWS, facts: {} }],
    ["adds servers", { olds: NEWS, news: { ...NEWS, servers: 5 }, facts: FACTS }],
    ["follows a scale down that was carried out", { olds: { ...NEWS, servers: 4 }, news: NEWS, facts: FACTS }],
    ["makes servers anew that somebody deleted", { olds: NEWS, news: NEWS, facts: { running: 0 } }],
    ["updates by one minor version", { olds: { ...NEWS, version: "2.14.7" }, news: NEWS, facts: FACTS }],
  ])("%s is allowed", (_title, { olds, news, facts }) => {
    expect(guardProblems(olds, news, facts)).toEqual([]);
  });

  test.each<[string, Change, [string, string]]>([
    ["renames the cluster", { olds: { ...NEWS, cluster: "old" }, news: NEWS, facts: FACTS }, ["ERR_CLUSTER_IDENTITY", '"old" to "bus"']],
    ["renames the set", { olds: { ...NEWS, set: "old" }, news: NEWS, facts: FACTS }, ["ERR_CLUSTER_IDENTITY", '"old" to "nats"']],
    ["changes the namespace", { olds: { ...NEWS, namespace: "old" }, news: NEWS, facts: {} }, ["ERR_CLUSTER_IDENTITY", '"old" to "bus"']],
    [
      "changes the class",
      { olds: { ...NEWS, storageClass: "slow" }, news: NEWS, facts: FACTS },
      ["ERR_CLUSTER_IDENTITY", '"slow" to "fast"'],
    ],
    [
      "takes servers away",
      { olds: NEWS, news: { ...NEWS, servers: 2 }, facts: {} },
      ["ERR_SCALE_DOWN", "3 servers run, and 2 are declared"],
    ],
    ["forgets servers that run", { olds: undefined, news: NEWS, facts: { running: 5 } }, ["ERR_SCALE_DOWN", "5 servers run"]],
    ["makes a cluster of one server", { olds: { ...NEWS, servers: 1 }, news: NEWS, facts: {} }, ["ERR_CLUSTER_IDENTITY", "a lone server"]],
    ["skips a version", { olds: { ...NEWS, version: "2.12.15" }, news: NEWS, facts: FACTS }, ["ERR_VERSION_STEP", "more than one minor"]],
    ["goes back a version", { olds: NEWS, news: { ...NEWS, version: "2.14.7" }, facts: FACTS }, ["ERR_VERSION_STEP", "is older"]],
  ])("%s is refused", (_title, { olds, news, facts }, [code, words]) => {
    const problems = guardProblems(olds, news, facts);
    expect(problems.map((problem) => problem.code)).toEqual([code]);
    expect(problems[0]?.message).toContain(words);
    expect(problems[0]?.remedy).not.toBe("");
  });
});

test("the API level in use is the highest any stream or consumer asks for", () => {
  const needs = (level: string) => ({ config: { metadata: { "_nats.req.level": level } } });
  const page = (stream: string, consumer = "0") => ({
    account_details: [
      { name: "A", stream_detail: [{ name: "S", ...needs(stream), consumer_detail: [{ name: "C", ...needs(consumer) }] }, { name: "T" }] },
    ],
  });
  expect(highestLevel([page("1"), page("4")])).toBe(4);
  expect(highestLevel([page("1", "3"), page("2")])).toBe(3);
  expect(highestLevel([{}])).toBe(0);
});
