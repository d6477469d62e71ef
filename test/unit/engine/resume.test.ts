import { describe, expect, test } from "vitest";
import type { PendingOperation, ResourceEntry, RunRecorder, Snapshot } from "../../../engine/model.ts";
import { isSettled, resumeInterrupted } from "../../../engine/resume.ts";

const entry = (name: string, type = "own"): ResourceEntry => ({ urn: `urn:${name}`, type, custom: true, inputs: { name }, outputs: {} });
const creating = (name: string, type = "own"): PendingOperation => ({ type: "creating", resource: entry(name, type) });
const isResumable = (type: string) => type === "own";

function recorderOf(base: Snapshot): RunRecorder & { readonly rebased: (readonly ResourceEntry[])[] } {
  const rebased: (readonly ResourceEntry[])[] = [];
  const nothing = async () => undefined;
  const rebase = async (resources: readonly ResourceEntry[]) => void rebased.push(resources);
  return { base, rebased, begin: nothing, commit: nothing, rebase, clearPending: nothing, snapshot: () => base, finish: nothing };
}

describe("creates that an earlier run left unfinished", () => {
  test("are made anew by an update, without a word", async () => {
    const recorder = recorderOf({ resources: [entry("a")], pendingOperations: [creating("b")] });
    const { base } = await resumeInterrupted(recorder, "up", isResumable);
    expect(base.pendingOperations).toEqual([]);
    expect(base.resources).toEqual([entry("a")]);
    expect(recorder.rebased).toEqual([]);
  });

  test("become entries for a destroy, so that what they made is deleted", async () => {
    const recorder = recorderOf({ resources: [entry("a")], pendingOperations: [creating("b"), creating("a")] });
    const { base } = await resumeInterrupted(recorder, "destroy", isResumable);
    expect(base.resources).toEqual([entry("a"), { ...entry("b"), id: "urn:b", outputs: { name: "b" } }]);
    expect(recorder.rebased).toEqual([base.resources]);
  });

  test("stay pending when the type cannot be resumed, and so do other operations", async () => {
    const foreign = creating("b", "foreign");
    const updating: PendingOperation = { type: "updating", resource: entry("a") };
    for (const kind of ["up", "destroy"] as const) {
      const recorder = recorderOf({ resources: [entry("a")], pendingOperations: [foreign, updating] });
      expect(await resumeInterrupted(recorder, kind, isResumable)).toBe(recorder);
    }
  });

  test("stay pending through a refresh, which makes and deletes nothing", async () => {
    const recorder = recorderOf({ resources: [], pendingOperations: [creating("b")] });
    expect(await resumeInterrupted(recorder, "refresh", isResumable)).toBe(recorder);
  });

  test.each<[string, PendingOperation, readonly ResourceEntry[], boolean]>([
    ["made by now", creating("a"), [entry("a")], true],
    ["everything is gone", creating("a"), [], true],
    ["still missing", creating("a"), [entry("b")], false],
    ["of a foreign type", creating("a", "foreign"), [entry("a")], false],
  ])("are settled when a state is saved: %s", (_why, operation, resources, settled) => {
    expect(isSettled(operation, { resources, pendingOperations: [operation] }, isResumable)).toBe(settled);
  });
});
