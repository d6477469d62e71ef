/** The image of the probe, laid out as its Dockerfile says; in place of Alpine stand this machine's Node and the libraries it loads. */
import { execFileSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { PROBE_COPIES, PROBE_ENTRYPOINT } from "../support/probe-image.ts";
import type { ImageFile, ImageSpec } from "./image.ts";
import { PROBE_IMAGE } from "./pieces.ts";

const ROOT = join(import.meta.dirname, "../..");
const FOLDER = "/natsbus";

/** Everything the image holds. */
export function probeImage(): ImageSpec {
  const node = { path: "/usr/local/bin/node", from: process.execPath };
  const own = PROBE_COPIES.flatMap(({ from, to }) => filesIn(join(ROOT, from), join(FOLDER, to)));
  return {
    name: `${PROBE_IMAGE.repository}:${PROBE_IMAGE.tag}`,
    files: [node, ...libraries(node.from), ...own],
    entrypoint: PROBE_ENTRYPOINT,
  };
}

/** Shared libraries of a program, and what loads them, under the paths it looks for them at. */
function libraries(program: string): ImageFile[] {
  const lines = execFileSync("ldd", [program], { encoding: "utf8" }).split("\n");
  const paths = lines.flatMap((line) => /(?:=> )?(\/\S+) \(/.exec(line)?.[1] ?? []);
  return paths.map((path) => ({ path, from: path }));
}

/** Files of a folder, or the file itself. */
function filesIn(from: string, path: string): ImageFile[] {
  if (statSync(from).isFile()) return [{ path, from }];
  const entries = readdirSync(from, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.map((entry) => {
    const file = join(entry.parentPath, entry.name);
    return { path: join(path, file.slice(from.length)), from: file };
  });
}
