/** Reads everything the JetStream of an account holds, as few requests as that takes. */
import { isBusError } from "../core/errors.ts";
import type { ConsumerInfo, StreamInfo, StreamPort } from "../streams/port.ts";
import { sideBySide } from "../streams/side-by-side.ts";
import { isServerMade } from "../streams/wire.ts";

/** Everything an account's JetStream holds. */
export interface LiveBus {
  /** Streams by name; buckets and stores are among them. */
  readonly streams: ReadonlyMap<string, StreamInfo>;
  /** Durable consumers by {@link consumerKey}, but for those the server makes for itself; others are their clients' own business. */
  readonly consumers: ReadonlyMap<string, LiveConsumer>;
  /** Names of streams, and keys of consumers, that exist but whose servers do not answer: unknown, never absent. */
  readonly unknown: ReadonlySet<string>;
}

/** A durable consumer as it is. */
interface LiveConsumer {
  /** Stream it reads. */
  readonly stream: string;
  /** What the server says of it. */
  readonly info: ConsumerInfo;
}

/** A consumer's name in its account. */
export interface ConsumerName {
  readonly stream: string;
  readonly name: string;
}

const UNKNOWN_CODES: ReadonlySet<string> = new Set(["ERR_STREAM_OFFLINE", "ERR_JETSTREAM_TIMEOUT"]);

/** Key of a consumer in {@link LiveBus}. */
export function consumerKey({ stream, name }: ConsumerName): string {
  return `${stream}/${name}`;
}

/**
 * Reads streams and durable consumers. A list may leave out a consumer whose servers are away, so those of `expected` it does not hold are asked for one by one.
 * @throws what listing throws: `ERR_JETSTREAM_OFF`, `ERR_JETSTREAM_TIMEOUT`, `ERR_JETSTREAM_LEADER`
 */
export async function observeBus(port: StreamPort, expected: readonly ConsumerName[] = []): Promise<LiveBus> {
  const list = await port.listStreams();
  const streams = new Map(list.streams.map((info) => [String(info.config["name"]), info]));
  const consumers = new Map<string, LiveConsumer>();
  const unknown = new Set(list.unknown);
  const note = (stream: string, info: ConsumerInfo) => {
    const name = info.config["durable_name"];
    if (typeof name === "string" && name !== "" && !isServerMade(info.config))
      consumers.set(consumerKey({ stream, name }), { stream, info });
  };
  const read = [...streams].filter(([, info]) => info.consumers > 0).map(([stream]) => stream);
  await sideBySide(read, async (stream) => {
    const found = await known(() => port.listConsumers(stream));
    if (found === undefined) unknown.add(stream);
    for (const info of found?.consumers ?? []) note(stream, info);
    for (const name of found?.unknown ?? []) unknown.add(consumerKey({ stream, name }));
  });
  const isSeen = (key: string) => consumers.has(key) || unknown.has(key);
  const unseen = expected.filter((one) => streams.has(one.stream) && !isSeen(consumerKey(one)));
  await sideBySide(unseen, async (one) => {
    const answer = await known(async () => ({ info: await port.readConsumer(one.stream, one.name) }));
    if (answer === undefined) unknown.add(consumerKey(one));
    else if (answer.info !== undefined) note(one.stream, answer.info);
  });
  return { streams, consumers, unknown };
}

/** The answer; `undefined` when nothing can be known because servers are away. */
async function known<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (isBusError(error) && UNKNOWN_CODES.has(error.code)) return undefined;
    throw error;
  }
}
