/** What a backup says of itself, and what it cannot hold. Pure. */
import { createHash } from "node:crypto";
import { BusError } from "../../core/errors.ts";
import { nameProblem } from "../../core/names.ts";
import type { ConsumerInfo, StreamInfo } from "../../streams/port.ts";
import { isServerMade, type WireConfig } from "../../streams/wire.ts";

/** Version of the format; a newer one is refused. */
export const FORMAT = 1;

/** A file of a backup. */
export interface FileSum {
  /** Bytes. */
  readonly size: number;
  /** SHA-256, hexadecimal. */
  readonly sha256: string;
}

/** What a stream held. */
export interface Held {
  /** Number of messages. */
  readonly messages: number;
  /** First sequence; 0 without messages. */
  readonly firstSeq: number;
  /** Last sequence ever given. */
  readonly lastSeq: number;
}

/** A durable consumer at the time of the backup. */
export interface SavedConsumer {
  readonly name: string;
  /** Stream sequence up to which everything was acknowledged before the snapshot was taken. */
  readonly ackFloor: number;
  /** The same, after it was taken. */
  readonly ackFloorAfter: number;
  /** Whether the archive holds it; one it does not hold is made anew by a restore. */
  readonly archived: boolean;
  /** Its configuration. */
  readonly config: WireConfig;
}

/** A stream in a backup. */
export interface SavedStream extends Held {
  readonly name: string;
  /** Bytes its messages took. */
  readonly bytes: number;
  /** What it held after the snapshot was taken. */
  readonly after: Held;
  /** Its durable consumers. */
  readonly consumers: readonly SavedConsumer[];
  /** Names of consumers that did not answer and that the archive does not hold. */
  readonly unanswered: readonly string[];
  /** `backup.json`, configuration and state. */
  readonly description: FileSum;
  /** `stream.arc.s2`, the server's bytes. */
  readonly archive: FileSum;
}

/** A stream that is not in the backup. */
export interface MissingStream {
  readonly name: string;
  /** Why it is not. */
  readonly reason: string;
}

/** `manifest.json` of a backup. */
export interface Manifest {
  /** {@link FORMAT} */
  readonly format: number;
  /** When it was begun, ISO 8601. */
  readonly time: string;
  /** Version of the server. */
  readonly server: string;
  readonly streams: readonly SavedStream[];
  readonly missing: readonly MissingStream[];
}

/** What a stream holds, of the server's answer. */
export function heldBy({ messages, firstSeq, lastSeq }: Held | StreamInfo): Held {
  return { messages, firstSeq: messages === 0 ? 0 : firstSeq, lastSeq };
}

/** Durable consumers as they are saved, from what the server listed before and after the snapshot and what the archive holds. Those that servers make for themselves are left to them. */
export function savedConsumers(
  before: readonly ConsumerInfo[],
  after: readonly ConsumerInfo[],
  archived: readonly string[],
): readonly SavedConsumer[] {
  const later = new Map(after.map((info) => [nameOf(info.config), info.ackFloor]));
  return before
    .filter(
      ({ config }) => nameOf(config) !== "" && !isServerMade(config) && (later.has(nameOf(config)) || archived.includes(nameOf(config))),
    )
    .map(({ config, ackFloor }) => {
      const name = nameOf(config);
      return { name, ackFloor, ackFloorAfter: later.get(name) ?? ackFloor, archived: archived.includes(name), config };
    });
}

/** What a backup does not hold, in sentences; empty for a complete one. */
export function shortcomings({ streams, missing }: Manifest): readonly string[] {
  const ofStreams = streams.flatMap(({ name, consumers, unanswered }) => [
    ...consumers
      .filter(({ archived }) => !archived)
      .map(
        (one) => `consumer ${name}/${one.name} is not in the server's snapshot; a restore makes it anew at sequence ${one.ackFloor + 1}`,
      ),
    ...unanswered.map((one) => `consumer ${name}/${one} does not answer and is not in the server's snapshot`),
  ]);
  return [...missing.map(({ name, reason }) => `stream ${name} is not in the backup: ${reason}`), ...ofStreams];
}

/** The text of `manifest.json`, with a digest over everything in it. */
export function renderManifest(manifest: Manifest): string {
  return `${JSON.stringify({ ...manifest, digest: digestOf(manifest) }, null, 2)}\n`;
}

/**
 * Reads `manifest.json`.
 * @throws ERR_BACKUP_DAMAGED when it is none, was changed, or is of a newer format
 */
export function parseManifest(text: string): Manifest {
  const { digest, ...manifest } = documentOf(text);
  if (typeof manifest["format"] !== "number") throw damaged("manifest.json is none of a backup");
  if (manifest["format"] > FORMAT)
    throw damaged(`manifest.json has format ${manifest["format"]}, and this natsbus reads up to ${FORMAT}`, "restore with a newer natsbus");
  if (digest !== digestOf(manifest)) throw damaged("manifest.json was changed after it was written");
  const read = manifest as unknown as Manifest;
  // Names become folders.
  const problem = read.streams.map(({ name }) => nameProblem("stream", name)).find((one) => one !== undefined);
  if (problem !== undefined) throw damaged(`manifest.json: ${problem}`);
  return read;
}

function documentOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value === "object" && value !== null) return value as Readonly<Record<string, unknown>>;
  } catch {
    // the same as a document that is no object
  }
  throw damaged("manifest.json is no JSON document");
}

function digestOf(manifest: object): string {
  return createHash("sha256").update(JSON.stringify(manifest)).digest("hex");
}

function damaged(message: string, remedy = "take another copy of the backup"): BusError {
  return new BusError("ERR_BACKUP_DAMAGED", message, { remedy });
}

function nameOf(config: WireConfig): string {
  return String(config["durable_name"] ?? "");
}
