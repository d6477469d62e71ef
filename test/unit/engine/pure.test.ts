import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyIgnoreChanges, applyReplaceOnChanges, diffInputs } from "../../../engine/diff.ts";
import { aliasUrns, emptyGoal, inheritFromParent } from "../../../engine/goal.ts";
import { DependencyGraph } from "../../../engine/graph.ts";
import { findIntegrityProblems } from "../../../engine/integrity.ts";
import { Limiter, SerialQueue } from "../../../engine/limiter.ts";
import type { ResourceEntry } from "../../../engine/model.ts";
import { parseGoDuration } from "../../../engine/monitor-messages.ts";
import { parsePath, pathContains, renderPath, resetPath } from "../../../engine/paths.ts";
import { createUrn, isDefaultProvider, parseReference, parseUrn, urnMatcher } from "../../../engine/urn.ts";
import type { PropertyMap } from "../../../engine/values.ts";
import { Secret } from "../../../engine/values.ts";

const keys = fc.stringMatching(/^[a-z]{1,3}$/);
const bags: fc.Arbitrary<PropertyMap> = fc.letrec<{ bag: PropertyMap; value: PropertyMap[string] }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.integer(),
    fc.string(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("bag"),
  ),
  bag: fc.dictionary(keys, tie("value"), { maxKeys: 4, noNullPrototype: true }),
})).bag;

describe("paths", () => {
  it.each([
    ["a", ["a"]],
    ["a.b", ["a", "b"]],
    ["a[0].b", ["a", 0, "b"]],
    ['a["b.c"][2]', ["a", "b.c", 2]],
    ["list[*].k", ["list", "*", "k"]],
    ["*", ["*"]],
    ['["x"]', ["x"]],
  ])("reads %s", (text, path) => {
    expect(parsePath(text)).toEqual(path);
  });

  it.each(['nested["x', "a[", "a..b", ".a", "a[x]"])("refuses %s", (text) => {
    expect(() => parsePath(text)).toThrow(expect.objectContaining({ code: "ERR_ENGINE_PATH" }));
  });

  it("reads what it rendered", () => {
    const segments = fc.oneof(fc.nat(20), fc.string({ minLength: 1 }));
    fc.assert(
      fc.property(fc.tuple(fc.string({ minLength: 1 }), fc.array(segments)), ([first, rest]) => {
        expect(parsePath(renderPath([first, ...rest]))).toEqual([first, ...rest]);
      }),
    );
  });

  it("covers what lies at or below a pattern", () => {
    expect(pathContains(parsePath("a[*].k"), parsePath("a[3].k.z"))).toBe(true);
    expect(pathContains(parsePath("a[*].k"), parsePath("a[3]"))).toBe(false);
    expect(pathContains(parsePath("*"), parsePath("anything.at.all"))).toBe(true);
  });

  it("puts back, removes and leaves alone", () => {
    expect(resetPath(["x"], { x: 1 }, { x: 2, y: 3 })).toEqual({ x: 1, y: 3 });
    expect(resetPath(["x"], {}, { x: 2 })).toEqual({});
    expect(resetPath(["m", "x"], { m: { x: 1 } }, { m: { x: new Secret(2) } })).toEqual({ m: { x: 1 } });
    expect(resetPath(["l", 0], { l: [1, 2] }, { l: [9, 3] })).toEqual({ l: [1, 3] });
    expect(resetPath(["l", 5], { l: [1] }, { l: [9] })).toBeUndefined();
    expect(resetPath(["m", "x"], { m: { x: 1 } }, {})).toBeUndefined();
  });
});

describe("comparing inputs", () => {
  it("finds no difference between equals, in whatever order their keys stand", () => {
    fc.assert(
      fc.property(bags, (bag) => {
        const reversed = Object.fromEntries(Object.entries(bag).reverse());
        expect(diffInputs(bag, reversed).changes).toBe("none");
      }),
    );
  });

  it("finds a difference exactly where everything ignored puts it back", () => {
    fc.assert(
      fc.property(bags, bags, (olds, news) => {
        const diff = diffInputs(olds, news);
        const back = applyIgnoreChanges(
          olds,
          news,
          diff.diffs.map((key) => renderPath([key])),
        );
        expect(diffInputs(olds, back).changes).toBe("none");
      }),
    );
  });

  it("ignores everything under *", () => {
    fc.assert(
      fc.property(bags, bags, (olds, news) => {
        expect(diffInputs(olds, applyIgnoreChanges(olds, news, ["*"])).changes).toBe("none");
      }),
    );
  });

  it("names leaves, and keys in order", () => {
    const diff = diffInputs({ list: [1, 2], gone: 1, map: { y: { z: true } } }, { list: [1, 3], added: 1, map: { y: { z: false } } });
    expect(diff.diffs).toEqual(["added", "gone", "list", "map"]);
    expect(Object.fromEntries(Object.entries(diff.detailedDiff ?? {}).map(([path, { kind }]) => [path, kind]))).toEqual({
      added: "add",
      gone: "delete",
      "list[1]": "update",
      "map.y.z": "update",
    });
  });

  it("does not count a secret mark as a difference", () => {
    expect(diffInputs({ a: "x" }, { a: new Secret("x") }).changes).toBe("none");
  });

  it("turns covered paths into replacements, and leaves the others", () => {
    const diff = applyReplaceOnChanges(diffInputs({ a: { x: 1, y: 1 } }, { a: { x: 2, y: 2 } }), ["a.x"], false);
    expect(diff.detailedDiff?.["a.x"]?.kind).toBe("update-replace");
    expect(diff.detailedDiff?.["a.y"]?.kind).toBe("update");
    expect(diff.replaces).toEqual([]);
    expect(applyReplaceOnChanges(diffInputs({ a: 1 }, { a: 1 }), ["*"], true).replaces).toEqual(["#initerror"]);
  });
});

