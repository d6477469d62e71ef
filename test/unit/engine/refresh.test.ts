import { describe, expect, it } from "vitest";
import type { DiffAnswer, ProviderState } from "../../../engine/model.ts";
import { PartialFailure } from "../../../engine/model.ts";
import { createBench, PROVIDER_URN, STACK_URN, stackOf, thingUrn, UNCHANGED } from "../../support/engine-bench.ts";

const PAIR = {
  a: { inputs: { value: 1 } },
  b: { inputs: { from: 1, own: 2 }, dependencies: [thingUrn("a")], propertyDependencies: { from: [thingUrn("a")], own: [] } },
};

function reading(found: Readonly<Record<string, Partial<ProviderState>>>) {
  return async ({ name, id, outputs }: { name: string; id: string; outputs: ProviderState["outputs"] }): Promise<ProviderState> => ({
    id,
    outputs,
    ...found[name],
  });
}

describe("refresh", () => {
  it("leaves everything as it is where nothing drifted, times included", async () => {
    const base = await stackOf({ a: PAIR.a });
    const bench = createBench({ base, script: { diff: async () => UNCHANGED } });
    await bench.refresh();
    expect(bench.snapshot().resources.map(({ modified, outputs }) => ({ modified, outputs }))).toEqual(
      base.resources.map(({ modified, outputs }) => ({ modified, outputs })),
    );
    expect(bench.reporter.changes).toEqual({ same: 2 });
    expect(bench.calls).toEqual(["read a", "diff a"]);
  });

  it("takes what was read for the state, and lets the diff alone decide whether that counts as a change", async () => {
    const script = {
      read: reading({ a: { outputs: { value: 99 }, inputs: { value: 99 } } }),
      diff: async ({ oldOutputs, news }: { oldOutputs: object; news: object }): Promise<DiffAnswer> => {
        expect([oldOutputs, news]).toEqual([{ value: 99 }, { value: 1 }]);
        return { ...UNCHANGED, changes: "some" };
      },
    };
    const bench = createBench({ base: await stackOf({ a: PAIR.a }), script });
    await bench.refresh();
    expect(bench.entry(thingUrn("a"))).toMatchObject({ inputs: { value: 99 }, outputs: { value: 99 } });
    expect(bench.reporter.changes).toEqual({ same: 1, update: 1 });
  });

  it("forgets what is gone, and every reference to it", async () => {
    const bench = createBench({ base: await stackOf(PAIR), script: { read: reading({ a: { id: "" } }), diff: async () => UNCHANGED } });
    await bench.refresh();
    expect(bench.snapshot().resources.map(({ urn }) => urn)).toEqual([STACK_URN, PROVIDER_URN, thingUrn("b")]);
    expect(bench.entry(thingUrn("b"))?.dependencies).toBeUndefined();
    expect(bench.entry(thingUrn("b"))?.propertyDependencies).toBeUndefined();
    expect(bench.reporter.changes).toEqual({ same: 2, delete: 1 });
  });

  it("does not ask for what waits for its successor or is to be deleted", async () => {
    const base = await stackOf(PAIR, { a: { pendingReplacement: true }, b: { delete: true } });
    const bench = createBench({ base });
    await bench.refresh();
    expect(bench.calls).toEqual([]);
    expect(bench.snapshot().resources).toHaveLength(4);
  });

  it("keeps why a resource is not well, and forgets it once it is", async () => {
    const sick = createBench({
      base: await stackOf({ a: PAIR.a }),
      script: {
        read: async ({ id }) => Promise.reject(new PartialFailure("ill", { id, outputs: {} }, ["not ready"])),
        diff: async () => UNCHANGED,
      },
    });
    await sick.refresh();
    expect(sick.entry(thingUrn("a"))?.initErrors).toEqual(["not ready"]);
    const well = createBench({ base: sick.snapshot(), script: { diff: async () => UNCHANGED } });
    await well.refresh();
    expect(well.entry(thingUrn("a"))?.initErrors).toBeUndefined();
  });

  it("keeps the old entry of one that cannot be read, and fails", async () => {
    const base = await stackOf({ a: PAIR.a });
    const bench = createBench({ base, script: { read: async () => Promise.reject(new Error("no answer")) } });
    await bench.refresh();
    expect(bench.entry(thingUrn("a"))?.outputs).toEqual({ value: 1 });
    expect(bench.state.failed).toBe(true);
    expect(bench.errors()).toEqual(["no answer\n"]);
  });

  it("reads but writes nothing in a preview", async () => {
    const base = await stackOf({ a: PAIR.a });
    const bench = createBench({ base, preview: true, script: { read: reading({ a: { id: "" } }) } });
    await bench.refresh();
    expect(bench.snapshot()).toEqual(base);
    expect(bench.reporter.changes).toEqual({ same: 1, delete: 1 });
  });
});
