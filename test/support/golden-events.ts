import { readdirSync, readFileSync } from "node:fs";
import type { DiagnosticEvent, EngineEvent, Json, StepEventMetadata, StepEventState, SummaryEvent } from "../../engine/events.ts";
import { SIGNATURE_KEY, SIGNATURES } from "../../engine/signatures.ts";

type JsonMap = { readonly [key: string]: Json };

/** A step event as the goldens keep it: without inputs and outputs. */
interface GoldenEvent {
  readonly event: "pre" | "outputs" | "failed";
  readonly op: StepEventMetadata["op"];
  readonly urn: string;
  readonly logical?: boolean;
  readonly diffs?: readonly string[];
  readonly keys?: readonly string[];
  readonly detailedDiff?: StepEventMetadata["detailedDiff"];
  readonly planning?: boolean;
}

/** An entry of a golden state. */
interface GoldenEntry {
  readonly urn: string;
  readonly type: string;
  readonly id?: string;
  readonly custom: boolean;
  readonly delete?: boolean;
  readonly inputs?: JsonMap;
  readonly outputs?: JsonMap;
  readonly parent?: string;
  readonly provider?: string;
  readonly protect?: boolean;
  readonly retainOnDelete?: boolean;
}

/** What a golden says about one step of a scenario, as far as the display is concerned. */
export interface GoldenStep {
  readonly step: string;
  readonly exitCode: number;
  readonly display?: { readonly progress?: readonly string[]; readonly closing?: string };
  readonly preview?: JsonMap;
  readonly events?: readonly GoldenEvent[];
  readonly eventOrder?: readonly string[];
  readonly summary?: Omit<SummaryEvent, "durationSeconds"> | null;
  readonly diagnostics?: readonly Omit<DiagnosticEvent, "color">[];
  readonly state?: { readonly deployment: { readonly resources?: readonly GoldenEntry[] } };
}

const FOLDER = new URL("../fixtures/engine-goldens/golden/", import.meta.url);

/** Names of all goldens. */
export function goldenNames(): readonly string[] {
  return readdirSync(FOLDER)
    .map((file) => file.replace(/\.json$/, ""))
    .sort();
}

/** The steps of one golden. */
export function readGolden(name: string): readonly GoldenStep[] {
  const golden = JSON.parse(readFileSync(new URL(`${name}.json`, FOLDER), "utf8")) as { readonly steps: readonly GoldenStep[] };
  return golden.steps;
}

function plain(value: Json): Json {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const map = value as JsonMap;
  return map[SIGNATURE_KEY] === SIGNATURES.secret ? "[secret]" : plainMap(map);
}

function plainMap(map: JsonMap): JsonMap {
  return Object.fromEntries(Object.entries(map).map(([key, value]) => [key, plain(value)]));
}

function side(entry: GoldenEntry | undefined, type: string, urn: string): StepEventState {
  return {
    ...{ type, urn, id: entry?.id ?? "", parent: entry?.parent ?? "", provider: entry?.provider ?? "" },
    ...{ custom: entry?.custom ?? true, protect: entry?.protect ?? false, retainOnDelete: entry?.retainOnDelete ?? false },
    ...{ inputs: plainMap(entry?.inputs ?? {}), outputs: plainMap(entry?.outputs ?? {}) },
  };
}

/** Builds the engine events of a recorded step again: step events from the order and the states before and after, then messages, then the summary. */
export function rebuildEvents(step: GoldenStep, before: GoldenStep | undefined): readonly EngineEvent[] {
  const left = [...(step.events ?? [])];
  const find = (state: GoldenStep | undefined, urn: string): GoldenEntry | undefined =>
    state?.state?.deployment.resources?.find((entry) => entry.urn === urn && entry.delete !== true);
  const steps = (step.eventOrder ?? []).map((label): EngineEvent => {
    const [event, op, ...urn] = label.split(" ");
    const index = left.findIndex((one) => one.event === event && one.op === op && one.urn === urn.join(" "));
    const found = left.splice(index, 1)[0] as GoldenEvent & { readonly old?: object; readonly new?: object };
    const type = found.urn.split("::")[2]?.split("$").at(-1) ?? "";
    const metadata: StepEventMetadata = {
      ...{ op: found.op, urn: found.urn, type, provider: "", keys: found.keys ?? null, diffs: found.diffs ?? null },
      ...{ detailedDiff: found.detailedDiff ?? null, logical: found.logical ?? false },
      old: found.old === undefined ? null : side(find(before, found.urn), type, found.urn),
      new: found.new === undefined ? null : side(find(step, found.urn), type, found.urn),
    };
    const stamp = { sequence: 0, timestamp: 0 };
    if (found.event === "pre") return { ...stamp, resourcePreEvent: { metadata, planning: found.planning ?? false } };
    return found.event === "outputs"
      ? { ...stamp, resOutputsEvent: { metadata, planning: found.planning ?? false } }
      : { ...stamp, resOpFailedEvent: { metadata, status: 0, steps: 0 } };
  });
  const messages = (step.diagnostics ?? []).map(
    (event): EngineEvent => ({ sequence: 0, timestamp: 0, diagnosticEvent: { color: "never", ...event } }),
  );
  const end: EngineEvent[] = !step.summary ? [] : [{ sequence: 0, timestamp: 0, summaryEvent: { ...step.summary, durationSeconds: 1 } }];
  return [...steps, ...messages, ...end];
}
