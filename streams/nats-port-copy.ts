/** Copies a stream with its consumers to another name: the server's snapshot of one is fed, chunk by chunk, into the restore of the other; nothing is kept on this machine. */
import type { NatsConnection } from "@nats-io/transport-node";
import { openRestore, openSnapshot } from "./nats-port-snapshot.ts";
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

/**
 * Copies messages, sequences, consumers and their positions. A failed copy may leave a part of the new stream behind.
 * @throws the servers' refusals, ERR_JETSTREAM_TIMEOUT when one of them falls silent
 */
export async function copyStream(connection: NatsConnection, { from, config, prefix }: CopyRequest): Promise<void> {
  const what = `copy of stream ${from} to ${String(config["name"])}`;
  const place = { connection, prefix, what, remedy: "run again; the original is untouched" };
  const snapshot = await openSnapshot(place, from);
  try {
    const restore = await openRestore(place, { config, state: snapshot.state });
    for await (const chunk of snapshot.chunks) await restore.write(chunk);
    await restore.end();
  } finally {
    snapshot.close();
  }
}
