/** Copies a stream with its consumers to another name: the server's snapshot of one is fed, chunk by chunk, into the restore of the other; nothing is kept on this machine. */
import { setTimeout as delay } from "node:timers/promises";
import { createInbox, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { BusError } from "../core/errors.ts";
import { type ApiError, refusalOf } from "./nats-error.ts";
import type { WireConfig } from "./wire.ts";

/** What to copy where. */
export interface CopyRequest {
  /** Name of the stream to copy. */
  readonly from: string;
  /** Configuration of the new stream, which must not exist. */
  readonly config: WireConfig;
  /** Subject prefix of the JetStream API. */
  readonly prefix: string;
}

const CHUNK_BYTES = 128 * 1024;
// A server gives a restore up after five seconds of silence.
const SILENCE_MS = 10_000;
const END_MS = 60_000;
// Within this a server must be known to listen that took a restore on.
const LISTENS_MS = 3_000;
const LISTENS_POLL_MS = 25;
const COMPLETE = 204;

interface Answer {
  readonly error?: ApiError;
  readonly state?: unknown;
  readonly deliver_subject?: string;
}

/**
 * Copies messages, sequences, consumers and their positions. A failed copy may leave a part of the new stream behind.
 * @throws the servers' refusals, ERR_JETSTREAM_TIMEOUT when one of them falls silent
 */
export async function copyStream(connection: NatsConnection, { from, config, prefix }: CopyRequest): Promise<void> {
  const what = `copy of stream ${from} to ${String(config["name"])}`;
  const ask = async (subject: string, body: object): Promise<Answer> => {
    const answer = (await connection.request(`${prefix}.${subject}`, JSON.stringify(body), { timeout: SILENCE_MS })).json<Answer>();
    if (answer.error !== undefined) throw refusalOf(what, answer.error);
    return answer;
  };
  const inbox = createInbox();
  const chunks = connection.subscribe(inbox);
  let watch = setTimeout(() => chunks.unsubscribe(), SILENCE_MS);
  try {
    const { state } = await ask(`STREAM.SNAPSHOT.${from}`, { deliver_subject: inbox, no_consumers: false, chunk_size: CHUNK_BYTES });
    const { deliver_subject: target = "" } = await ask(`STREAM.RESTORE.${String(config["name"])}`, { config, state });
    for await (const chunk of chunks) {
      clearTimeout(watch);
      watch = setTimeout(() => chunks.unsubscribe(), SILENCE_MS);
      if (chunk.data.length === 0) {
        assertComplete(chunk, what);
        return await finish(connection, target, what);
      }
      await deliver(connection, { target, what, data: chunk.data });
      chunk.respond();
    }
    throw new BusError("ERR_JETSTREAM_TIMEOUT", `${what}: the snapshot stopped arriving`, {
      remedy: "run again; the original is untouched",
    });
  } finally {
    clearTimeout(watch);
    chunks.unsubscribe();
  }
}

interface Chunk {
  readonly target: string;
  readonly what: string;
  readonly data: Uint8Array;
}

/** Hands a chunk to the restoring server. It may be another one than ours: that it listens is known here a moment after it said so, and until then nobody gets the chunk. */
async function deliver(connection: NatsConnection, { target, what, data }: Chunk): Promise<void> {
  const until = performance.now() + LISTENS_MS;
  for (;;) {
    try {
      await connection.request(target, data, { timeout: SILENCE_MS });
      return;
    } catch (error) {
      if (!isUnheard(error)) throw error;
      if (performance.now() > until) throw unheard(what, error);
      await delay(LISTENS_POLL_MS);
    }
  }
}

function isUnheard(error: unknown): boolean {
  return [error, (error as Error).cause].some((one) => one instanceof Error && one.name.startsWith("NoResponders"));
}

function unheard(what: string, cause: unknown): BusError {
  return new BusError("ERR_JETSTREAM_TIMEOUT", `${what}: the restoring server stopped listening`, {
    remedy: "run again; the original is untouched",
    cause,
  });
}

async function finish(connection: NatsConnection, target: string, what: string): Promise<void> {
  const end = (await connection.request(target, "", { timeout: END_MS })).json<Answer>();
  if (end.error !== undefined) throw refusalOf(what, end.error);
}

function assertComplete(chunk: Msg, what: string): void {
  if (chunk.headers === undefined || chunk.headers.code === COMPLETE) return;
  throw new BusError(
    "ERR_STREAM_REFUSED",
    `${what}: the server gave the snapshot up (${chunk.headers.code} ${chunk.headers.description})`,
    {
      remedy: "look at the server's log, then run again; the original is untouched",
    },
  );
}
