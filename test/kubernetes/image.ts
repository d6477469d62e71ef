/** Writes container images from files, without a container engine: an archive that `ctr images import` and `docker load` take. */
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";

const BLOCK = 512;
const EXECUTABLE = 0o755;
const LONGEST_NAME = 100;

/** A file of an image. */
export interface ImageFile {
  /** Path in the image, absolute. */
  readonly path: string;
  /** Path on this machine. */
  readonly from: string;
}

/** An image of files of this machine. */
export interface ImageSpec {
  /** Full name with tag, for instance `docker.io/library/nats:2.15.2-alpine`. */
  readonly name: string;
  /** Files; all of them may be executed. */
  readonly files: readonly ImageFile[];
  /** What is started: program and arguments. */
  readonly entrypoint: readonly string[];
}

/** Writes the archive of an image to `target`. */
export async function writeImage(target: string, { name, files, entrypoint }: ImageSpec): Promise<void> {
  const contents = await Promise.all(
    files.map(async ({ path, from }) => ({ path: path.slice(1), content: await readFile(from), mode: EXECUTABLE })),
  );
  const layer = archive([{ path: "tmp/", mode: 0o1777 }, ...folders(files), ...contents]);
  const layerDigest = sha256(layer);
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === "arm64" ? "arm64" : "amd64",
      os: "linux",
      config: { Entrypoint: entrypoint, Env: ["PATH=/usr/local/bin:/usr/bin:/bin:/"], WorkingDir: "/" },
      rootfs: { type: "layers", diff_ids: [`sha256:${layerDigest}`] },
    }),
  );
  const configFile = `${sha256(config)}.json`;
  const layerFile = `${layerDigest}/layer.tar`;
  const manifest = Buffer.from(JSON.stringify([{ Config: configFile, RepoTags: [name], Layers: [layerFile] }]));
  const parts = { [configFile]: config, [layerFile]: layer, "manifest.json": manifest };
  await writeFile(target, archive(Object.entries(parts).map(([file, content]) => ({ path: file, content, mode: 0o644 }))));
}

interface Entry {
  readonly path: string;
  /** Absent for a folder. */
  readonly content?: Buffer;
  readonly mode: number;
}

/** The folders above the files, outer ones first. */
function folders(files: readonly ImageFile[]): Entry[] {
  const above = files.flatMap(({ path }) => {
    const names = path.split("/").slice(1, -1);
    return names.map((_, index) => `${names.slice(0, index + 1).join("/")}/`);
  });
  return [...new Set(above)].sort().map((path) => ({ path, mode: EXECUTABLE }));
}

/** A tar archive in the ustar form. */
function archive(entries: readonly Entry[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const { content = Buffer.alloc(0) } = entry;
    return [header(entry, content.length), content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

/** A path in the two fields of the ustar form; the second one is for what does not fit into the first. */
function splitPath(path: string): readonly [name: string, prefix: string] {
  if (path.length <= LONGEST_NAME) return [path, ""];
  const cut = path.indexOf("/", path.length - LONGEST_NAME - 1);
  return [path.slice(cut + 1), path.slice(0, cut)];
}

function header({ path, mode, content }: Entry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const [name, prefix] = splitPath(path);
  const octal = (value: number, width: number) => value.toString(8).padStart(width - 1, "0");
  block.write(name, 0);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(0, 12), 136);
  block.write(content === undefined ? "5" : "0", 156);
  block.write("ustar\u000000", 257);
  block.write(prefix, 345);
  // The sum counts its own field as blanks.
  block.write(" ".repeat(8), 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\u0000 `, 148);
  return block;
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
