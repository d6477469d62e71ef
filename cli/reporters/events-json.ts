import type { EngineEvent } from "../../engine/events.ts";

/** One event as one line of JSON; secrets are masked in events already. */
export function renderEventLine(event: EngineEvent): string {
  return `${JSON.stringify(event)}\n`;
}
