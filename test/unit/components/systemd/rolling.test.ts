import { expect, test } from "vitest";
import { metaBlocker } from "../../../../components/gate/blockers.ts";
import { lastRefusal, parseNeeds, parsePages } from "../../../../components/systemd/rolling/model.ts";

test("reads what each server of a host needs, and nothing else", () => {
  expect([...parseNeeds("n1 restart\nn4 none\nsomething else\n\nn5 reload\n")]).toEqual([
    ["n1", "restart"],
    ["n4", "none"],
    ["n5", "reload"],
  ]);
});

test("hands the pages of a host to the gate; a server without a page, or with half of one, is silent", () => {
  const text = 'n1 healthz {"status":"ok"}\nn1 jsz {"meta_cluster":{"leader":"n1"}}\nn2 healthz {"status":"unavai\nwarning: nothing\n';
  const views = parsePages(text, ["n1", "n2", "n3"]);
  expect(views).toEqual([
    { name: "n1", jsz: { meta_cluster: { leader: "n1" } }, health: { status: "ok" } },
    { name: "n2" },
    { name: "n3" },
  ]);
  expect(metaBlocker(views)).toBe("n2, n3 does not answer");
});

test.each([
  [
    "natsbus: port 1 is taken [ERR_PORT_IN_USE]\n  end it\nnatsbus: n2 did not come back [ERR_SERVER_START]\n  look\n",
    "n2 did not come back",
  ],
  ["bash: rollout.sh: No such file or directory\n", "bash: rollout.sh: No such file or directory"],
  ["", ""],
])("tells what a host said last: %j", (said, told) => {
  expect(lastRefusal(said)).toBe(told);
});
