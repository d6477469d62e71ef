import { describe, expect, it } from "vitest";
import type { Goal } from "../../../engine/goal.ts";
import type { DiffAnswer, ResourceEntry } from "../../../engine/model.ts";
import { PartialFailure } from "../../../engine/model.ts";
import { COMPUTED, Secret } from "../../../engine/values.ts";
import type { BenchOptions } from "../../support/engine-bench.ts";
import { createBench, STACK_URN, stackOf, thingUrn, UNCHANGED } from "../../support/engine-bench.ts";

const REPLACE: DiffAnswer = { ...UNCHANGED, changes: "some", replaces: ["value"] };

const ONE = { a: { inputs: { value: 1 } } };

/** Registers the stack and then `a` once more. */
async function again(options: BenchOptions, goal: Partial<Goal> = { inputs: { value: 1 } }) {
  const bench = createBench(options);
  await bench.stack();
  const done = await bench.register("a", goal);
  return { bench, done, ops: bench.ops.filter((op) => op.endsWith(" a")) };
}

describe("what a registration becomes", () => {
  it("is a create where there was nothing", async () => {
    const { bench, ops } = await again({});
    expect(ops).toEqual(["create a"]);
    expect(bench.calls).toEqual(["check a", "create a"]);
    expect(bench.pending).toEqual(["creating a"]);
    expect(bench.entry(thingUrn("a"))).toMatchObject({ id: "a-1", inputs: { value: 1 }, parent: STACK_URN });
    expect(bench.reporter.changes).toEqual({ create: 2 });
  });

  it.each<[what: string, change: Partial<ResourceEntry>, goal: Partial<Goal>, diff: DiffAnswer, ops: string[]]>([
    ["nothing when the diff says so", {}, { inputs: { value: 2 } }, UNCHANGED, ["same a"]],
    ["an update when the diff says so", {}, {}, { ...UNCHANGED, changes: "some" }, ["update a"]],
    ["a comparison of inputs when the diff does not say", {}, { inputs: { value: 2 } }, { ...UNCHANGED, changes: "unknown" }, ["update a"]],
    [
      "nothing when the diff does not say and inputs are equal",
      {},
      { inputs: { value: 1 } },
      { ...UNCHANGED, changes: "unknown" },
      ["same a"],
    ],
    ["a replacement, new one first", {}, { inputs: { value: 2 } }, REPLACE, ["create-replacement a", "replace a"]],
    [
      "a replacement, old one first, when the provider says so",
      {},
      { inputs: { value: 2 } },
      { ...REPLACE, deleteBeforeReplace: true },
      ["delete-replaced a", "replace a", "create-replacement a"],
    ],
    [
      "the order of the option rather than the provider's",
      {},
      { inputs: { value: 2 }, deleteBeforeReplace: false },
      { ...REPLACE, deleteBeforeReplace: true },
      ["create-replacement a", "replace a"],
    ],
    [
      "the order of the option where the provider has none",
      {},
      { inputs: { value: 2 }, deleteBeforeReplace: true },
      REPLACE,
      ["delete-replaced a", "replace a", "create-replacement a"],
    ],
    ["a replacement of a tainted one", { taint: true }, {}, UNCHANGED, ["create-replacement a", "replace a"]],
    ["a replacement of one that is waiting for it", { pendingReplacement: true }, {}, UNCHANGED, ["create-replacement a", "replace a"]],
    ["an update of one that did not become well", { initErrors: ["slow"] }, {}, UNCHANGED, ["update a"]],
    ["a replacement of one that was only read", { external: true }, {}, UNCHANGED, ["create-replacement a", "replace a"]],
    [
      "a replacement when the trigger changed",
      { replacementTrigger: 1 },
      { replacementTrigger: 2 },
      UNCHANGED,
      ["create-replacement a", "replace a"],
    ],
    ["nothing when the trigger is new", {}, { replacementTrigger: 2 }, UNCHANGED, ["same a"]],
    ["nothing when the trigger is the same", { replacementTrigger: 2 }, { replacementTrigger: 2 }, UNCHANGED, ["same a"]],
    [
      "a replacement when replaceOnChanges covers a key",
      {},
      { replaceOnChanges: ["value"] },
      { ...UNCHANGED, changes: "some", diffs: ["value"] },
      ["create-replacement a", "replace a"],
    ],
    [
      "an update when replaceOnChanges covers none",
      {},
      { replaceOnChanges: ["other"] },
      { ...UNCHANGED, changes: "some", diffs: ["value"] },
      ["update a"],
    ],
    ["an update when the provider names no key", {}, { replaceOnChanges: ["*"] }, { ...UNCHANGED, changes: "some" }, ["update a"]],
    ["an import when an id is named", {}, { importId: "x-9" }, UNCHANGED, ["import-replacement a"]],
    ["nothing when the id to import is the one it has", {}, { importId: "a-1" }, UNCHANGED, ["same a"]],
  ])("is %s", async (...row) => {
    const [, change, goal, diff, ops] = row;
    const base = await stackOf(ONE, { a: change });
    const bench = createBench({ base, script: { diff: async () => diff } });
    await bench.stack();
    await bench.register("a", { inputs: { value: 1 }, ...goal }).catch(() => undefined);
    expect(bench.ops.filter((op) => op.endsWith(" a"))).toEqual(ops);
    bench.snapshot();
  });

  it("is a replacement on request", async () => {
    const base = await stackOf(ONE);
    const { ops } = await again({ base, replace: [thingUrn("a")] });
    expect(ops).toEqual(["create-replacement a", "replace a"]);
  });

  it.each<[option: string, goal: Partial<Goal>]>([
    ["replaceWith", { replaceWith: [thingUrn("a")] }],
    ["deletedWith", { deletedWith: thingUrn("a") }],
  ])("is a replacement when the one named by %s was replaced", async (_option, goal) => {
    const base = await stackOf({ a: { inputs: { value: 1 } }, b: { inputs: {}, ...goal } });
    const bench = createBench({ base, script: { diff: async ({ name }) => (name === "a" ? REPLACE : UNCHANGED) } });
    await bench.stack();
    await bench.register("a", { inputs: { value: 2 } });
    await bench.register("b", { inputs: {}, ...goal });
    expect(bench.ops.filter((op) => op.endsWith(" b"))).toEqual(["create-replacement b", "replace b"]);
  });

  it("puts ignored properties back before anyone compares", async () => {
    const base = await stackOf(ONE);
    const { bench, ops } = await again({ base }, { inputs: { value: 5 }, ignoreChanges: ["value"] });
    expect(ops).toEqual(["same a"]);
    expect(bench.entry(thingUrn("a"))?.inputs).toEqual({ value: 1 });
  });

  it("warns of an ignored path that cannot be read", async () => {
    const base = await stackOf(ONE);
    const { bench } = await again({ base }, { inputs: { value: 5 }, ignoreChanges: ['nested["x'] });
    expect(bench.events.some((body) => "diagnosticEvent" in body && body.diagnosticEvent.severity === "warning")).toBe(true);
    expect(bench.state.failed).toBe(false);
  });

  it("gives check the old inputs, except for one that is made anew", async () => {
    const seen: unknown[] = [];
    const base = await stackOf(ONE);
    const script = {
      check: async ({ olds, news }: { olds: object; news: object }) => {
        seen.push(olds);
        return { inputs: news as never, failures: [] };
      },
      diff: async () => REPLACE,
    };
    await again({ base, script }, { inputs: { value: 2 } });
    expect(seen).toEqual([{ value: 1 }, {}]);
  });

  it("refuses what check refuses, naming value and reason, without showing a secret", async () => {
    const script = { check: async () => ({ inputs: {}, failures: [{ property: "value", reason: "too small" }] }) };
    const bench = createBench({ script });
    await bench.stack();
    await expect(bench.register("a", { inputs: { value: new Secret("hush") } })).rejects.toThrow("stopped");
    expect(bench.errors()).toEqual([`test:index:Thing resource 'a': property value value {[secret]} has a problem: too small\n`]);
    expect(bench.calls).toEqual(["check a"]);
    expect(bench.state.stepFailed).toBe(false);
  });

  it("refuses a URN that was registered already, and a parent that was not", async () => {
    const bench = createBench({ continueOnError: true });
    await bench.stack();
    await bench.register("a");
    expect(await bench.register("a")).toMatchObject({ result: "failed" });
    expect(await bench.register("b", { parent: thingUrn("nobody") })).toMatchObject({ result: "failed" });
    expect(bench.errors()).toEqual([
      `Duplicate resource URN '${thingUrn("a")}'; try giving it a unique name\n`,
      expect.stringContaining("was not registered in this run"),
    ]);
  });

  it("refuses to replace a protected one, and in a preview shows the rest too", async () => {
    const base = await stackOf({ a: { inputs: { value: 1 }, protect: true } });
    const script = { diff: async () => REPLACE };
    const real = createBench({ base, script });
    await real.stack();
    await expect(real.register("a", { inputs: { value: 2 }, protect: true })).rejects.toThrow("stopped");
    expect(real.ops).not.toContain("create-replacement a");
    const preview = await again({ base, script, preview: true }, { inputs: { value: 2 }, protect: true });
    expect(preview.ops).toEqual(["create-replacement a", "replace a"]);
    expect(preview.bench.state.failed).toBe(true);
    expect(preview.bench.errors()[0]).toContain("marked for protection");
  });
});

