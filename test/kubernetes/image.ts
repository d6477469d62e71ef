/** Writes container images from programs, without a container engine: an archive that `ctr images import` and `docker load` take. */
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";

const BLOCK = 512;
const EXECUTABLE = 0o755;

/** An image with one static program. */
export interface ImageSpec {
  /** Full name with tag, for instance `docker.io/library/nats:2.15.2-alpine`. */
  readonly name: string;
  /** Path of the program on this machine. */
  readonly program: string;
  /** Path of the program in the image, absolute. */
  readonly path: string;
  /** What it is started with. */
  readonly args?: readonly string[];
}

/** Writes the archive of an image to `target`. */
export async function writeImage(target: string, { name, program, path, args = [] }: ImageSpec): Promise<void> {
  const layer = archive([...folders(path), { path: path.slice(1), content: await readFile(program), mode: EXECUTABLE }]);
  const layerDigest = sha256(layer);
  const config = Buffer.from(
    JSON.stringify({
      architecture: process.arch === "arm64" ? "arm64" : "amd64",
      os: "linux",
      config: { Entrypoint: [path], Cmd: args, Env: ["PATH=/usr/local/bin:/usr/bin:/bin:/"], WorkingDir: "/" },
      rootfs: { type: "layers", diff_ids: [`sha256:${layerDigest}`] },
    }),
  );
  const configFile = `${sha256(config)}.json`;
  const layerFile = `${layerDigest}/layer.tar`;
  const manifest = Buffer.from(JSON.stringify([{ Config: configFile, RepoTags: [name], Layers: [layerFile] }]));
  const files = { [configFile]: config, [layerFile]: layer, "manifest.json": manifest };
  await writeFile(target, archive(Object.entries(files).map(([file, content]) => ({ path: file, content, mode: 0o644 }))));
}

interface Entry {
  readonly path: string;
  /** Absent for a folder. */
  readonly content?: Buffer;
  readonly mode: number;
}

/** The folders above a path, outermost first, and a `tmp` that anybody may write. */
function folders(path: string): Entry[] {
  const names = path.split("/").slice(1, -1);
  const above = names.map((_, index) => ({ path: `${names.slice(0, index + 1).join("/")}/`, mode: EXECUTABLE }));
  return [{ path: "tmp/", mode: 0o1777 }, ...above];
}

/** A tar archive in the ustar form. */
function archive(entries: readonly Entry[]): Buffer {
  const parts = entries.flatMap((entry) => {
    const { content = Buffer.alloc(0) } = entry;
    return [header(entry, content.length), content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK)];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function header({ path, mode, content }: Entry, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  const octal = (value: number, width: number) => value.toString(8).padStart(width - 1, "0");
  block.write(path, 0);
  block.write(octal(mode, 8), 100);
  block.write(octal(0, 8), 108);
  block.write(octal(0, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(0, 12), 136);
  block.write(content === undefined ? "5" : "0", 156);
  block.write("ustar\u000000", 257);
  // The sum counts its own field as blanks.
  block.write(" ".repeat(8), 148);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\u0000 `, 148);
  return block;
}

function sha256(content: Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}
