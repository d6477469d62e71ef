/** The scripts that run on a host, read from their files once. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const FOLDER = join(import.meta.dirname, "files");

/** Map keyed by name: text of every script of `components/systemd/files`. */
export function readScripts(): Readonly<Record<string, string>> {
  const names = ["install.sh", "uninstall.sh", "rollout.sh", "health.sh", "pages.sh", "common.sh"];
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(FOLDER, name), "utf8")]));
}
