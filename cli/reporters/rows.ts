import type { DiagnosticEvent, EngineEvent, StepEventMetadata } from "../../engine/events.ts";
import { isDefaultProvider, parseUrn, STACK_TYPE } from "../../engine/urn.ts";

/** Messages of one resource, counted. */
interface MessageCount {
  readonly errors: number;
  readonly warnings: number;
  readonly infos: number;
  /** First line of the worst message so far, the newest among equals, with its prefix. */
  readonly worst: string | undefined;
}

/** What the display knows about one resource. */
export interface Row {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
  readonly isStack: boolean;
  /** URN; "" at the top. */
  readonly parent: string;
  /** Newest step event; undefined when only messages came. */
  readonly step: StepEventMetadata | undefined;
  /** The `replace` step of a replacement, which knows what differs. */
  readonly replaceStep: StepEventMetadata | undefined;
  /** Anything but `same` happened, or a message came. */
  readonly visible: boolean;
  readonly state: "waiting" | "running" | "done" | "failed";
  /** Milliseconds on the caller's clock. */
  readonly startedMs: number;
  readonly endedMs: number | undefined;
  readonly messages: MessageCount;
  /** What a long provider operation is doing now. */
  readonly progress: string | undefined;
}

/** The rows of a display, and the one that an event changed. */
export interface RowTable {
  /** By URN, in order of appearance. */
  readonly rows: ReadonlyMap<string, Row>;
  /** Takes an event in; the row it changed, if any. */
  apply(event: EngineEvent, nowMs: number): Row | undefined;
}

const NO_MESSAGES: MessageCount = { errors: 0, warnings: 0, infos: 0, worst: undefined };

function count(messages: MessageCount, event: DiagnosticEvent): MessageCount {
  const kind = event.severity === "error" ? "errors" : event.severity === "warning" ? "warnings" : "infos";
  const next = { ...messages, [kind]: messages[kind] + 1 };
  const rank = messages.errors > 0 ? 2 : messages.warnings > 0 ? 1 : 0;
  const own = kind === "errors" ? 2 : kind === "warnings" ? 1 : 0;
  if (own < rank) return next;
  const text = `${event.prefix ?? ""}${event.message.trimEnd().split("\n")[0] ?? ""}`;
  return { ...next, worst: text.trim() === "" ? messages.worst : text };
}

/** An empty table. `stackUrn` is where messages without a resource belong. */
export function createRowTable(stackUrn: string): RowTable {
  const rows = new Map<string, Row>();

  function put(urn: string, nowMs: number, change: (row: Row) => Row): Row | undefined {
    if (isDefaultProvider(urn)) return undefined;
    const { type, name } = parseUrn(urn);
    const isStack = type === STACK_TYPE;
    const fresh: Row = {
      ...{ urn, type, name, isStack, parent: "", step: undefined, replaceStep: undefined, visible: isStack, state: "waiting" },
      ...{ startedMs: nowMs, endedMs: undefined, messages: NO_MESSAGES, progress: undefined },
    };
    // The stack is the root of everything: it stands first, also when its own turn comes last, as in a destroy.
    if (!isStack && rows.size === 0) put(stackUrn, nowMs, (stack) => stack);
    const row = change(rows.get(urn) ?? fresh);
    rows.set(urn, row);
    return row;
  }

  function step(metadata: StepEventMetadata, state: Row["state"], nowMs: number): Row | undefined {
    return put(metadata.urn, nowMs, (row) => ({
      ...row,
      step: metadata,
      replaceStep: metadata.op === "replace" ? metadata : row.replaceStep,
      parent: metadata.new?.parent ?? metadata.old?.parent ?? row.parent,
      visible: row.visible || metadata.op !== "same",
      state,
      startedMs: state === "running" ? nowMs : row.startedMs,
      endedMs: state === "running" ? undefined : nowMs,
      progress: state === "running" ? row.progress : undefined,
    }));
  }

  function message(event: DiagnosticEvent, nowMs: number): Row | undefined {
    if (event.severity === "debug" || event.ephemeral === true) return undefined;
    return put(event.urn || stackUrn, nowMs, (row) => ({ ...row, visible: true, messages: count(row.messages, event) }));
  }

  return {
    rows,
    apply(event, nowMs) {
      if ("resourcePreEvent" in event) return step(event.resourcePreEvent.metadata, "running", nowMs);
      if ("resOutputsEvent" in event) return step(event.resOutputsEvent.metadata, "done", nowMs);
      if ("resOpFailedEvent" in event) return step(event.resOpFailedEvent.metadata, "failed", nowMs);
      if ("diagnosticEvent" in event) return message(event.diagnosticEvent, nowMs);
      if ("progressEvent" in event) {
        const { urn, message: progress } = event.progressEvent;
        return put(urn, nowMs, (row) => ({ ...row, progress }));
      }
      return undefined;
    },
  };
}
