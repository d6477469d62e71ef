import { renderSize } from "../../core/units.ts";
import { type Manifest, type MissingStream, type SavedStream, shortcomings } from "../../operations/backup/manifest.ts";
import type { RestoredStream } from "../../operations/backup/restore.ts";
import type { Palette } from "./palette.ts";

/** What the verbs say of one stream. */
export function renderStream(stream: SavedStream | MissingStream): string {
  if ("reason" in stream) return `${stream.name}: not saved: ${stream.reason}`;
  const { name, messages, consumers, archive } = stream;
  return `${name}: ${messages} messages, ${consumers.length} consumers, ${renderSize(archive.size)} on disk`;
}

/** The end of a backup, or of looking at one. */
export function renderBackup(directory: string, manifest: Manifest, palette: Palette): string {
  const { streams, time, server } = manifest;
  const messages = streams.reduce((sum, stream) => sum + stream.messages, 0);
  const lacks = shortcomings(manifest).map((text) => `${palette.warning("incomplete:")} ${text}\n`);
  return `${lacks.join("")}${directory}: ${streams.length} streams with ${messages} messages, taken ${time} from nats-server ${server}\n`;
}

/** What became of a restored stream. */
export function renderRestored(stream: RestoredStream, palette: Palette): string {
  const { name, messages, madeAnew, differences, notes, failure } = stream;
  if (failure !== undefined) return `${palette.error("failed:")} ${name}: ${failure}\n`;
  const anew = madeAnew.map((one) => `  consumer ${one} was made anew behind what it had acknowledged\n`);
  const wrong = differences.map((text) => `  ${palette.error("different:")} ${text}\n`);
  const said = notes.map((text) => `  ${palette.warning("note:")} ${text}\n`);
  const verdict = differences.length === 0 ? "restored and compared" : "restored, and different";
  return `${name}: ${messages} messages, ${verdict}\n${[...anew, ...wrong, ...said].join("")}`;
}

/** What a restore would do. */
export function renderPlan(streams: readonly RestoredStream[]): string {
  const lines = streams.map(({ name, messages, madeAnew }) => {
    const anew = madeAnew.length === 0 ? "" : `, and its consumers ${madeAnew.join(", ")} made anew`;
    return `${name} would be restored with ${messages} messages${anew}\n`;
  });
  return `${lines.join("")}The backup is whole and nothing is in its way; nothing was done.\n`;
}
