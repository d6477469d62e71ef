/** What must be equal between a stream and its copy before one may take the place of the other. */
import { canonical } from "./kinds.ts";
import { laggards } from "./peers.ts";
import type { StreamPort } from "./port.ts";
import { isServerMade } from "./wire.ts";

/** What a stream holds, as far as servers tell. */
export interface StreamProof {
  /** Number of messages. */
  readonly messages: number;
  /** First sequence; of an empty stream it says nothing. */
  readonly firstSeq: number;
  /** Last sequence ever given. */
  readonly lastSeq: number;
  /** Map keyed by subject: messages it has. */
  readonly subjects: Readonly<Record<string, number>>;
  /** Map keyed by name of a durable consumer: stream sequence up to which everything is acknowledged. */
  readonly ackFloors: Readonly<Record<string, number>>;
  /** What is missing before it may be trusted: replicas that are not current, consumers that do not answer.
   * @default - nothing */
  readonly missing?: string;
}

/** Reads what a stream holds. A stream that is away holds nothing. */
export async function proofOf(port: StreamPort, name: string): Promise<StreamProof> {
  const info = await port.readStream(name);
  if (info === undefined) return { messages: -1, firstSeq: 0, lastSeq: 0, subjects: {}, ackFloors: {}, missing: `${name} is not there` };
  const [subjects, { consumers, unknown }] = [await port.countSubjects(name), await port.listConsumers(name)];
  const durable = consumers.filter(({ config }) => config["durable_name"] !== undefined && !isServerMade(config));
  const missing =
    unknown.length > 0 ? `consumers ${unknown.join(", ")} do not answer` : laggards(info.peers, Number(info.config["num_replicas"] ?? 1));
  return {
    messages: info.messages,
    firstSeq: info.messages === 0 ? 0 : info.firstSeq,
    lastSeq: info.lastSeq,
    subjects,
    ackFloors: Object.fromEntries(durable.map(({ config, ackFloor }) => [String(config["durable_name"]), ackFloor])),
    ...(missing === undefined ? {} : { missing }),
  };
}

/** The first thing in which two streams differ, in words; `undefined` when one may take the place of the other. */
export function differenceOf(original: StreamProof, copy: StreamProof): string | undefined {
  if (copy.missing !== undefined) return copy.missing;
  for (const key of ["messages", "firstSeq", "lastSeq"] as const)
    if (original[key] !== copy[key]) return `${key} ${original[key]} and ${copy[key]}`;
  if (canonical(original.subjects) !== canonical(copy.subjects)) return "messages of a subject";
  if (canonical(original.ackFloors) !== canonical(copy.ackFloors)) return "consumers or their acknowledged sequences";
  return undefined;
}