describe("what a step leaves", () => {
  it("keeps a resource that was created but did not become well, and the reasons", async () => {
    const script = {
      create: async () => {
        throw new PartialFailure("partial", { id: "a-1", outputs: { half: true } }, ["not ready"]);
      },
    };
    const bench = createBench({ script });
    await bench.stack();
    await expect(bench.register("a", { inputs: { value: 1 } })).rejects.toThrow("stopped");
    expect(bench.entry(thingUrn("a"))).toMatchObject({ id: "a-1", outputs: { half: true }, initErrors: ["not ready"] });
    expect(bench.snapshot().pendingOperations).toEqual([]);
    expect(bench.errors()[0]).toContain("* not ready");
  });

  it("keeps the old inputs after an update that did not become well", async () => {
    const base = await stackOf(ONE);
    const script = {
      update: async () => {
        throw new PartialFailure("partial", { id: "a-1", outputs: { value: 2 } }, ["slow"]);
      },
    };
    const bench = createBench({ base, script });
    await bench.stack();
    await expect(bench.register("a", { inputs: { value: 2 } })).rejects.toThrow("stopped");
    expect(bench.entry(thingUrn("a"))).toMatchObject({ inputs: { value: 1 }, outputs: { value: 2 }, initErrors: ["slow"] });
  });

  it("leaves the old entry as it was when a call fails, and nothing pending", async () => {
    const base = await stackOf(ONE);
    const bench = createBench({ base, script: { update: async () => Promise.reject(new Error("refused")) } });
    await bench.stack();
    await expect(bench.register("a", { inputs: { value: 2 } })).rejects.toThrow("stopped");
    expect(bench.entry(thingUrn("a"))).toEqual(base.resources.find(({ urn }) => urn === thingUrn("a")));
    expect(bench.snapshot().pendingOperations).toEqual([]);
    expect(bench.pending).toEqual(["updating a"]);
  });

  it("marks outputs secret that were named, or whose input is", async () => {
    const script = { create: async () => ({ id: "1", outputs: { token: "t", pass: "p", clear: "c" } }) };
    const { bench } = await again({ script }, { inputs: { pass: new Secret("p") }, additionalSecretOutputs: ["token"] });
    expect(bench.entry(thingUrn("a"))?.outputs).toEqual({ token: new Secret("t"), pass: new Secret("p"), clear: "c" });
  });

  it("writes nothing in a preview, and makes outputs that are not known yet unknown", async () => {
    const { bench, done } = await again({ preview: true }, { inputs: { value: COMPUTED } });
    expect(bench.calls).toEqual(["check a"]);
    expect(bench.snapshot().resources).toEqual([]);
    expect(done).toMatchObject({ result: "done", entry: { outputs: { value: COMPUTED } } });
  });

  it("asks a provider that can preview", async () => {
    const { bench } = await again({ preview: true, script: { supportsPreview: true } });
    expect(bench.calls).toEqual(["check a", "create a"]);
  });

  it("finds a renamed resource under its alias, and rewrites what refers to it", async () => {
    const base = await stackOf({
      a: { inputs: { value: 1 } },
      user: { dependencies: [thingUrn("a")], propertyDependencies: { x: [thingUrn("a")] } },
    });
    const bench = createBench({ base });
    await bench.stack();
    await bench.register("fresh", { inputs: { value: 1 }, aliases: [{ name: "a" }] });
    expect(bench.ops).toContain("same fresh");
    // The user of it has not registered yet: a crash now must leave a sound state.
    expect(bench.entry(thingUrn("user"))?.dependencies).toEqual([thingUrn("fresh")]);
  });

  it("keeps what a program only reads, and tells a changed value from an unchanged one", async () => {
    const first = createBench({ script: { read: async ({ id }) => ({ id, outputs: { size: 1 } }) } });
    await first.stack();
    await first.read("a", "real-7");
    const base = first.snapshot();
    expect(first.entry(thingUrn("a"))).toMatchObject({ external: true, id: "real-7", outputs: { size: 1 } });
    expect(first.reporter.changes).toEqual({ create: 1 });
    const second = createBench({ base, script: { read: async ({ id }) => ({ id, outputs: { size: 2 } }) } });
    await second.stack();
    await second.read("a", "real-7");
    expect(second.reporter.changes).toEqual({ same: 1, read: 1 });
    await second.deletes();
    expect(second.calls).toEqual(["read a"]);
  });
});
