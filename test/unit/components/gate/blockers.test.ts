import { describe, expect, test } from "vitest";
import { assetBlocker, leaderOf, metaBlocker, type NodeView } from "../../../../components/gate/blockers.ts";
import type { GroupState, Jsz } from "../../../../components/gate/server-pages.ts";

const OK = { status: "ok" };

/** A group as each of three servers sees it: only the leader knows who is current. */
function group(leader: string | undefined, behind: readonly string[] = [], members = ["n1", "n2", "n3"]): (name: string) => GroupState {
  return (name) => ({
    ...(leader === undefined ? {} : { leader }),
    replicas: members
      .filter((member) => member !== name)
      .map((member) => ({ name: member, current: name === leader ? !behind.includes(member) : member === leader })),
  });
}

function views(meta: (name: string) => GroupState | undefined, details: (name: string) => Jsz["account_details"] = () => []): NodeView[] {
  return ["n1", "n2", "n3"].map((name) => {
    const cluster = meta(name);
    return { name, health: OK, jsz: { ...(cluster === undefined ? {} : { meta_cluster: cluster }), account_details: details(name) ?? [] } };
  });
}

function stream(state: (name: string) => GroupState, consumer?: (name: string) => GroupState) {
  return (name: string) => [
    {
      name: "A",
      stream_detail: [
        {
          name: "S",
          cluster: state(name),
          config: { num_replicas: 3 },
          ...(consumer === undefined ? {} : { consumer_detail: [{ name: "C", cluster: consumer(name) }] }),
        },
      ],
    },
  ];
}

describe("the cluster as a whole", () => {
  test.each<[string, NodeView[], string | undefined]>([
    ["ready, although followers call one another behind", views(group("n2")), undefined],
    ["without a leader", views(group(undefined)), "no meta leader is elected yet"],
    ["of two minds", views((name) => group(name === "n1" ? "n1" : "n2")(name)), "the servers do not agree on the meta leader: n1, n2"],
    ["with one behind", views(group("n1", ["n3"])), "the meta group is not current on n3"],
    ["with one silent", [...views(group("n1")).slice(0, 2), { name: "n3" }], "n3 does not answer"],
    [
      "with one that is barred",
      views(group("n1", [], ["n1", "n2"])),
      "the meta group has not let n3 in yet; a server that left is let in again five minutes later",
    ],
    [
      "with one that is barred, and the ghost of another",
      views(group("n1", [], ["n1", "n2", "gone"])),
      "the meta group has not let n3 in yet; a server that left is let in again five minutes later",
    ],
    ["of one healthy server", [{ name: "n1", jsz: {}, health: OK }], undefined],
    ["of one ill server", [{ name: "n1", jsz: {}, health: { status: "unavailable" } }], "n1 is not healthy"],
  ])("%s", (_title, seen, blocker) => {
    expect(metaBlocker(seen)).toBe(blocker);
  });

  test("is led by whom it names, a lone server by itself", () => {
    expect(leaderOf(views(group("n2")))).toBe("n2");
    expect(leaderOf([{ name: "n1", jsz: {} }])).toBe("n1");
    expect(leaderOf(views(group(undefined)))).toBe("");
  });
});

describe("the gate before the next restart", () => {
  const meta = group("n1");
  test.each<[string, NodeView[], string | undefined]>([
    ["opens without streams", views(meta), undefined],
    ["opens when all is current", views(meta, stream(group("n2"), group("n3"))), undefined],
    ["waits for a replica", views(meta, stream(group("n2", ["n1"]))), "stream S of account A is not current on n1"],
    ["waits for a leader", views(meta, stream(group(undefined))), "stream S of account A has no leader"],
    ["waits for a missing replica", views(meta, stream(group("n2", [], ["n1", "n2"]))), "stream S of account A has 2 of 3 replicas"],
    [
      "waits for a consumer",
      views(meta, stream(group("n2"), group("n1", ["n2"]))),
      "consumer C of stream S of account A is not current on n2",
    ],
    [
      "waits for an unhealthy server",
      views(meta).map((view) => (view.name === "n3" ? { ...view, health: { status: "unavailable", error: "catching up" } } : view)),
      "n3 is not healthy: catching up",
    ],
  ])("%s", (_title, seen, blocker) => {
    expect(assetBlocker(seen)).toBe(blocker);
  });
});
