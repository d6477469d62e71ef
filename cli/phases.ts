import type { EngineEvent } from "../engine/events.ts";
import { parseUrn, STACK_TYPE } from "../engine/urn.ts";

/** A part of a run that the closing report times. */
export type PhaseName = "program start" | "provider host" | "identity" | "servers" | "streams";

/** When a phase began and ended, milliseconds after the start of the run. */
export interface Phase {
  readonly name: PhaseName;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Measures phases from the events of a run. */
export interface PhaseClock {
  onEvent(event: EngineEvent): void;
  /** Notes the begin or the end of a phase that events do not show. */
  mark(name: PhaseName, edge: "begin" | "end"): void;
  /** What was measured, in order of begin; phases in which nothing happened are left out. */
  phases(): readonly Phase[];
}

const OF_FOLDER: Readonly<Record<string, PhaseName>> = { tls: "identity", accounts: "identity", process: "servers", streams: "streams" };

/** The phase that a resource's type belongs to. */
export function phaseOf(type: string): PhaseName | undefined {
  const folder = /^pulumi-nodejs:dynamic\/natsbus\/([^:/]+):/.exec(type)?.[1];
  return folder === undefined ? undefined : OF_FOLDER[folder];
}

/** A clock that starts at `now()`. */
export function createPhaseClock(now: () => number = () => performance.now()): PhaseClock {
  const startedAt = now();
  const spans = new Map<PhaseName, { fromMs: number; toMs: number }>();

  function mark(name: PhaseName, edge: "begin" | "end"): void {
    const atMs = now() - startedAt;
    const span = spans.get(name);
    if (span === undefined) spans.set(name, { fromMs: edge === "begin" ? atMs : 0, toMs: atMs });
    else if (edge === "end") span.toMs = atMs;
  }

  return {
    mark,
    onEvent(event) {
      const metadata = stepOf(event);
      if (metadata === undefined) return;
      const { type } = parseUrn(metadata.urn);
      if (type === STACK_TYPE) {
        if (!spans.has("program start")) mark("program start", "end");
        return;
      }
      const phase = metadata.op === "same" ? undefined : phaseOf(type);
      if (phase !== undefined) mark(phase, "resourcePreEvent" in event ? "begin" : "end");
    },
    phases: () => [...spans].map(([name, span]) => ({ name, ...span })).sort((a, b) => a.fromMs - b.fromMs),
  };
}

function stepOf(event: EngineEvent): { readonly urn: string; readonly op: string } | undefined {
  if ("resourcePreEvent" in event) return event.resourcePreEvent.metadata;
  if ("resOutputsEvent" in event) return event.resOutputsEvent.metadata;
  return "resOpFailedEvent" in event ? event.resOpFailedEvent.metadata : undefined;
}
