import { type ConsumerMessages, type JsMsg, jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { ConnectionSpec } from "../core/connection.ts";
import { BusError } from "../core/errors.ts";
import { connectAsUser } from "./user-connection.ts";

/** What to read of a stream. Reading leaves nothing behind and takes nothing away. */
export interface ReadRequest {
  readonly connection: ConnectionSpec;
  readonly stream: string;
  /** How many of the newest messages to begin with; 0 for none. */
  readonly count: number;
  /** Go on with new messages until `signal` aborts. */
  readonly follow: boolean;
  /** Only messages whose subject matches.
   * @default - all */
  readonly subject?: string;
  /** Ends the reading.
   * @default - never */
  readonly signal?: AbortSignal;
}

/** One message of a stream. */
export interface StoredMessage {
  readonly subject: string;
  readonly sequence: number;
  /** RFC 3339. */
  readonly time: string;
  readonly headers: Readonly<Record<string, readonly string[]>>;
  readonly payload: Uint8Array;
}

/**
 * Reads the newest messages of a stream, oldest of them first, and then, if asked to, those that arrive.
 * @throws BusError ERR_READ when the stream does not exist or may not be read, and what connecting throws
 */
export async function* readMessages(request: ReadRequest): AsyncGenerator<StoredMessage> {
  const connection = await connectAsUser(request.connection);
  try {
    yield* request.follow ? followStream(connection, request) : newest(connection, request);
  } catch (cause) {
    throw readFailure(request.stream, cause);
  } finally {
    await connection.close().catch(() => undefined);
  }
}

async function* newest(connection: NatsConnection, request: ReadRequest): AsyncGenerator<StoredMessage> {
  const start = await startSequence(connection, request);
  const consumer = await jetstream(connection).consumers.get(request.stream, { ...filter(request), opt_start_seq: start });
  let left = (await consumer.info()).num_pending;
  const last: StoredMessage[] = [];
  while (left > 0 && request.signal?.aborted !== true) {
    const batch = await consumer.fetch({ max_messages: Math.min(left, 500), expires: 5000 });
    let got = 0;
    for await (const message of batch) {
      got += 1;
      last.push(stored(message));
      if (last.length > request.count) last.shift();
      left = message.info.pending;
    }
    if (got === 0) break;
  }
  yield* last;
}

async function* followStream(connection: NatsConnection, request: ReadRequest): AsyncGenerator<StoredMessage> {
  const start = await startSequence(connection, request);
  const consumer = await jetstream(connection).consumers.get(request.stream, { ...filter(request), opt_start_seq: start });
  const messages: ConsumerMessages = await consumer.consume({ max_messages: 100 });
  const stop = (): void => void messages.close();
  request.signal?.addEventListener("abort", stop, { once: true });
  if (request.signal?.aborted === true) stop();
  for await (const message of messages) yield stored(message);
}

/** A filter makes sequence numbers useless for counting back: everything is read and the newest kept. */
async function startSequence(connection: NatsConnection, { stream, count, subject, follow }: ReadRequest): Promise<number> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const { state } = await manager.streams.info(stream);
  const isCounting = subject === undefined || follow;
  return Math.max(1, isCounting ? Math.max(state.first_seq, state.last_seq - count + 1) : state.first_seq);
}

function filter(request: ReadRequest): { readonly filter_subjects?: string } {
  return request.subject === undefined ? {} : { filter_subjects: request.subject };
}

function stored(message: JsMsg): StoredMessage {
  const headers = Object.fromEntries([...(message.headers ?? [])].map(([name, values]) => [name, values]));
  return { subject: message.subject, sequence: message.seq, time: message.time.toISOString(), headers, payload: message.data };
}

function readFailure(stream: string, cause: unknown): BusError {
  const message = cause instanceof Error ? cause.message : String(cause);
  if (/stream not found/i.test(message)) {
    return new BusError("ERR_READ", `there is no stream ${stream}`, { cause, remedy: "`natsbus status` lists the streams" });
  }
  if (/permissions violation/i.test(message)) {
    return new BusError("ERR_READ", `the user may not look through stream ${stream}: ${message}`, {
      cause,
      remedy: "leave --user out to read as the administrator, or give the role `consume` with `replay: true` for this stream",
    });
  }
  return new BusError("ERR_READ", `stream ${stream} cannot be read: ${message}`, { cause, remedy: "look at `natsbus status`" });
}
