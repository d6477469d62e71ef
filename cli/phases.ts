import type { EngineEvent } from "../engine/events.ts";
import { parseUrn, STACK_TYPE } from "../engine/urn.ts";

/** A part of a run that the closing report times. */
export type PhaseName = "program start" | "provider host" | "identity" | "servers" | "streams";

/** How long a phase took. */
export interface Phase {
  readonly name: PhaseName;
  /** Begin, milliseconds after the start of the run. */
  readonly fromMs: number;
  /** Time in which at least one of its steps ran, in milliseconds. */
  readonly busyMs: number;
}

/** Measures phases from the events of a run. */
export interface PhaseClock {
  onEvent(event: EngineEvent): void;
  /** Notes the begin or the end of one step of a phase; for what events do not show. */
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

interface Span {
  readonly fromMs: number;
  /** Steps that run now. */
  running: number;
  sinceMs: number;
  busyMs: number;
}

/** A clock that starts at `now()`. */
export function createPhaseClock(now: () => number = () => performance.now()): PhaseClock {
  const startedAt = now();
  const spans = new Map<PhaseName, Span>();

  function mark(name: PhaseName, edge: "begin" | "end"): void {
    const atMs = now() - startedAt;
    const span = spans.get(name) ?? { fromMs: atMs, running: 0, sinceMs: atMs, busyMs: 0 };
    spans.set(name, span);
    if (edge === "begin" && span.running === 0) span.sinceMs = atMs;
    if (edge === "end" && span.running === 1) span.busyMs += atMs - span.sinceMs;
    span.running = Math.max(0, span.running + (edge === "begin" ? 1 : -1));
  }

  mark("program start", "begin");
  return {
    mark,
    onEvent(event) {
      const metadata = stepOf(event);
      if (metadata === undefined) return;
      const { type } = parseUrn(metadata.urn);
      // The program is there when it registers its stack.
      if (type === STACK_TYPE && metadata.op !== "refresh" && spans.get("program start")?.busyMs === 0) mark("program start", "end");
      const phase = metadata.op === "same" ? undefined : phaseOf(type);
      if (phase !== undefined) mark(phase, "resourcePreEvent" in event ? "begin" : "end");
    },
    phases: () =>
      [...spans]
        .map(([name, { fromMs, busyMs }]) => ({ name, fromMs, busyMs }))
        .filter(({ busyMs }) => busyMs > 0)
        .sort((a, b) => a.fromMs - b.fromMs),
  };
}

function stepOf(event: EngineEvent): { readonly urn: string; readonly op: string } | undefined {
  if ("resourcePreEvent" in event) return event.resourcePreEvent.metadata;
  if ("resOutputsEvent" in event) return event.resOutputsEvent.metadata;
  return "resOpFailedEvent" in event ? event.resOpFailedEvent.metadata : undefined;
}