describe("the order of deletes", () => {
  /** Entries that each refer to some of those before them. */
  const states = fc.array(fc.array(fc.nat(), { maxLength: 3 }), { maxLength: 12 }).map((shape) =>
    shape.map((refs, index): ResourceEntry => {
      const dependencies = index === 0 ? [] : [...new Set(refs.map((ref) => `u${ref % index}`))];
      return { urn: `u${index}`, type: "t", custom: true, id: "i", inputs: {}, outputs: {}, dependencies };
    }),
  );

  it("puts nobody before its dependents, and everybody once", () => {
    fc.assert(
      fc.property(states, (entries) => {
        const layers = new DependencyGraph(entries).deletionLayers(entries.toReversed());
        const place = new Map(layers.flatMap((layer, index) => layer.map((entry) => [entry.urn, index] as const)));
        expect(layers.flat()).toHaveLength(entries.length);
        for (const entry of entries)
          for (const urn of entry.dependencies ?? []) expect(place.get(entry.urn)).toBeLessThan(place.get(urn) ?? -1);
      }),
    );
  });

  it("takes the children of a component that is depended on for dependencies", () => {
    const base = { type: "t", inputs: {}, outputs: {} };
    const top: ResourceEntry = { ...base, urn: "top", custom: false };
    const child: ResourceEntry = { ...base, urn: "child", custom: true, id: "1", parent: "top" };
    const after: ResourceEntry = { ...base, urn: "after", custom: true, id: "2", dependencies: ["top"] };
    expect(new DependencyGraph([top, child, after]).deletionLayers([after, child, top])).toEqual([[after], [child], [top]]);
  });

  it("finds dependents through others, in state order", () => {
    fc.assert(
      fc.property(states, (entries) => {
        const graph = new DependencyGraph(entries);
        for (const entry of entries) {
          for (const dependent of graph.dependentsOf(entry.urn)) expect([...graph.ancestorsOf(dependent)]).toContain(entry);
        }
      }),
    );
  });
});

describe("integrity", () => {
  const entry = (urn: string, more: Partial<ResourceEntry> = {}): ResourceEntry => ({
    urn,
    type: "t",
    custom: true,
    id: "1",
    inputs: {},
    outputs: {},
    ...more,
  });

  it.each<[what: string, entries: readonly ResourceEntry[], problem: string]>([
    ["a parent that comes later", [entry("a", { parent: "b" }), entry("b")], "its parent b"],
    ["a missing dependency", [entry("a", { dependencies: ["x"] })], "its dependency x"],
    ["a missing property dependency", [entry("a", { propertyDependencies: { k: ["x"] } })], "its dependency of k x"],
    ["a missing deletedWith", [entry("a", { deletedWith: "x" })], "its deletedWith x"],
    ["a missing replaceWith", [entry("a", { replaceWith: ["x"] })], "its replaceWith x"],
    ["a provider under another id", [entry("p"), entry("a", { provider: "p::2" })], "the provider p::2"],
    ["a component with an id", [entry("a", { custom: false })], "is a component and yet has an id"],
    ["a URN twice", [entry("a"), entry("a")], "stands twice"],
    [
      "a stack with a parent",
      [entry("p"), entry("s", { type: "pulumi:pulumi:Stack", custom: false, id: "", parent: "p" })],
      "is the stack and yet has a parent",
    ],
  ])("finds %s", (_what, entries, problem) => {
    expect(findIntegrityProblems(entries)).toEqual([expect.stringContaining(problem)]);
  });

  it("accepts a URN that stands again flagged for deletion", () => {
    expect(
      findIntegrityProblems([entry("p"), entry("a", { provider: "p::1" }), entry("a", { delete: true }), entry("a", { delete: true })]),
    ).toEqual([]);
  });
});

