import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { renderPreviewDocument } from "../../../cli/reporters/preview-json.ts";
import type { DiagnosticEvent, EngineEvent } from "../../../engine/events.ts";
import { removeLocks } from "../../../engine/lock.ts";
import { exportState, replaceState } from "../../../engine/recorder.ts";
import { openSecrets } from "../../../engine/secrets.ts";
import { stackFiles } from "../../../engine/stack-files.ts";
import { decodeState, parseDocument } from "../../../engine/state.ts";
import type { EngineRunOutcome, EngineRunRequest } from "./engine-run.ts";
import { PROJECT, runEngine, STACK } from "./engine-run.ts";
import type { Edit, GoldenStep, Scenario, ScenarioStep, Trigger } from "./scenario.ts";
import type { Json, Normaliser, Stage } from "./stage.ts";
import { createStage, PASSPHRASE, runRequest, writeProgram } from "./stage.ts";

const RUNS: ReadonlySet<string> = new Set(["up", "preview", "refresh", "preview-refresh", "destroy", "preview-destroy"]);

interface Play extends Stage {
  readonly scenario: Scenario;
}

/** Plays all steps of a scenario with the embedded engine. */
export async function playScenario(scenario: Scenario): Promise<readonly GoldenStep[]> {
  using stage = await createStage(scenario.name);
  const recorded: GoldenStep[] = [];
  for (const step of scenario.steps) recorded.push(await playStep({ ...stage, scenario }, step));
  return recorded;
}

async function playStep(stage: Play, step: ScenarioStep): Promise<GoldenStep> {
  const { directory, backend, normaliser } = stage;
  writeProgram(stage, step.program, step.behaviour);
  configure(stage, step);
  const callsBefore = readLines(join(directory, "calls.jsonl")).length;
  const historiesBefore = histories(backend).length;
  const from = Date.now();
  const record: Record<string, unknown> = { step: step.name };
  if (RUNS.has(step.command)) Object.assign(record, await run(stage, step, callsBefore, from));
  else Object.assign(record, await command(stage, step), markTime(normaliser, from));
  Object.assign(record, await recordState(stage));
  const all = histories(backend);
  const newest = all.at(-1);
  record["history"] =
    all.length > historiesBefore && newest !== undefined
      ? normaliser.history(JSON.parse(readFileSync(join(backend, newest), "utf8")))
      : null;
  record["files"] = normaliser.files(below(backend));
  return record;
}

function markTime(normaliser: Normaliser, from: number): Json {
  normaliser.step(from, Date.now());
  return {};
}

function configure({ config, secretKeys }: Play, step: ScenarioStep): void {
  for (const [key, value] of Object.entries(step.config?.set ?? {})) {
    const name = fullKey(key);
    config[name] = typeof value === "string" ? value : value.secret;
    if (typeof value === "string") secretKeys.delete(name);
    else secretKeys.add(name);
  }
  for (const key of step.config?.remove ?? []) {
    delete config[fullKey(key)];
    secretKeys.delete(fullKey(key));
  }
}

function fullKey(key: string): string {
  return key.includes(":") ? key : `${PROJECT}:${key}`;
}

async function run(stage: Play, step: ScenarioStep, callsBefore: number, from: number): Promise<Json> {
  const { normaliser, directory } = stage;
  const record: Record<string, unknown> = {};
  const outcome = await perform(stage, step, callsBefore, record);
  normaliser.step(from, Date.now());
  record["exitCode"] = outcome.exitCode;
  if (outcome.stderr !== "") record["stderr"] = outcome.stderr;
  const { result } = outcome;
  if (result !== undefined && step.command.startsWith("preview")) {
    const diagnostics = outcome.events.flatMap((event): DiagnosticEvent[] => ("diagnosticEvent" in event ? [event.diagnosticEvent] : []));
    Object.assign(record, normaliser.preview(renderPreviewDocument({ config: stage.config, result, diagnostics })));
  }
  const events = normaliser.events(outcome.events.map(withoutEmptyLists));
  const calls = normaliser.calls(readLines(join(directory, "calls.jsonl")).slice(callsBefore));
  if (stage.scenario.record !== "counts") return { ...record, ...events, calls };
  const all = events["events"] as readonly { event: string; op: string }[];
  const preview = record["preview"] as { steps: readonly unknown[] } | undefined;
  return {
    ...record,
    summary: events["summary"],
    diagnostics: events["diagnostics"],
    eventCounts: count(all.map(({ event, op }) => `${event} ${op}`)),
    callCounts: count(calls.map(({ call }) => call.split(" ")[0] ?? "")),
    ...(preview === undefined ? {} : { preview: { ...preview, steps: preview.steps.length }, previewOrder: undefined }),
  };
}

/** The CLI leaves out lists of keys that are empty; this engine says null. */
function withoutEmptyLists(event: EngineEvent): unknown {
  return JSON.parse(
    JSON.stringify(event, (key, value: unknown) => ((key === "keys" || key === "diffs") && value === null ? undefined : value)),
  );
}

async function perform(stage: Play, step: ScenarioStep, callsBefore: number, record: Record<string, unknown>): Promise<EngineRunOutcome> {
  const request = runRequest(stage, step.command, { passphrase: step.passphrase ?? PASSPHRASE, args: step.args ?? [] });
  if (step.interrupt?.signal === "SIGKILL") return killed(stage, step.interrupt, request, callsBefore);
  const graceful = new AbortController();
  let over = false;
  const first = runEngine(request, { graceful: graceful.signal, now: new AbortController().signal }).finally(() => {
    over = true;
  });
  if (step.interrupt !== undefined) {
    await until(stage, step.interrupt.when, callsBefore, () => !over);
    await pause(step.interrupt.afterMs ?? 300);
    graceful.abort();
  }
  if (step.concurrent !== undefined) {
    await until(stage, step.concurrent.when, callsBefore, () => !over);
    const second = await runEngine({ ...request, command: step.concurrent.command });
    record["second"] = { exitCode: second.exitCode, stderr: second.stderr };
  }
  return first;
}

