import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { initBackend, listStacks, loadCheckpoint, removeStack } from "../../../engine/file-state.ts";
import type { PendingOperation, ResourceEntry, RunOutcome, RunRecorder, Snapshot } from "../../../engine/model.ts";
import { exportState, loadState, openRecorder, replaceState } from "../../../engine/recorder.ts";
import { CLEAR_TEXT, createSecrets } from "../../../engine/secrets.ts";
import { stackFiles } from "../../../engine/stack-files.ts";
import { encodeState } from "../../../engine/state.ts";
import { Secret } from "../../../engine/values.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const secrets = await createSecrets("correct-horse");
const OUTCOME: RunOutcome = { kind: "update", result: "succeeded", resourceChanges: { create: 1 }, startTime: 1, message: "" };

function entry(name: string, changes: Partial<ResourceEntry> = {}): ResourceEntry {
  return {
    urn: `urn:pulumi:dev::p::t::${name}`,
    type: "t",
    custom: true,
    id: name,
    inputs: { token: new Secret(`hush-${name}`) },
    outputs: {},
    ...changes,
  };
}

function started(root: string, notices: string[] = []): { recorder: RunRecorder; options: Parameters<typeof openRecorder>[0] } {
  initBackend(root);
  const options = { address: { root, project: "p", stack: "dev" }, secrets, config: {}, onNotice: (text: string) => notices.push(text) };
  return { recorder: openRecorder(options), options };
}

function names(snapshot: Snapshot): string[] {
  return snapshot.resources.map(({ urn, delete: flagged }) => `${urn.split("::").at(-1)}${flagged === true ? "!" : ""}`);
}

function textOf(snapshot: Snapshot): string {
  return JSON.stringify(encodeState(snapshot, { codec: CLEAR_TEXT, salt: "", time: new Date(0) }));
}

/** A run in several steps; calls `after` behind each, with the snapshot that must survive a crash there. */
async function playRun(recorder: RunRecorder, after: (snapshot: Snapshot) => void): Promise<void> {
  const [a, b, c] = recorder.base.resources as [ResourceEntry, ResourceEntry, ResourceEntry];
  const step = async (done: Promise<void>): Promise<void> => {
    await done;
    after(recorder.snapshot());
  };
  await step(recorder.clearPending({ all: false }));
  const update: PendingOperation = { type: "updating", resource: a };
  const create: PendingOperation = { type: "creating", resource: entry("d") };
  await step(recorder.begin(update));
  await step(recorder.begin(create));
  const updated = entry("a", { outputs: { n: 1 } });
  await step(recorder.commit({ ends: update, removes: [a], writes: [updated] }));
  const flagged = { ...b, delete: true };
  await step(recorder.commit({ ends: create, writes: [entry("d")], changes: [{ from: b, to: flagged }] }));
  const { id: _none, ...component } = entry("e", { custom: false });
  await step(recorder.commit({ writes: [component] }));
  await step(recorder.commit({ changes: [{ from: component, to: { ...component, outputs: { done: true } } }] }));
  const removal: PendingOperation = { type: "deleting", resource: flagged };
  await step(recorder.begin(removal));
  await step(recorder.commit({ ends: removal, removes: [flagged] }));
  await step(recorder.rebase([c, entry("f")]));
}

const BASE: Snapshot = {
  resources: [entry("a"), entry("b"), entry("c")],
  pendingOperations: [
    { type: "creating", resource: entry("x") },
    { type: "deleting", resource: entry("y") },
  ],
};

