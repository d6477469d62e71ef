/** A host's files as what is sent to it: a folder with the scripts, the settings, and the files below `root/`. Pure. */
import type { HostTree } from "./tree.ts";

const BLOCK = 512;
const SENT_SCRIPTS = /^\/usr\/local\/lib\/natsbus\/[^/]+\/((install|rollout|common)\.sh)$/;

/** A file of a bundle. */
export interface BundleFile {
  /** Path relative to the bundle. */
  readonly path: string;
  /** Text. */
  readonly content: string;
  /** Access rights; a bundle holds keys, so that nobody but its owner may read it. */
  readonly mode: 0o600 | 0o700;
}

/** The files of a bundle, sorted by path. */
export function planBundle(tree: HostTree): readonly BundleFile[] {
  const manifest = tree.files.map(({ mode, group, path }) => `${mode} ${group} ${path}\n`).join("");
  const scripts = tree.files.flatMap(({ path, content }): BundleFile[] => {
    const name = SENT_SCRIPTS.exec(path)?.[1];
    return name === undefined ? [] : [{ path: name, content, mode: 0o700 }];
  });
  const own: BundleFile[] = [
    { path: "settings", content: tree.settings, mode: 0o600 },
    { path: "servers", content: tree.servers, mode: 0o600 },
    { path: "manifest", content: manifest, mode: 0o600 },
    ...scripts,
    ...tree.files.map(({ path, content }): BundleFile => ({ path: `root${path}`, content, mode: 0o600 })),
  ];
  return own.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** A bundle as a tar archive. Equal bundles give equal bytes. */
export function packBundle(files: readonly BundleFile[]): Buffer {
  const parts = files.flatMap((file) => {
    const content = Buffer.from(file.content);
    const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
    return [tarHeader(file, content.length), content, padding];
  });
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

/** Header of the POSIX form; what it does not say is zero. */
function tarHeader({ path, mode }: BundleFile, size: number): Buffer {
  const header = Buffer.alloc(BLOCK);
  const { name, prefix } = splitPath(path);
  header.write(name, 0);
  header.write(`${octal(mode, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0${octal(size, 11)}\0${octal(0, 11)}\0        0`, 100);
  header.write("ustar\x0000", 257);
  header.write(prefix, 345);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${octal(sum, 6)}\0 `, 148);
  return header;
}

/** A path longer than 100 bytes is split at a slash. */
function splitPath(path: string): { readonly name: string; readonly prefix: string } {
  if (path.length <= 100) return { name: path, prefix: "" };
  const slash = path.indexOf("/", path.length - 101);
  return { name: path.slice(slash + 1), prefix: path.slice(0, slash) };
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}
