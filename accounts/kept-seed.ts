/** Keys of accounts that stay on the servers after natsbus let go of them: one file each, mode 0600. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";

/** Writes a seed for its owner alone. @param file path, relative to the working directory */
export async function keepSeed(file: string, seed: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  await writeFile(file, `${seed}\n`, { mode: 0o600 });
}

/** The seed that was kept in a file; `undefined` when there is none. */
export async function readKeptSeed(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").then(
    (text) => text.trim(),
    () => undefined,
  );
}