describe("a recorded run", () => {
  it("keeps entries of the run first, in completion order, and changed ones in their place", async () => {
    using folder = temporaryFolder();
    const { options } = started(folder.path);
    replaceState(BASE, options);
    const recorder = openRecorder(options);
    const seen: string[][] = [];
    await playRun(recorder, (snapshot) => seen.push([...names(snapshot), ...snapshot.pendingOperations.map(({ type }) => type)]));
    expect(seen).toEqual([
      ["a", "b", "c", "creating"],
      ["a", "b", "c", "creating", "updating"],
      ["a", "b", "c", "creating", "updating", "creating"],
      ["a", "b", "c", "creating", "creating"],
      ["a", "d", "b!", "c", "creating"],
      ["a", "d", "e", "b!", "c", "creating"],
      ["a", "d", "e", "b!", "c", "creating"],
      ["a", "d", "e", "b!", "c", "creating", "deleting"],
      ["a", "d", "e", "c", "creating"],
      ["a", "d", "e", "c", "f", "creating"],
    ]);
  });

  it("leaves the files the CLI leaves, and no secret in clear in any", async () => {
    using folder = temporaryFolder();
    const { options } = started(folder.path);
    replaceState(BASE, options);
    const recorder = openRecorder(options);
    await playRun(recorder, () => undefined);
    await recorder.finish(OUTCOME);
    const files = readdirSync(folder.path, { recursive: true, withFileTypes: true }).filter((file) => file.isFile());
    expect(files.map(({ name }) => name.replace(/\d{19}/, "NANOS")).sort()).toEqual([
      "dev-NANOS.checkpoint.json",
      "dev-NANOS.history.json",
      "dev.NANOS.json",
      "dev.json",
      "dev.json.bak",
      "meta.yaml",
    ]);
    for (const file of files) {
      const path = join(file.parentPath, file.name);
      expect(readFileSync(path, "utf8")).not.toContain("hush");
      if (file.name !== "meta.yaml") expect(statSync(path).mode & 0o077).toBe(0);
    }
    expect(loadState(options.address, secrets)).toEqual(recorder.snapshot());
  });

  it("gives the same state file when nothing changed, but for its time", async () => {
    using folder = temporaryFolder();
    const { options } = started(folder.path);
    replaceState(BASE, options);
    const withoutTime = () => readFileSync(stackFiles(options.address).checkpoint, "utf8").replace(/"time": "[^"]*"/, "");
    const before = withoutTime();
    await openRecorder(options).finish(OUTCOME);
    expect(withoutTime()).toBe(before);
  });

  it("survives a crash behind every step, and folds the journal in at the next start", async () => {
    using folder = temporaryFolder();
    const { options } = started(folder.path);
    replaceState(BASE, options);
    const { checkpoint, journal } = stackFiles(options.address);
    const base = readFileSync(checkpoint);
    const sizes: [number, Snapshot][] = [];
    await playRun(openRecorder(options), (snapshot) => sizes.push([existsSync(journal) ? statSync(journal).size : 0, snapshot]));
    const whole = readFileSync(journal);
    for (const [size, expected] of sizes) {
      writeFileSync(checkpoint, base);
      writeFileSync(journal, whole.subarray(0, size));
      expect(loadState(options.address, secrets)).toEqual(expected);
      const notices: string[] = [];
      expect(openRecorder({ ...options, onNotice: (text) => notices.push(text) }).base).toEqual(expected);
      expect(notices).toHaveLength(1);
      expect(existsSync(journal)).toBe(false);
      expect(loadState(options.address, secrets)).toEqual(expected);
    }
  });

  it("loads a state the run really had, wherever the journal is cut off", async () => {
    using folder = temporaryFolder();
    const { options } = started(folder.path);
    replaceState(BASE, options);
    const { journal } = stackFiles(options.address);
    const states = [textOf(BASE)];
    await playRun(openRecorder(options), (snapshot) => states.push(textOf(snapshot)));
    let last = states.length - 1;
    for (let size = statSync(journal).size; size >= 0; size--) {
      truncateSync(journal, size);
      const found = states.indexOf(textOf(loadState(options.address, secrets)));
      expect(found).toBeGreaterThanOrEqual(0);
      expect(found).toBeLessThanOrEqual(last);
      last = found;
    }
    expect(last).toBe(0);
  });

  it("does not play a journal twice that is in the checkpoint already", async () => {
    using folder = temporaryFolder();
    const { options } = started(folder.path);
    replaceState(BASE, options);
    const { journal } = stackFiles(options.address);
    const recorder = openRecorder(options);
    await playRun(recorder, () => undefined);
    const written = readFileSync(journal, "utf8");
    await recorder.finish(OUTCOME);
    const saved = loadCheckpoint(options.address)?.hash ?? "";
    mkdirSync(dirname(journal), { recursive: true });
    writeFileSync(journal, `${written}${JSON.stringify({ done: saved })}\n`);
    const notices: string[] = [];
    expect(openRecorder({ ...options, onNotice: (text) => notices.push(text) }).base).toEqual(recorder.snapshot());
    expect([notices, existsSync(journal)]).toEqual([[], false]);
  });

  it("keeps a journal aside when something else changed the state since", async () => {
    using folder = temporaryFolder();
    const { options } = started(folder.path);
    replaceState(BASE, options);
    await playRun(openRecorder(options), () => undefined);
    const { checkpoint, journal } = stackFiles(options.address);
    writeFileSync(checkpoint, `${readFileSync(checkpoint, "utf8")}\n`);
    const notices: string[] = [];
    expect(openRecorder({ ...options, onNotice: (text) => notices.push(text) }).base).toEqual(BASE);
    expect(notices).toEqual([expect.stringContaining(".outdated")]);
    expect(readdirSync(dirname(journal))).toEqual([expect.stringContaining(".outdated")]);
  });

  it("refuses a journal damaged in its middle", async () => {
    using folder = temporaryFolder();
    const { options } = started(folder.path);
    await openRecorder(options).commit({ writes: [entry("a")] });
    const { journal } = stackFiles(options.address);
    writeFileSync(journal, readFileSync(journal, "utf8").replace('{"commit"', '{"comm"it"'));
    expect(() => loadState(options.address, secrets)).toThrow(expect.objectContaining({ code: "ERR_STATE_CORRUPT" }));
  });

  it("tells changes of things it does not have from its own mistakes", async () => {
    using folder = temporaryFolder();
    const { recorder } = started(folder.path);
    await expect(recorder.commit({ removes: [entry("nobody")] })).rejects.toMatchObject({ code: "ERR_INTERNAL" });
    await expect(recorder.commit({ ends: { type: "creating", resource: entry("nobody") } })).rejects.toMatchObject({
      code: "ERR_INTERNAL",
    });
  });

  it("refuses to put a state in place that contradicts itself, and tells when a run left one", async () => {
    using folder = temporaryFolder();
    const { recorder, options } = started(folder.path);
    const orphan = entry("a", { parent: "urn:nobody" });
    expect(() => replaceState({ resources: [orphan], pendingOperations: [] }, options)).toThrow(
      expect.objectContaining({ code: "ERR_ENGINE_STATE_INTEGRITY" }),
    );
    expect(loadState(options.address, secrets).resources).toEqual([]);
    await recorder.commit({ writes: [orphan] });
    await expect(recorder.finish(OUTCOME)).rejects.toMatchObject({ code: "ERR_ENGINE_STATE_INTEGRITY" });
    expect(loadState(options.address, secrets).resources).toEqual([orphan]);
  });

  it("groups records that are written at the same time", async () => {
    using folder = temporaryFolder();
    const { recorder, options } = started(folder.path);
    await Promise.all(Array.from({ length: 200 }, (_, index) => recorder.commit({ writes: [entry(String(index))] })));
    expect(names(loadState(options.address, secrets))).toEqual(names(recorder.snapshot()));
  });
});

