/** Looks at a backup without any server. */
import { BusError } from "../../core/errors.ts";
import { consumersIn } from "./archive.ts";
import { archiveOf, assertWhole, readManifest } from "./folder.ts";
import type { Manifest, SavedStream } from "./manifest.ts";

/**
 * Compares every file with the manifest, and the consumers in the archives with those it names.
 * @throws ERR_BACKUP_DAMAGED that names what is wrong
 */
export async function checkBackup(directory: string): Promise<Manifest> {
  const manifest = await readManifest(directory);
  await assertWhole(directory, manifest.streams);
  for (const stream of manifest.streams) assertConsumers(stream, await consumersIn(archiveOf(directory, stream.name)));
  return manifest;
}

function assertConsumers({ name, consumers }: SavedStream, archived: readonly string[]): void {
  const lacking = consumers.filter((one) => one.archived && !archived.includes(one.name));
  if (lacking.length === 0) return;
  const names = lacking.map((one) => one.name).join(", ");
  throw new BusError("ERR_BACKUP_DAMAGED", `the archive of stream ${name} lacks the consumers ${names}`, { remedy: "take another backup" });
}
