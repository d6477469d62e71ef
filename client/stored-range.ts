/** Reads a bounded part of a stream in order, once, leaving nothing behind. */
import { setTimeout as delay } from "node:timers/promises";
import { AckPolicy, type Consumer, type ConsumerConfig, DeliverPolicy, type JetStreamClient, type JsMsg } from "@nats-io/jetstream";
import { nanos } from "@nats-io/transport-node";
import { BusError } from "../core/errors.ts";
import { publishDelay } from "./back-off.ts";
import { assertShape } from "./options.ts";
import { classifyFailure } from "./publish-failure.ts";

/** Which messages to read. */
export interface RangeArgs {
  readonly stream: string;
  /** Where to begin: the first message there is, a sequence, a time, or only the last message of each subject.
   * @default "first" */
  readonly from?: "first" | "last-per-subject" | { readonly sequence: number } | { readonly time: Date };
  /** Where to end, that sequence or time included.
   * @default - the last message there is when reading begins */
  readonly to?: { readonly sequence: number } | { readonly time: Date };
  /** Most messages to read. Range: 1 up.
   * @default - no bound beside `to` */
  readonly limit?: number;
  /** Most messages a second. Range: above 0.
   * @default - as fast as they are taken */
  readonly rate?: number;
}

const STARTS = ["first", "last-per-subject"];
const INACTIVE_MS = 300_000;
const MOST_A_PULL = 256;
const MOST_FAILURES = 8;
const PULL = { expires: 2_000, idle_heartbeat: 500 };

/** Where a reader stands. */
interface Position {
  last: number;
  count: number;
  /** Messages to read in all; known once a consumer was made. */
  total: number | undefined;
}

/**
 * Yields the messages of a range that match a subject. Goes on behind the last one read when a server is lost.
 * @throws ERR_CLIENT_OPTION for a bound out of range, ERR_CLIENT_STREAM when the stream cannot be read
 */
export async function* readRange(jetstream: JetStreamClient, subject: string, args: RangeArgs): AsyncGenerator<JsMsg> {
  assertShape("stream", typeof args?.stream === "string", "the name of a stream");
  assertBounds(args);
  const position: Position = { last: 0, count: 0, total: undefined };
  const startedMs = performance.now();
  for (let failures = 0; ; ) {
    try {
      for await (const message of readOn(jetstream, subject, args, position)) {
        failures = 0;
        position.last = message.seq;
        position.count += 1;
        if (args.rate !== undefined) await delay(Math.max(0, startedMs + ((position.count - 1) * 1_000) / args.rate - performance.now()));
        yield message;
      }
      return;
    } catch (cause) {
      failures += 1;
      const kind = classifyFailure(cause);
      if (failures >= MOST_FAILURES || kind === "refused" || kind === "closed") throw rangeError(args.stream, cause);
      await delay(publishDelay(failures));
    }
  }
}

/** Reads from the present position to the end, or until the connection to the consumer breaks, which throws. */
async function* readOn(jetstream: JetStreamClient, subject: string, args: RangeArgs, position: Position): AsyncGenerator<JsMsg> {
  const manager = await jetstream.jetstreamManager(false);
  const info = await manager.consumers.add(args.stream, consumerConfig(subject, args, position));
  const consumer = jetstream.consumers.getConsumerFromInfo(info);
  position.total ??= Math.min(info.num_pending, args.limit ?? Number.POSITIVE_INFINITY);
  try {
    for await (const message of deliveries(consumer, info.num_pending, () => roomFor(args, position))) {
      // The last of each subject can only be asked for from the beginning again.
      if (message.seq <= position.last) continue;
      if (isBeyond(message, args.to)) return;
      yield message;
    }
  } finally {
    await consumer.delete().catch(() => false);
  }
}

/** How many messages to ask for next; 0 when there are enough. */
function roomFor({ rate = MOST_A_PULL }: RangeArgs, { count, total = 0 }: Position): number {
  return Math.max(0, Math.min(MOST_A_PULL, total - count, Math.ceil(rate)));
}

/** Everything a consumer delivers until nothing is left or no more is wanted. */
async function* deliveries(consumer: Consumer, available: number, room: () => number): AsyncGenerator<JsMsg> {
  let delivered = 0;
  let pending = available;
  for (let wanted = room(); pending > 0 && wanted > 0; wanted = room()) {
    const batch = await pull(consumer, wanted);
    for (const message of batch) {
      delivered += 1;
      if (message.info.deliverySequence !== delivered) throw new Error("a message was lost on the way");
      pending = message.info.pending;
      yield message;
    }
    if (batch.length === 0) pending = (await consumer.info()).num_pending;
  }
}

async function pull(consumer: Consumer, room: number): Promise<JsMsg[]> {
  const messages: JsMsg[] = [];
  for await (const message of await consumer.fetch({ max_messages: room, ...PULL })) messages.push(message);
  return messages;
}

function consumerConfig(subject: string, { from = "first" }: RangeArgs, { last }: Position): Partial<ConsumerConfig> {
  const shared = {
    ack_policy: AckPolicy.None,
    mem_storage: true,
    num_replicas: 1,
    inactive_threshold: nanos(INACTIVE_MS),
    filter_subject: subject,
  };
  const named = { ...shared, name: `replay_${crypto.randomUUID()}` };
  if (from === "last-per-subject") return { ...named, deliver_policy: DeliverPolicy.LastPerSubject };
  if (last > 0) return { ...named, deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: last + 1 };
  if (from === "first") return { ...named, deliver_policy: DeliverPolicy.All };
  if ("sequence" in from) return { ...named, deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: from.sequence };
  return { ...named, deliver_policy: DeliverPolicy.StartTime, opt_start_time: from.time.toISOString() };
}

function isBeyond(message: JsMsg, to: RangeArgs["to"]): boolean {
  if (to === undefined) return false;
  return "sequence" in to ? message.seq > to.sequence : message.time > to.time;
}

function assertBounds({ from, to, limit, rate }: RangeArgs): void {
  assertPlace("from", from);
  assertPlace("to", to);
  if (limit !== undefined && !isCount(limit)) throw boundError("limit", limit);
  if (rate !== undefined && !(Number.isFinite(rate) && rate > 0)) throw boundError("rate", rate);
}

function assertPlace(path: string, bound: RangeArgs["from"] | RangeArgs["to"]): void {
  if (bound === undefined || (path === "from" && STARTS.some((start) => start === bound))) return;
  const starts = path === "from" ? `${STARTS.join(", ")}, ` : "";
  assertShape(path, typeof bound === "object" && ("sequence" in bound || "time" in bound), `${starts}{ sequence } or { time }`);
  if (typeof bound !== "object") return;
  if ("sequence" in bound && !isCount(bound.sequence)) throw boundError(`${path}.sequence`, bound.sequence);
  if ("time" in bound) assertShape(`${path}.time`, bound.time instanceof Date, "a Date");
  if ("time" in bound && Number.isNaN(bound.time.getTime())) throw boundError(`${path}.time`, "not a time");
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 1;
}

function boundError(path: string, value: unknown): BusError {
  return new BusError("ERR_CLIENT_OPTION", `${path}: ${String(value)} cannot bound what is read`, {
    path,
    remedy: "sequences and limits are whole numbers from 1, a rate is above 0",
  });
}

function rangeError(stream: string, cause: unknown): BusError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new BusError("ERR_CLIENT_STREAM", `stream ${stream} cannot be read: ${why}`, {
    remedy: "check its name, and connect as a user whose role may read the stream again (`replay: true`, or admin)",
    cause,
  });
}
