import { describe, expect, test } from "vitest";
import type { NodeView } from "../../../../components/gate/blockers.ts";
import type { GroupState } from "../../../../components/gate/server-pages.ts";
import { collectStreams } from "../../../../components/gate/stream-status.ts";

function view(name: string, cluster: GroupState | undefined, messages: number): NodeView {
  const config = { num_replicas: cluster === undefined ? 1 : 3, subjects: ["a.>"] };
  const state = { messages, bytes: messages * 10, consumer_count: 2 };
  return {
    name,
    jsz: {
      account_details: [{ name: "BUS", stream_detail: [{ name: "A", config, state, ...(cluster === undefined ? {} : { cluster }) }] }],
    },
  };
}

const ASIDE = { leader: "n2", replicas: [{ name: "n2", current: true }] };

describe("collectStreams", () => {
  test("takes the leader's word, in whatever order the servers answer", () => {
    const leading = view(
      "n2",
      {
        leader: "n2",
        replicas: [
          { name: "n1", current: true },
          { name: "n3", current: false },
        ],
      },
      5,
    );
    for (const views of [
      [view("n1", ASIDE, 4), leading],
      [leading, view("n1", ASIDE, 4)],
    ])
      expect(collectStreams(views)).toEqual([
        { name: "A", account: "BUS", subjects: ["a.>"], messages: 5, bytes: 50, consumers: 2, leader: "n2", replicas: 3, current: 2 },
      ]);
  });

  test.each<[string, NodeView, object]>([
    ["a lone server leads", view("n1", undefined, 1), { leader: "n1", replicas: 1, current: 1 }],
    [
      "a replica that is offline is not current",
      view("n1", { leader: "n1", replicas: [{ name: "n2", current: true, offline: true }] }, 1),
      { current: 1 },
    ],
    ["nothing is known to be current without the leader", view("n1", ASIDE, 1), { leader: "n2", current: 0 }],
    ["a group without a leader", view("n1", { replicas: [] }, 1), { replicas: 3, current: 0 }],
  ])("%s", (_title, only, expected) => expect(collectStreams([only])).toMatchObject([expected]));

  test("a silent server holds nothing", () => expect(collectStreams([{ name: "n1" }])).toEqual([]));
});
