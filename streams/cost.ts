/** What a change does to data and service, in words, from the present state of the object. Pure. */
import { renderSize } from "../core/units.ts";
import type { ConsumerSpec } from "./consumer-fields.ts";
import type { StreamSpec } from "./fields.ts";
import type { ConsumerInfo, StreamInfo } from "./port.ts";

/** One consequence of a change. */
export interface Cost {
  /** Field that brings it. */
  readonly key: string;
  /** Words that fit into a list. */
  readonly text: string;
  /** Whether it takes away everything stored at once, which a policy must allow. */
  readonly destroys: boolean;
}

/** A change of a stream, normalised, and what the stream holds now. */
export interface StreamMove {
  /** Present value. */
  readonly was: StreamSpec;
  /** Wanted value. */
  readonly want: StreamSpec;
  /** Present state. */
  readonly info: StreamInfo;
  /** Milliseconds since 1970.
   * @default - now */
  readonly nowMs?: number;
}

/** What making the stream anew would lose; `undefined` when nothing. */
export function streamLoss(info: StreamInfo): string | undefined {
  return info.messages === 0 ? undefined : `${plural(info.messages, "message")} (${renderSize(info.bytes)})`;
}

/** What making the consumer anew would lose; `undefined` when it would start where it stands. */
export function consumerLoss(info: ConsumerInfo, was: ConsumerSpec): string | undefined {
  if (info.delivered > 0) return `its position: everything up to sequence ${info.ackFloor} is acknowledged and would be delivered again`;
  if (info.pending > 0 && was.deliverPolicy !== "all") return `its position: ${plural(info.pending, "message")} wait for it`;
  return undefined;
}

/** What migrating the stream does. */
export function streamMoveWords({ messages, bytes, consumers }: StreamInfo): string {
  const holds = `${plural(messages, "message")} (${renderSize(bytes)}) and ${plural(consumers, "consumer")}`;
  return `is copied with ${holds}, compared, and replaced by the copy: sequences and positions stay; it takes no messages meanwhile, and needs its room twice`;
}

/** What migrating the consumer does. */
export function consumerMoveWords({ ackFloor, pending }: ConsumerInfo): string {
  return `is recreated at sequence ${ackFloor + 1}, where it stands: ${plural(pending, "message")} wait for it, and what was acknowledged behind that sequence is delivered again`;
}

/** Consequences of changing a stream in place. */
export function streamCosts(move: StreamMove): readonly Cost[] {
  return [...retentionCost(move), ...limitCosts(move), ...serviceCosts(move)];
}

function retentionCost({ was, want, info }: StreamMove): Cost[] {
  if (was.retention === want.retention || want.retention !== "interest") return [];
  if (info.messages === 0) return [];
  if (info.consumers > 0) return [cost("retention", "deletes every message that all consumers have acknowledged")];
  return [{ ...cost("retention", `deletes all ${plural(info.messages, "message")}, because no consumer exists`), destroys: true }];
}

function limitCosts({ was, want, info, nowMs = Date.now() }: StreamMove): Cost[] {
  if (want.discard === "new" || info.messages === 0) return [];
  const costs: Cost[] = [];
  const lowered = (key: "maxMsgs" | "maxBytes" | "maxMsgsPerSubject") => want[key] > 0 && (was[key] < 0 || want[key] < was[key]);
  if (lowered("maxMsgs") && info.messages > want.maxMsgs)
    costs.push(cost("maxMsgs", `deletes the ${plural(info.messages - want.maxMsgs, "oldest message")}`));
  if (lowered("maxBytes") && info.bytes > want.maxBytes)
    costs.push(cost("maxBytes", `deletes the oldest ${renderSize(info.bytes - want.maxBytes)}`));
  if (lowered("maxMsgsPerSubject"))
    costs.push(cost("maxMsgsPerSubject", `deletes all but the newest ${want.maxMsgsPerSubject} of each subject`));
  const shorter = want.maxAge > 0 && (was.maxAge === 0 || want.maxAge < was.maxAge);
  if (shorter) costs.push(cost("maxAge", agedWords(info, nowMs - want.maxAge)));
  return costs;
}

/** How much is older than `cutMs`, as if messages had come evenly. */
function agedWords({ messages, firstTime, lastTime }: StreamInfo, cutMs: number): string {
  const [first, last] = [Date.parse(firstTime), Date.parse(lastTime)];
  if (Number.isNaN(first)) return "drops whatever is older than the new age; how much that is, is unknown";
  const share = last > first ? (cutMs - first) / (last - first) : Number(cutMs > first);
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 100);
  const now = percent === 0 ? "drops next to nothing now" : `drops about ${percent} % of ${plural(messages, "message")} now`;
  return `${now}, whatever is older than the new age; the oldest is from ${firstTime}`;
}

function serviceCosts({ was, want, info }: StreamMove): Cost[] {
  const costs: Cost[] = [];
  if (was.mirror !== undefined && want.mirror === undefined)
    costs.push(cost("mirror", "promotes the mirror to an ordinary stream, which copies no more"));
  if (!was.sealed && want.sealed) costs.push(cost("sealed", "nothing can be stored or deleted any more, for ever"));
  if (!was.denyDelete && want.denyDelete) costs.push(cost("denyDelete", "cannot be taken back"));
  if (!was.denyPurge && want.denyPurge) costs.push(cost("denyPurge", "cannot be taken back"));
  if (want.replicas < was.replicas)
    costs.push(
      cost("replicas", `gives up ${plural(was.replicas - want.replicas, "copy", "copies")} of ${plural(info.messages, "message")}`),
    );
  if (want.replicas > was.replicas) costs.push(cost("replicas", "copies the stream to more servers"));
  const dropped = was.subjects.filter((subject) => !want.subjects.includes(subject));
  if (dropped.length > 0)
    costs.push(cost("subjects", `publishers to ${dropped.join(", ")} get no acknowledgement any more; stored messages stay`));
  return costs;
}

function cost(key: string, text: string): Cost {
  return { key, text, destroys: false };
}

function plural(number: number, noun: string, many = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : many}`;
}
