import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestHost } from "./test-host.ts";

const NOBODY = 65_534;
const MOST_BYTES = 512 * 1024 * 1024;

/** What an image of programs of this machine is made of. */
export interface ProgramImage {
  /** Map keyed by path in the image: program of this machine. The libraries they are linked with come along. */
  readonly programs: Readonly<Record<string, string>>;
  /** Map keyed by path: where the link leads. */
  readonly links?: Readonly<Record<string, string>>;
  /** Folders that belong to nobody, for programs that write there. */
  readonly folders?: readonly string[];
  /** Program and arguments to start with. */
  readonly entrypoint: readonly string[];
}

/** The official exporter, where `test/hosts/build-programs.sh` puts it. */
export function exporterProgram(): string {
  const cache = process.env["NATSBUS_CACHE_DIR"] ?? join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "natsbus");
  return join(cache, "nats-exporter/prometheus-nats-exporter");
}

/** Makes an image of programs that this machine has, under the name of the official one. */
export async function loadProgramImage(host: TestHost, name: string, image: ProgramImage): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "natsbus-image-"));
  try {
    fillRoot(root, image);
    const archive = execFileSync("tar", ["-cf", "-", "--numeric-owner", "-C", root, "."], { maxBuffer: MOST_BYTES });
    const changes = [`ENTRYPOINT ${JSON.stringify(image.entrypoint)}`, "ENV PATH=/usr/local/bin:/usr/sbin:/usr/bin:/bin"];
    const flags = changes.flatMap((change) => ["--change", change]);
    const { code, stderr } = await host.run(["docker", "import", ...flags, "-", name], { stdin: archive });
    if (code !== 0) throw new Error(stderr);
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

function fillRoot(root: string, { programs, links = {}, folders = [] }: ProgramImage): void {
  const place = (path: string) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    return join(root, path);
  };
  for (const [path, program] of Object.entries(programs)) {
    copyFileSync(program, place(path));
    chmodSync(place(path), 0o755);
    for (const library of librariesOf(program)) copyFileSync(library, place(library));
  }
  for (const [path, target] of Object.entries(links)) symlinkSync(target, place(path));
  for (const folder of [...folders, "/tmp"]) mkdirSync(join(root, folder), { recursive: true });
  for (const folder of folders) chownSync(join(root, folder), NOBODY, NOBODY);
  writeFileSync(place("/etc/passwd"), "root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n");
  writeFileSync(place("/etc/group"), "root:x:0:\nnogroup:x:65534:\n");
  chmodSync(root, 0o755);
}

function librariesOf(program: string): string[] {
  const { stdout } = spawnSync("ldd", [program], { encoding: "utf8" });
  return [...stdout.matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path ?? "");
}
