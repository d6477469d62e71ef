import { randomBytes } from "node:crypto";
import { chmod, rename, writeFile } from "node:fs/promises";

const FILE_MODE = 0o600;

/** Names of what a write leaves behind when it is cut short. */
export const TEMPORARY = /\.[0-9a-f]{8}\.tmp$/;

/** Writes a file at once or not at all, readable by this user only. */
export async function replaceFile(path: string, content: string): Promise<void> {
  const temporary = `${path}.${randomBytes(4).toString("hex")}.tmp`;
  await writeFile(temporary, content, { mode: FILE_MODE });
  // A umask may only take rights away, and what was there before may have had more.
  await chmod(temporary, FILE_MODE);
  await rename(temporary, path);
}
