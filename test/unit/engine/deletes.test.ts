import { describe, expect, it } from "vitest";
import type { DiffAnswer, ResourceEntry } from "../../../engine/model.ts";
import { COMPUTED } from "../../../engine/values.ts";
import { createBench, STACK_URN, stackOf, thingUrn, UNCHANGED } from "../../support/engine-bench.ts";

const CHAIN = {
  a: { inputs: {} },
  b: { inputs: { from: "a" }, dependencies: [thingUrn("a")], propertyDependencies: { from: [thingUrn("a")] } },
  c: { inputs: { from: "b" }, dependencies: [thingUrn("b")], propertyDependencies: { from: [thingUrn("b")] } },
};

describe("what is deleted at the end", () => {
  it("is everything that was not asked for, dependents first", async () => {
    const bench = createBench({ base: await stackOf(CHAIN) });
    await bench.deletes();
    expect(bench.calls).toEqual(["delete c", "delete b", "delete a"]);
    expect(bench.snapshot()).toEqual({ resources: [], pendingOperations: [] });
    expect(bench.reporter.changes).toEqual({ delete: 4 });
  });

  it.each<[what: string, change: Partial<ResourceEntry>, op: string]>([
    ["one that is retained", { retainOnDelete: true }, "delete a"],
    ["one that was only read", { external: true }, "discard a"],
    ["one that waits for a successor that never comes", { pendingReplacement: true }, "remove-pending-replace a"],
    ["a component", { custom: false }, "delete a"],
  ])("drops %s without calling the provider", async (_what, change, op) => {
    const base = await stackOf({ a: {} }, { a: change });
    const entries = base.resources.map((entry) => (change.custom === false && entry.urn === thingUrn("a") ? withoutId(entry) : entry));
    const bench = createBench({ base: { ...base, resources: entries } });
    await bench.deletes();
    expect(bench.ops).toContain(op);
    expect(bench.calls).toEqual([]);
    expect(bench.snapshot().resources).toEqual([]);
  });

  it("does not call the provider for what goes with another", async () => {
    const bench = createBench({ base: await stackOf({ box: {}, inside: { deletedWith: thingUrn("box") } }) });
    await bench.deletes();
    expect(bench.calls).toEqual(["delete box"]);
  });

  it("calls it when the other stays", async () => {
    const bench = createBench({ base: await stackOf({ box: {}, inside: { deletedWith: thingUrn("box") } }) });
    await bench.stack();
    await bench.register("box");
    await bench.deletes();
    expect(bench.calls).toEqual(["check box", "diff box", "delete inside"]);
  });

  it("refuses protected ones, goes on with others, and spares what the refused stand on", async () => {
    const bench = createBench({ base: await stackOf({ ...CHAIN, free: {} }, { b: { protect: true } }) });
    await bench.deletes();
    expect(bench.calls.toSorted()).toEqual(["delete c", "delete free"]);
    expect(bench.snapshot().resources.map(({ urn }) => urn)).toEqual(expect.arrayContaining([STACK_URN, thingUrn("a"), thingUrn("b")]));
    expect(bench.errors()[0]).toContain("because it is protected");
    expect(bench.state.failed).toBe(true);
  });

  it("stops after a failure", async () => {
    const bench = createBench({ base: await stackOf(CHAIN), script: { delete: async () => Promise.reject(new Error("in use")) } });
    await bench.deletes();
    expect(bench.calls).toEqual(["delete c"]);
    expect(bench.snapshot().resources).toHaveLength(5);
  });

  it("goes on with what does not stand on the failed one when told so", async () => {
    const script = { delete: async ({ name }: { name: string }) => (name === "b" ? Promise.reject(new Error("in use")) : undefined) };
    const bench = createBench({ base: await stackOf({ ...CHAIN, free: {} }), script, continueOnError: true });
    await bench.deletes();
    expect(bench.calls.toSorted()).toEqual(["delete b", "delete c", "delete free"]);
    expect(bench.entry(thingUrn("a"))).toBeDefined();
  });

  it("tells but does nothing in a preview", async () => {
    const base = await stackOf(CHAIN);
    const bench = createBench({ base, preview: true });
    await bench.deletes();
    expect(bench.ops).toEqual(expect.arrayContaining(["delete c", "delete b", "delete a"]));
    expect(bench.calls).toEqual([]);
    expect(bench.snapshot()).toEqual(base);
  });
});

