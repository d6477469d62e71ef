/** How a worker consumes: what an application writes, and what that comes to. */
import { BusError } from "../core/errors.ts";
import { type Duration, parseDuration } from "../core/units.ts";
import type { HeaderRecord } from "./headers.ts";
import { assertOneOf, assertShape, assertWhole } from "./options.ts";
import { deadLetterSubject, PRIORITIES, type Priority } from "./priority.ts";
import type { Route } from "./route.ts";

/** What {@link ConsumeArgs.orderBy} can look at. */
interface OrderedMessage {
  readonly subject: string;
  readonly headers: HeaderRecord;
  /** The validated value. */
  readonly value: unknown;
}

/** Where the messages come from: one durable consumer, or one for each lane. */
type ConsumerChoice =
  | {
      /** Name of the durable pull consumer. */
      readonly consumer: string;
    }
  | {
      /** Names of durable pull consumers by the priority they are filtered to. */
      readonly lanes: Readonly<Partial<Record<Priority, string>>>;
      /** `"strict"`: always the most urgent message there is. Weights: shares by priority, 1 where none is given.
       * @default "strict" */
      readonly serve?: "strict" | Readonly<Partial<Record<Priority, number>>>;
      /** Handlers kept free for the most urgent lane. Range: 0 to `concurrency` - 1.
       * @default - 1, or 0 with a concurrency of 1 */
      readonly reserved?: number;
    };

/** Options of a worker. */
export type ConsumeArgs = ConsumerChoice & {
  /** Stream to consume. */
  readonly stream: string;
  /** Handlers by subject; the first whose pattern covers a message gets it. */
  readonly routes: readonly Route[];
  /** Handlers that run at a time.
   * @default 16 */
  readonly concurrency?: number;
  /** Messages of one lane to hold beyond those in handlers.
   * @default - twice `concurrency`, and more while handlers are quick: as many as were handled in the last 50 ms, at most 256 */
  readonly prefetch?: number;
  /** Key of a message: messages of one key are handled one after the other in stream order, a failed one is tried again in place. Holds within one worker.
   * @default - no order */
  readonly orderBy?: (message: OrderedMessage) => string | undefined;
  /** Waits before the second attempt, the third and so on; the last one repeats.
   * @default - those of the consumer, else 1s, 5s, 30s, 2m */
  readonly backOff?: readonly Duration[];
  /** Attempts until a message goes to the dead letters. A consumer's last delivery is kept for that, so it allows `max_deliver` - 1 of them.
   * @default - what the consumer allows, 5 when that is unlimited */
  readonly maxAttempts?: number;
  /** How long a handler may take; then its signal aborts and the attempt counts as failed.
   * @default "5m" */
  readonly handlerTimeout?: Duration;
  /** What to do with subjects no route covers: put them with the dead letters, or acknowledge them unread.
   * @default "dead-letter" */
  readonly unrouted?: "dead-letter" | "skip";
  /** Where the dead letters of a subject go.
   * @default - `<family>.dead.<event>` */
  readonly deadLetterSubject?: (subject: string) => string;
};

/** How many messages of a lane may wait: at first, and while handlers are quick. */
export interface PrefetchBounds {
  readonly least: number;
  readonly most: number;
}

const MOST_PREFETCH = 256;

/** A lane in full. */
interface LaneSpec {
  readonly priority: Priority;
  readonly consumer: string;
}

/** {@link ConsumeArgs} with defaults. */
export interface ConsumeSpec {
  readonly stream: string;
  readonly routes: readonly Route[];
  /** Most urgent first. */
  readonly lanes: readonly LaneSpec[];
  readonly weights: readonly number[] | undefined;
  readonly reserved: number;
  readonly concurrency: number;
  readonly prefetch: PrefetchBounds;
  readonly orderBy: ((message: OrderedMessage) => string | undefined) | undefined;
  readonly backOffMs: readonly number[] | undefined;
  readonly maxAttempts: number | undefined;
  readonly handlerMs: number;
  readonly skipsUnrouted: boolean;
  readonly deadLetterSubject: (subject: string) => string;
}

/**
 * Fills in defaults.
 * @throws ERR_CLIENT_OPTION for a number out of range or no lane, ERR_UNIT for a malformed duration
 */
export function resolveConsume(args: ConsumeArgs): ConsumeSpec {
  const { concurrency = 16, prefetch, backOff, maxAttempts, handlerTimeout = "5m" } = args;
  // Without a route every message would go to the dead letters.
  assertShape("routes", Array.isArray(args.routes) && args.routes.length > 0, "a list with at least one route");
  const lanes = lanesOf(args);
  const reserved = "lanes" in args ? (args.reserved ?? (concurrency > 1 ? 1 : 0)) : 0;
  const weights = "lanes" in args ? weightsOf(args.serve ?? "strict", lanes) : undefined;
  assertOneOf("unrouted", args.unrouted, ["dead-letter", "skip"]);
  assertWhole("concurrency", concurrency, 1);
  if (prefetch !== undefined) assertWhole("prefetch", prefetch, 1);
  assertWhole("reserved", reserved, 0, concurrency - 1);
  if (maxAttempts !== undefined) assertWhole("maxAttempts", maxAttempts, 1);
  return {
    ...{ stream: args.stream, routes: args.routes, lanes, weights, reserved, concurrency, maxAttempts },
    prefetch: { least: prefetch ?? concurrency * 2, most: prefetch ?? Math.max(concurrency * 2, MOST_PREFETCH) },
    orderBy: args.orderBy,
    backOffMs: backOff?.map((text, index) => parseDuration(text, `backOff.${index}`)),
    handlerMs: parseDuration(handlerTimeout, "handlerTimeout"),
    skipsUnrouted: args.unrouted === "skip",
    deadLetterSubject: args.deadLetterSubject ?? deadLetterSubject,
  };
}

function lanesOf(args: ConsumerChoice): LaneSpec[] {
  if ("consumer" in args) return [{ priority: "normal", consumer: args.consumer }];
  assertShape("consumer", typeof args.lanes === "object", "the name of a consumer, or lanes with one each");
  const lanes = PRIORITIES.flatMap((priority) => {
    const consumer = args.lanes[priority];
    return consumer === undefined ? [] : [{ priority, consumer }];
  });
  if (lanes.length > 0) return lanes;
  throw new BusError("ERR_CLIENT_OPTION", "lanes: no consumer is named", {
    path: "lanes",
    remedy: "name a consumer for at least one priority",
  });
}

function weightsOf(serve: "strict" | Readonly<Partial<Record<Priority, number>>>, lanes: readonly LaneSpec[]): number[] | undefined {
  if (serve === "strict") return undefined;
  assertShape("serve", typeof serve === "object", '"strict", or a weight for each lane');
  return lanes.map(({ priority }) => {
    const weight = serve[priority] ?? 1;
    assertWhole(`serve.${priority}`, weight, 1);
    return weight;
  });
}
