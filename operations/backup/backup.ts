/** Takes a backup of the streams of an account. */
import type { NatsConnection } from "@nats-io/transport-node";
import { openConnection } from "../../connection/pool.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import { BusError, isBusError } from "../../core/errors.ts";
import { apiPrefixOf, openStreamPort } from "../../streams/nats-port.ts";
import { openSnapshot } from "../../streams/nats-port-snapshot.ts";
import type { ConsumerList, StreamInfo, StreamPort } from "../../streams/port.ts";
import { consumersIn } from "./archive.ts";
import { type BackupWriter, createBackup } from "./folder.ts";
import { FORMAT, heldBy, type Manifest, type MissingStream, type SavedStream, savedConsumers } from "./manifest.ts";

/** What to save where. */
export interface BackupRequest {
  /** A user that may use the JetStream API of the account. */
  readonly connection: ConnectionSpec;
  /** Folder to make. */
  readonly directory: string;
  /** Names of the streams; buckets and stores are streams too.
   * @default - all */
  readonly streams?: readonly string[];
  /** Hears of each stream that is done. */
  readonly onStream?: (stream: SavedStream | MissingStream) => void;
  /** Ends it; nothing is left behind.
   * @default - never */
  readonly signal?: AbortSignal;
}

interface Session {
  readonly port: StreamPort;
  readonly connection: NatsConnection;
  readonly prefix: string;
  readonly writer: BackupWriter;
  readonly signal: AbortSignal | undefined;
}

/**
 * Writes a backup, stream after stream; one that cannot be saved is noted in the manifest and the others are saved all the same.
 * @throws ERR_BACKUP_FOLDER, ERR_STREAM_MISSING for a name that does not exist, ERR_INTERRUPTED, what connecting and listing throw
 */
export async function backUp({ connection: spec, directory, streams, onStream, signal }: BackupRequest): Promise<Manifest> {
  const writer = await createBackup(directory);
  try {
    const [port, connection] = [await openStreamPort(spec), await openConnection(spec)];
    const { found, missing } = await chosen(port, streams);
    const time = new Date().toISOString();
    const saved: SavedStream[] = [];
    for (const one of missing) onStream?.(one);
    for (const info of found) {
      const result = await trySave({ port, connection, prefix: apiPrefixOf(spec), writer, signal }, info);
      if ("reason" in result) missing.push(result);
      else saved.push(result);
      onStream?.(result);
    }
    const manifest = { format: FORMAT, time, server: connection.info?.version ?? "", streams: saved, missing };
    await writer.finish(manifest);
    return manifest;
  } finally {
    await writer.discard();
  }
}

async function chosen(port: StreamPort, names: readonly string[] | undefined) {
  const { streams, unknown } = await port.listStreams();
  const isWanted = (name: string): boolean => names === undefined || names.includes(name);
  const found = streams.filter(({ config }) => isWanted(String(config["name"])));
  const known = new Set([...found.map(({ config }) => String(config["name"])), ...unknown]);
  const absent = names?.filter((name) => !known.has(name)) ?? [];
  if (absent.length > 0)
    throw new BusError("ERR_STREAM_MISSING", `there is no stream ${absent.join(", ")}`, { remedy: "`natsbus status` lists the streams" });
  const missing: MissingStream[] = unknown.filter(isWanted).map((name) => ({ name, reason: "its servers do not answer" }));
  return { found, missing };
}

async function trySave(session: Session, info: StreamInfo): Promise<SavedStream | MissingStream> {
  const name = String(info.config["name"]);
  try {
    const before = await session.port.listConsumers(name);
    return await save(session, { name, before, isWithConsumers: before.unknown.length === 0 });
  } catch (error) {
    if (!isBusError(error) || error.code === "ERR_INTERRUPTED" || error.code === "ERR_BACKUP_FOLDER") throw error;
    await session.writer.dropStream(name);
    return { name, reason: error.message };
  }
}

interface Item {
  readonly name: string;
  readonly before: ConsumerList;
  /** A server gives the whole snapshot up when it cannot ask one of the consumers; then they are left to the manifest. */
  readonly isWithConsumers: boolean;
}

async function save({ port, connection, prefix, writer, signal }: Session, { name, before, isWithConsumers }: Item): Promise<SavedStream> {
  const place = { connection, prefix, what: `backup of stream ${name}`, remedy: "run again; the stream is untouched" };
  const snapshot = await openSnapshot(place, name, isWithConsumers);
  try {
    const { config, state, chunks } = snapshot;
    const files = await writer.writeStream(name, { description: { config, state }, chunks: until(signal, chunks) });
    const archived = await consumersIn(writer.archiveOf(name));
    // Without them in it the archive is of no moment for them.
    const after = isWithConsumers ? await port.listConsumers(name) : before;
    const info = await port.readStream(name);
    const [messages, firstSeq, lastSeq] = [numberOf(state, "messages"), numberOf(state, "first_seq"), numberOf(state, "last_seq")];
    const held = heldBy({ messages, firstSeq, lastSeq });
    return {
      name,
      ...held,
      bytes: numberOf(state, "bytes"),
      after: info === undefined ? held : heldBy(info),
      consumers: savedConsumers(before.consumers, after.consumers, archived),
      unanswered: before.unknown.filter((one) => !archived.includes(one)),
      ...files,
    };
  } finally {
    snapshot.close();
  }
}

function numberOf(state: Readonly<Record<string, unknown>>, key: string): number {
  return Number(state[key] ?? 0);
}

/** Passes pieces on until the signal comes. @throws ERR_INTERRUPTED then */
export async function* until<T>(signal: AbortSignal | undefined, pieces: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const piece of pieces) {
    if (signal?.aborted === true) throw new BusError("ERR_INTERRUPTED", "interrupted; nothing unfinished is left behind");
    yield piece;
  }
}