describe("names", () => {
  it("chains types below a parent, but not below the stack", () => {
    const stack = createUrn({ stack: "dev", project: "p", parent: "", type: "pulumi:pulumi:Stack", name: "p-dev" });
    const top = createUrn({ stack: "dev", project: "p", parent: stack, type: "x:y:Top", name: "top" });
    expect(top).toBe("urn:pulumi:dev::p::x:y:Top::top");
    const child = createUrn({ stack: "dev", project: "p", parent: top, type: "x:y:Child", name: "a::b" });
    expect(child).toBe("urn:pulumi:dev::p::x:y:Top$x:y:Child::a::b");
    expect(parseUrn(child)).toEqual({ stack: "dev", project: "p", qualifiedType: "x:y:Top$x:y:Child", type: "x:y:Child", name: "a::b" });
  });

  it("knows default providers and references", () => {
    expect(isDefaultProvider("urn:pulumi:dev::p::pulumi:providers:x::default_1_2")).toBe(true);
    expect(isDefaultProvider("urn:pulumi:dev::p::pulumi:providers:x::mine")).toBe(false);
    expect(parseReference("urn:a::b::c::d::id-1")).toEqual({ urn: "urn:a::b::c::d", id: "id-1" });
  });

  it.each([
    ["**::a", "urn:pulumi:dev::p::t::a", true],
    ["**::a", "urn:pulumi:dev::p::t::ba", false],
    ["urn:pulumi:*::p::t::a", "urn:pulumi:dev::p::t::a", true],
    ["urn:pulumi:*::t::a", "urn:pulumi:dev::p::t::a", false],
  ])("matches %s against %s: %s", (pattern, urn, expected) => {
    expect(urnMatcher([pattern])(urn)).toBe(expected);
  });

  it.each([
    ["90s", 90],
    ["1h30m", 5400],
    ["1.5m", 90],
    ["250ms", 0.25],
    ["0", 0],
  ])("reads the duration %s", (text, seconds) => {
    expect(parseGoDuration(text)).toBeCloseTo(seconds);
  });

  it.each(["soon", "5", "5x", "s5", ""])("refuses the duration %s", (text) => {
    expect(() => parseGoDuration(text)).toThrow(expect.objectContaining({ code: "ERR_ENGINE_OPTION" }));
  });
});

describe("aliases and inheritance", () => {
  const parent = "urn:pulumi:dev::p::x:y:New::line";

  it("fills what an alias leaves out from the present", () => {
    const goal = {
      ...emptyGoal("x:y:Z", "new"),
      aliases: [{ name: "old" }, { type: "x:y:Was" }, { urn: "urn:whole" }, { noParent: true }],
      parent,
    };
    expect(aliasUrns(goal, { stack: "dev", project: "p", parentAlias: undefined })).toEqual([
      "urn:pulumi:dev::p::x:y:New$x:y:Z::old",
      "urn:pulumi:dev::p::x:y:New$x:y:Was::new",
      "urn:whole",
      "urn:pulumi:dev::p::x:y:Z::new",
    ]);
  });

  it("follows an aliased parent, swapping its name in front of the child's", () => {
    const goal = { ...emptyGoal("x:y:Z", "line-one"), parent };
    const parentAlias = "urn:pulumi:dev::p::x:y:Old::bus";
    expect(aliasUrns(goal, { stack: "dev", project: "p", parentAlias })).toEqual(["urn:pulumi:dev::p::x:y:Old$x:y:Z::bus-one"]);
  });

  it("takes over from the parent what is not set", () => {
    const above = { ...emptyGoal("c", "top"), protect: true, retainOnDelete: true, deletedWith: "w", providers: { k: "ref" } };
    expect(inheritFromParent(emptyGoal("t", "a"), above)).toMatchObject({
      protect: true,
      retainOnDelete: true,
      deletedWith: "w",
      providers: {},
    });
    expect(inheritFromParent({ ...emptyGoal("t", "a"), protect: false, deletedWith: "v" }, above)).toMatchObject({
      protect: false,
      deletedWith: "v",
    });
    expect(inheritFromParent({ ...emptyGoal("c", "a"), custom: false, providers: { j: "own" } }, above).providers).toEqual({
      k: "ref",
      j: "own",
    });
  });
});

describe("queues", () => {
  it("lets at most so many run at once, in order", async () => {
    const limiter = new Limiter(2);
    let running = 0;
    let most = 0;
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        limiter.run(async () => {
          most = Math.max(most, ++running);
          order.push(index);
          await new Promise((resolve) => setImmediate(resolve));
          running--;
        }),
      ),
    );
    expect(most).toBe(2);
    expect(order).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it("runs one after the other also after a failure", async () => {
    const queue = new SerialQueue();
    const failed = queue.run(async () => Promise.reject(new Error("no")));
    const next = queue.run(async () => "yes");
    await expect(failed).rejects.toThrow("no");
    await expect(next).resolves.toBe("yes");
  });
});