describe("a state folder", () => {
  it("lists its stacks and forgets a removed one", () => {
    using folder = temporaryFolder();
    const { options } = started(folder.path);
    replaceState(BASE, options);
    replaceState(BASE, { ...options, address: { ...options.address, stack: "prod" } });
    expect(listStacks(folder.path).map(({ project, stack }) => `${project}/${stack}`)).toEqual(["p/dev", "p/prod"]);
    removeStack(options.address);
    expect(listStacks(folder.path, "p").map(({ stack }) => stack)).toEqual(["prod"]);
  });

  it("reads the newest of plain and compressed files", () => {
    using folder = temporaryFolder();
    const { options } = started(folder.path);
    replaceState(BASE, options);
    const { checkpoint } = stackFiles(options.address);
    const empty = JSON.stringify({ version: 3, checkpoint: { stack: "organization/p/dev", latest: null } });
    writeFileSync(`${checkpoint}.gz`, gzipSync(empty));
    utimesSync(checkpoint, new Date(1000), new Date(1000));
    expect(loadState(options.address, secrets).resources).toEqual([]);
    utimesSync(`${checkpoint}.gz`, new Date(500), new Date(500));
    expect(names(loadState(options.address, secrets))).toEqual(["a", "b", "c"]);
  });

  it.each([
    ["text that is not JSON", "{", "ERR_STATE_CORRUPT"],
    ["an empty file", "", "ERR_STATE_CORRUPT"],
    ["no checkpoint", "{}", "ERR_STATE_CORRUPT"],
    ["a newer version", '{"version":9,"checkpoint":{"latest":{}}}', "ERR_STATE_VERSION"],
  ])("refuses %s, naming the file, and changes nothing", (_name, text, code) => {
    using folder = temporaryFolder();
    const { options } = started(folder.path);
    const { checkpoint, stacks } = stackFiles(options.address);
    mkdirSync(stacks, { recursive: true });
    writeFileSync(checkpoint, text);
    expect(() => openRecorder(options)).toThrow(expect.objectContaining({ code, message: expect.stringContaining(checkpoint) }));
    expect(readFileSync(checkpoint, "utf8")).toBe(text);
  });

  it("refuses layouts it does not know", () => {
    using folder = temporaryFolder();
    const stacks = join(folder.path, ".pulumi", "stacks");
    mkdirSync(stacks, { recursive: true });
    writeFileSync(join(stacks, "dev.json"), "{}");
    expect(() => initBackend(folder.path)).toThrow(expect.objectContaining({ code: "ERR_STATE_VERSION" }));
    writeFileSync(join(folder.path, ".pulumi", "meta.yaml"), "version: 2\n");
    expect(() => initBackend(folder.path)).toThrow(expect.objectContaining({ code: "ERR_STATE_VERSION" }));
  });

  it("says that it cannot be written", () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "file"), "");
    expect(() => initBackend(join(folder.path, "file"))).toThrow(expect.objectContaining({ code: "ERR_STATE_WRITE" }));
  });

  it("exports what it holds, secrets readable on demand", () => {
    using folder = temporaryFolder();
    const { options } = started(folder.path);
    replaceState(BASE, options);
    expect(JSON.stringify(exportState(options.address, { secrets }))).not.toContain("hush");
    expect(JSON.stringify(exportState(options.address, { secrets, showSecrets: true }))).toContain("hush-a");
  });
});