async function killed(
  stage: Play,
  interrupt: NonNullable<ScenarioStep["interrupt"]>,
  request: EngineRunRequest,
  callsBefore: number,
): Promise<EngineRunOutcome> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.resolve("./killed-run.ts")), JSON.stringify(request)], {
    stdio: "ignore",
  });
  const ended = new Promise<void>((resolve) => {
    child.on("exit", () => resolve());
  });
  await until(stage, interrupt.when, callsBefore, () => child.exitCode === null);
  await pause(interrupt.afterMs ?? 300);
  child.kill("SIGKILL");
  await ended;
  disguiseLocks(stage.backend);
  return { exitCode: null as unknown as number, result: undefined, events: [], stderr: "" };
}

/** Makes the locks left behind look like the CLI's own: this engine would know that their holder is dead and take them away. */
function disguiseLocks(backend: string): void {
  const { locks } = stackFiles({ root: backend, project: PROJECT, stack: STACK });
  for (const name of readdirSync(locks)) {
    const { pid, username, timestamp } = JSON.parse(readFileSync(join(locks, name), "utf8")) as Record<string, unknown>;
    writeFileSync(join(locks, name), JSON.stringify({ pid, username, hostname: "elsewhere", timestamp }));
  }
}

async function until({ directory }: Play, trigger: Trigger, from: number, goesOn: () => boolean): Promise<void> {
  const begun = (line: unknown): boolean => {
    const { phase, operation, key } = line as { phase: string; operation?: string; key?: string };
    return phase === "begin" && operation === trigger.operation && key === trigger.key;
  };
  while (goesOn() && !readLines(join(directory, "calls.jsonl")).slice(from).some(begun)) await pause(20);
}

async function command(stage: Play, step: ScenarioStep): Promise<Json> {
  const { backend, salt, normaliser } = stage;
  const address = { root: backend, project: PROJECT, stack: STACK };
  const secrets = await openSecrets(salt, PASSPHRASE);
  const showSecrets = step.args?.includes("--show-secrets") ?? false;
  switch (step.command) {
    case "cancel":
      removeLocks(stackFiles(address).locks);
      return { exitCode: 0 };
    case "export":
      return { exitCode: 0, document: normaliser.state(exportState(address, { secrets, showSecrets })).state };
    case "round-trip": {
      const document = structuredClone(exportState(address, { secrets })) as unknown as Record<string, unknown>;
      for (const edit of step.edit ?? []) applyEdit(document, edit);
      try {
        const snapshot = decodeState(parseDocument(document as never), secrets);
        replaceState({ ...snapshot, pendingOperations: [] }, { address, secrets });
        return { exitCode: 0 };
      } catch (error) {
        return { exitCode: 1, stderr: String(error) };
      }
    }
    case "outputs": {
      const { deployment } = exportState(address, { secrets, showSecrets: true });
      const entries = deployment["resources"] as readonly { urn: string; outputs?: Json }[];
      return { exitCode: 0, document: normaliser.value(entries.find(({ urn }) => urn.includes("pulumi:pulumi:Stack"))?.outputs ?? {}) };
    }
    default:
      throw new Error(`a scenario asks for ${step.command}`);
  }
}

function applyEdit(document: Record<string, unknown>, edit: Edit): void {
  const deployment = document["deployment"] as { resources: { urn: string }[]; manifest: { magic: string } };
  const find = (end: string): number => deployment.resources.findIndex(({ urn }) => urn.endsWith(end));
  if (edit.remove !== undefined) deployment.resources.splice(find(edit.remove), 1);
  if (edit.resource !== undefined) Object.assign(deployment.resources[find(edit.resource)] ?? {}, edit.merge);
  if (edit.reverse === true) deployment.resources.reverse();
  if (edit.magic !== undefined) deployment.manifest.magic = edit.magic;
}

async function recordState({ backend, normaliser, scenario, salt }: Play): Promise<Json> {
  const { state, stateOrder } = normaliser.state(await stateDocument(backend, salt));
  if (scenario.record !== "counts") return { state, stateOrder };
  const deployment = state["deployment"] as { resources: readonly unknown[] };
  return { state: { ...state, deployment: { ...deployment, resources: deployment.resources.slice(0, 4) } }, stateCount: stateOrder.length };
}

/** The state file, or after a crash what the next run would begin with; nobody has saved that yet. */
async function stateDocument(backend: string, salt: string): Promise<unknown> {
  const address = { root: backend, project: PROJECT, stack: STACK };
  const files = stackFiles(address);
  if (existsSync(files.journal)) return exportState(address, { secrets: await openSecrets(salt, PASSPHRASE) });
  const { version, features, checkpoint } = JSON.parse(readFileSync(files.checkpoint, "utf8")) as {
    version: number;
    features?: readonly string[];
    checkpoint: { latest?: unknown };
  };
  return { version, ...(features === undefined ? {} : { features }), deployment: checkpoint.latest ?? {} };
}

function histories(backend: string): string[] {
  return below(backend)
    .filter((file) => file.endsWith(".history.json"))
    .sort();
}

function below(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

function readLines(file: string): readonly unknown[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line): unknown => JSON.parse(line));
}

function count(list: readonly string[]): Record<string, number> {
  const result: Record<string, number> = {};
  for (const item of [...list].sort()) result[item] = (result[item] ?? 0) + 1;
  return result;
}
