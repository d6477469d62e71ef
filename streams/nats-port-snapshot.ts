/** The two ends of a stream's snapshot: its bytes out of a server, and into one. Nothing of it is kept on this machine. */
import { setTimeout as delay } from "node:timers/promises";
import { createInbox, type Msg, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import { BusError, isBusError } from "../core/errors.ts";
import { type ApiError, refusalOf, requestFailure } from "./nats-error.ts";
import type { WireConfig } from "./wire.ts";

const CHUNK_BYTES = 128 * 1024;
// A server gives a restore up after five seconds of silence.
const SILENCE_MS = 10_000;
// The server reads a whole stream again before it answers the end of a restore.
const END_MS = 300_000;
// Within this a server must be known to listen that took a restore on.
const LISTENS_MS = 3_000;
const LISTENS_POLL_MS = 25;
const CHUNKS_IN_FLIGHT = 8;
const COMPLETE = 204;
const NOTHING = new Uint8Array();

/** Where a stream is, and what is being done with it. */
export interface StreamPlace {
  readonly connection: NatsConnection;
  /** Subject prefix of the JetStream API. */
  readonly prefix: string;
  /** What is being done, for errors. */
  readonly what: string;
  /** What to do when it fails. */
  readonly remedy: string;
}

/** A snapshot that has begun. */
export interface SnapshotReader {
  /** Configuration of the stream, as a restore takes it. */
  readonly config: WireConfig;
  /** What the stream holds. */
  readonly state: WireConfig;
  /** Its bytes in order. The server sends no more than a few of them ahead of those that were taken.
   * @throws ERR_STREAM_REFUSED when the server gives up, ERR_JETSTREAM_TIMEOUT when it falls silent */
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Ends it, also before its time. */
  close(): void;
}

/** A restore that a server has taken on. */
export interface RestoreWriter {
  /** Hands over a piece of at most 128 KiB; waits while too many are on their way.
   * @throws the server's refusals, ERR_JETSTREAM_TIMEOUT when it falls silent */
  write(chunk: Uint8Array): Promise<void>;
  /** Says that this was all, and waits for the stream.
   * @throws as `write` */
  end(): Promise<void>;
  /** Says that nothing more comes of what is not whole, so that the server gives it up at once. Never throws. */
  abandon(): Promise<void>;
}

interface Answer {
  readonly error?: ApiError;
  readonly config?: WireConfig;
  readonly state?: WireConfig;
  readonly deliver_subject?: string;
}

/** Begins a snapshot of a stream, with its consumers unless they are left out. @throws the servers' refusals, ERR_JETSTREAM_TIMEOUT */
export async function openSnapshot(place: StreamPlace, stream: string, isWithConsumers = true): Promise<SnapshotReader> {
  const inbox = createInbox();
  const arriving = place.connection.subscribe(inbox);
  try {
    const body = { deliver_subject: inbox, no_consumers: !isWithConsumers, chunk_size: CHUNK_BYTES };
    const { config = {}, state = {} } = await ask(place, `STREAM.SNAPSHOT.${stream}`, body);
    return { config, state, chunks: chunksOf(place, arriving), close: () => arriving.unsubscribe() };
  } catch (error) {
    arriving.unsubscribe();
    throw error;
  }
}

async function* chunksOf({ what, remedy }: StreamPlace, arriving: Subscription): AsyncGenerator<Uint8Array> {
  const watch = () => setTimeout(() => arriving.unsubscribe(), SILENCE_MS);
  let silence = watch();
  try {
    for await (const chunk of arriving) {
      clearTimeout(silence);
      if (chunk.data.length === 0) return assertComplete(chunk, { what, remedy });
      yield chunk.data;
      chunk.respond();
      silence = watch();
    }
  } finally {
    clearTimeout(silence);
    arriving.unsubscribe();
  }
  throw new BusError("ERR_JETSTREAM_TIMEOUT", `${what}: the snapshot stopped arriving`, { remedy });
}

/** Has a server take on the restore of a stream, which must not exist. A failure from then on may leave a part of it behind. @throws the servers' refusals, ERR_JETSTREAM_TIMEOUT */
export async function openRestore(
  place: StreamPlace,
  { config, state }: { readonly config: WireConfig; readonly state: WireConfig },
): Promise<RestoreWriter> {
  const { deliver_subject: target = "" } = await ask(place, `STREAM.RESTORE.${String(config["name"])}`, { config, state });
  const inFlight: Promise<void>[] = [];
  let isHeard = false;
  return {
    async write(data) {
      // The server may be another one than ours: that it listens is known here a moment after it said so.
      if (!isHeard) await deliverFirst(place, { target, data });
      else inFlight.push(guarded(deliver(place, { target, data })));
      isHeard = true;
      if (inFlight.length >= CHUNKS_IN_FLIGHT) await inFlight.shift();
    },
    async end() {
      await Promise.all(inFlight);
      assertTaken(place, await send(place, { target, data: NOTHING }, END_MS));
    },
    async abandon() {
      await Promise.allSettled([...inFlight, send(place, { target, data: NOTHING }, SILENCE_MS)]);
    },
  };
}

interface Chunk {
  readonly target: string;
  readonly data: Uint8Array;
}

/** Its failure is met where it is awaited, and is no unhandled one until then. */
function guarded(work: Promise<void>): Promise<void> {
  work.catch(() => undefined);
  return work;
}

async function deliver(place: StreamPlace, chunk: Chunk): Promise<void> {
  assertTaken(place, await send(place, chunk, SILENCE_MS));
}

async function deliverFirst(place: StreamPlace, chunk: Chunk): Promise<void> {
  const until = performance.now() + LISTENS_MS;
  for (;;) {
    try {
      return await deliver(place, chunk);
    } catch (error) {
      if (!isUnheard(error) || performance.now() > until) throw error;
      await delay(LISTENS_POLL_MS);
    }
  }
}

function send(place: StreamPlace, { target, data }: Chunk, timeout: number): Promise<Msg> {
  return place.connection.request(target, data, { timeout }).catch((error: unknown) => {
    throw isUnheard(error) ? unheard(place, error) : requestFailure({ what: place.what, subject: target }, error);
  });
}

function assertTaken({ what }: StreamPlace, answer: Msg): void {
  const { error } = answer.data.length === 0 ? {} : answer.json<Answer>();
  if (error !== undefined) throw refusalOf(what, error);
}

async function ask({ connection, prefix, what }: StreamPlace, subject: string, body: object): Promise<Answer> {
  const sent = connection.request(`${prefix}.${subject}`, JSON.stringify(body), { timeout: SILENCE_MS });
  const answer = (
    await sent.catch((error: unknown) => {
      throw requestFailure({ what, subject }, error);
    })
  ).json<Answer>();
  if (answer.error !== undefined) throw refusalOf(what, answer.error);
  return answer;
}

function isUnheard(error: unknown): boolean {
  const cause = isBusError(error) ? error.cause : error;
  return [cause, (cause as Error | undefined)?.cause].some((one) => one instanceof Error && one.name.startsWith("NoResponders"));
}

function unheard({ what, remedy }: StreamPlace, cause: unknown): BusError {
  return new BusError("ERR_JETSTREAM_TIMEOUT", `${what}: the restoring server stopped listening`, { remedy, cause });
}

function assertComplete({ headers }: Msg, { what, remedy }: Pick<StreamPlace, "what" | "remedy">): void {
  if (headers === undefined || headers.code === COMPLETE) return;
  throw new BusError("ERR_STREAM_REFUSED", `${what}: the server gave the snapshot up (${headers.code} ${headers.description})`, {
    remedy: `look at the server's log; ${remedy}`,
  });
}
