/** The messages of the tour: what the four subject families of the bus carry. Pure. */
import { z } from "zod";

/** Shape of every message of the tour. */
export const demoSchema = z.object({ from: z.string(), says: z.string(), value: z.number().optional() });

/** A message of the tour. */
type DemoValue = z.infer<typeof demoSchema>;

/** A message and where it goes: `<family>.<priority>.<event>`. */
export interface DemoMessage {
  readonly family: string;
  readonly priority: "critical" | "high" | "normal" | "low";
  readonly event: string;
  readonly value: DemoValue;
}

/** One message of each kind, in the order a person should see them. */
export const SHOWCASE: readonly DemoMessage[] = [
  {
    family: "consciousness",
    priority: "normal",
    event: "thought",
    value: { from: "mind-1", says: "noticed a pattern in the evening's logs" },
  },
  { family: "security", priority: "critical", event: "alert", value: { from: "gate-2", says: "five refused logins in ten seconds" } },
  { family: "performance", priority: "low", event: "cpu", value: { from: "node-7", says: "processor use in percent", value: 41.5 } },
  { family: "ai", priority: "high", event: "decision", value: { from: "planner", says: "move the batch to node 3" } },
  { family: "orchestrator", priority: "high", event: "command", value: { from: "planner", says: "drain node 2" } },
];

/** Number `n` of a stream of performance figures, which nobody waits for. */
export function measurement(n: number): DemoMessage {
  return {
    family: "performance",
    priority: "low",
    event: "cpu",
    value: { from: `node-${n % 8}`, says: "processor use in percent", value: Math.round(50 + 40 * Math.sin(n / 9)) },
  };
}

/** The subject below the tour's own beginning. */
export function demoSubject(root: string, { family, priority, event }: DemoMessage): string {
  return `${root}.${family}.${priority}.${event}`;
}
