/** The marks of a migration, kept in the metadata of the streams it works on, so that any later run finds out how far it came. Pure. */
import { type WireConfig, withoutKeys } from "./wire.ts";

/** How far a migration is, as one of its two streams tells. */
export interface MigrationMark {
  /** The same in both streams of one migration. */
  readonly id: string;
  /**
   * Of the stream itself: `fenced` it takes no messages any more and is being copied · `restoring` it is being made anew from the proven copy · `done` it is the new stream.
   * Of the copy: `copying` it is incomplete or unproven · `proven` it is known to hold everything.
   */
  readonly phase: "fenced" | "restoring" | "done" | "copying" | "proven";
  /** Configuration the stream is to have in the end, subjects included. */
  readonly target: WireConfig;
  /** Subjects and sources the stream had before it was fenced. */
  readonly before: WireConfig;
  /** Map keyed by consumer name: until when it was paused before, "" for not at all. */
  readonly pauses: Readonly<Record<string, string>>;
}

/** Metadata key of the mark. */
export const MIGRATION_KEY = "natsbus.migration";

/** Name of the copy of a stream while it is being migrated. */
export function copyName(stream: string): string {
  return `${stream}_natsbus_migration`;
}

const FENCES = "_natsbus.migration";

/** Covers the subjects of all streams that take no messages, every copy among them. */
export const FENCE_SUBJECTS = `${FENCES}.>`;

/** A subject nobody publishes to: a stream must have one. */
export function fenceSubject(stream: string): string {
  return `${FENCES}.${stream}`;
}

/** The mark of a stream, `undefined` when it has none. */
export function readMark(config: WireConfig | undefined): MigrationMark | undefined {
  const text = (config?.["metadata"] as Readonly<Record<string, string>> | undefined)?.[MIGRATION_KEY];
  return text === undefined ? undefined : (JSON.parse(text) as MigrationMark);
}

/** The configuration with this mark; without any for `undefined`. */
export function withMark(config: WireConfig, mark: MigrationMark | undefined): WireConfig {
  const metadata = withoutKeys((config["metadata"] ?? {}) as WireConfig, [MIGRATION_KEY]);
  return { ...config, metadata: mark === undefined ? metadata : { ...metadata, [MIGRATION_KEY]: JSON.stringify(mark) } };
}

/** The configuration of a stream that takes no messages: its own subjects and sources taken away. */
export function fenced(config: WireConfig): WireConfig {
  return { ...withoutKeys(config, ["sources"]), subjects: [fenceSubject(String(config["name"]))] };
}
