import { describe, expect, test } from "vitest";
import { describeSteps, type NodeGoal, type NodeState, planSteps } from "../../../../components/process/plan.ts";
import type { ServerConfigSpec } from "../../../../core/server-config-spec.ts";

const SPEC: ServerConfigSpec = {
  serverName: "n1",
  client: { host: "127.0.0.1", port: 4222 },
  jetstream: { storeDirectory: "jetstream", maxMemoryBytes: 100, maxStorageBytes: 1000 },
  identity: { kind: "none" },
  logging: { file: "nats.log", level: "info", maxFileSizeBytes: 1000, keepFiles: 1 },
  limits: { maxPayloadBytes: 1000 },
  lameDuck: { durationMs: 30_000, gracePeriodMs: 1_000 },
};
const GOAL: NodeGoal = { name: "n1", spec: SPEC, launch: { wanted: "2.15.2" } };
const RUNNING: NodeState = { running: true, applied: SPEC, launch: { wanted: "2.15.2" } };

function withSpec(change: Partial<ServerConfigSpec>): NodeState {
  return { ...RUNNING, applied: { ...SPEC, ...change } };
}

describe("what is done to one server", () => {
  test.each<[string, NodeState, string, string[]]>([
    ["nothing, when it runs as it should", RUNNING, "none", []],
    ["a start, when it was never there", { running: false }, "start", ["new"]],
    ["a start, when it died, whatever else changed", { ...withSpec({ limits: {} }), running: false }, "start", ["does not run"]],
    ["a reload of a limit", withSpec({ limits: { maxPayloadBytes: 5 } }), "reload", ["max_payload"]],
    [
      "a restart for another port",
      withSpec({ client: { host: "127.0.0.1", port: 1 } }),
      "restart",
      ["listen (the server reads this setting only when it starts)"],
    ],
    ["a reload of what was edited by hand", { ...RUNNING, drift: "n1: edited" }, "reload", ["n1: edited"]],
    ["a restart for another version", { ...RUNNING, launch: { wanted: "2.15.1" } }, "restart", ["nats-server 2.15.1 becomes 2.15.2"]],
    [
      "a restart for another binary",
      { ...RUNNING, launch: { wanted: "2.15.2", binary: "/b" } },
      "restart",
      ["another nats-server binary is configured"],
    ],
    [
      "a restart for a memory limit",
      { ...RUNNING, launch: { wanted: "2.15.2", memoryBytes: 1 } },
      "restart",
      ["the memory limit of the process changes"],
    ],
    ["a restart, when nobody knows what it runs with", { running: true }, "restart", ["the settings it runs with are not known"]],
  ])("%s", (_title, state, action, reasons) => {
    expect(planSteps([GOAL], [state])).toEqual([{ name: "n1", action, reasons }]);
  });
});

describe("the cost in words", () => {
  const goals = ["n1", "n2", "n3"].map((name) => ({ ...GOAL, name }));
  test.each<[string, NodeState[], string[]]>([
    ["nothing", [RUNNING, RUNNING, RUNNING], []],
    ["a first start", [], ["start of 3 servers: new"]],
    ["a repair", [RUNNING, { ...RUNNING, running: false }, RUNNING], ["start of n2: does not run"]],
    ["a reload", Array(3).fill(withSpec({ limits: { maxPayloadBytes: 5 } })), ["reload only of 3 servers: max_payload"]],
    [
      "a rolling restart",
      Array(3).fill(withSpec({ client: { host: "127.0.0.1", port: 1 } })),
      ["rolling restart of 3 servers, one at a time: listen (the server reads this setting only when it starts)"],
    ],
    [
      "one of each",
      [{ running: false }, withSpec({ limits: {} }), { ...RUNNING, launch: { wanted: "2.14.0" } }],
      ["start of n1: new", "reload of n2: max_payload", "restart of n3: nats-server 2.14.0 becomes 2.15.2"],
    ],
  ])("of %s", (_title, states, words) => {
    expect(describeSteps(planSteps(goals, states))).toEqual(words);
  });
});