describe("delete before replace", () => {
  const first: DiffAnswer = { ...UNCHANGED, changes: "some", replaces: ["size"], deleteBeforeReplace: true };

  /** `a` must be replaced; `b` too, when the value it takes from `a` is unknown. */
  const script = {
    diff: async ({ name, news }: { name: string; news: Readonly<Record<string, unknown>> }): Promise<DiffAnswer> => {
      if (name === "a") return first;
      return name === "b" && news["from"] === COMPUTED ? { ...UNCHANGED, changes: "some", replaces: ["from"] } : UNCHANGED;
    },
  };

  it("takes away the dependents that must be replaced too, last first, and makes them again when they come", async () => {
    const bench = createBench({ base: await stackOf(CHAIN), script });
    await bench.stack();
    await bench.register("a", { inputs: { size: 2 } });
    await bench.register("b", CHAIN.b);
    await bench.register("c", CHAIN.c);
    await bench.deletes();
    expect(bench.calls.filter((call) => /^(delete|create)/.test(call))).toEqual(["delete b", "delete a", "create a", "create b"]);
    expect(bench.ops.filter((op) => op.endsWith(" b"))).toEqual(["delete-replaced b", "replace b", "create-replacement b"]);
    expect(bench.reporter.changes).toEqual({ same: 2, replace: 2 });
    expect(bench.snapshot().resources.some((entry) => entry.pendingReplacement === true || entry.delete === true)).toBe(false);
  });

  it("leaves what it deleted marked when the new one fails, so that the next run makes it", async () => {
    const bench = createBench({
      base: await stackOf(CHAIN),
      script: { ...script, create: async () => Promise.reject(new Error("no room")) },
    });
    await bench.stack();
    await expect(bench.register("a", { inputs: { size: 2 } })).rejects.toThrow("stopped");
    expect(bench.entry(thingUrn("a"))?.pendingReplacement).toBe(true);
    expect(bench.entry(thingUrn("b"))?.pendingReplacement).toBe(true);
    expect(bench.entry(thingUrn("c"))?.pendingReplacement).toBeUndefined();
  });
});

describe("create before delete", () => {
  const replace: DiffAnswer = { ...UNCHANGED, changes: "some", replaces: ["size"] };

  it("keeps the old one, flagged, until the end, also when its delete fails", async () => {
    const script = { diff: async () => replace, delete: async () => Promise.reject(new Error("still in use")) };
    const bench = createBench({ base: await stackOf({ a: { inputs: { size: 1 } } }), script });
    await bench.stack();
    await bench.register("a", { inputs: { size: 2 } });
    await bench.deletes();
    const kept = bench.snapshot().resources.filter(({ urn }) => urn === thingUrn("a"));
    expect(kept.map((entry) => entry.delete ?? false)).toEqual([false, true]);
    const next = createBench({ base: bench.snapshot(), script: { diff: async () => UNCHANGED } });
    await next.stack();
    await next.register("a", { inputs: { size: 2 } });
    await next.deletes();
    expect(next.ops).toContain("delete-replaced a");
    expect(next.snapshot().resources.filter(({ urn }) => urn === thingUrn("a"))).toHaveLength(1);
  });
});

describe("continue on error", () => {
  it("skips what stands on a failed one and makes the rest", async () => {
    const script = {
      create: async ({ name }: { name: string }) => (name === "a" ? Promise.reject(new Error("no")) : { id: name, outputs: {} }),
    };
    const bench = createBench({ script, continueOnError: true });
    await bench.stack();
    expect(await bench.register("a", CHAIN.a)).toEqual({ result: "failed", urn: thingUrn("a") });
    expect(await bench.register("b", CHAIN.b)).toEqual({ result: "skipped", urn: thingUrn("b") });
    expect(await bench.register("c", CHAIN.c)).toEqual({ result: "skipped", urn: thingUrn("c") });
    expect(await bench.register("free")).toMatchObject({ result: "done" });
    expect(bench.state.failed).toBe(true);
  });

  it("without it, nothing more is begun", async () => {
    const bench = createBench({ script: { create: async () => Promise.reject(new Error("no")) } });
    await bench.stack();
    await expect(bench.register("a")).rejects.toThrow("stopped");
    await expect(bench.register("free")).rejects.toThrow("stopped");
    expect(bench.calls).toEqual(["check a", "create a"]);
  });
});

function withoutId({ id: _id, provider: _provider, ...entry }: ResourceEntry): ResourceEntry {
  return entry;
}
