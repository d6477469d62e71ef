/** Builds the programs of a test cluster with Go: `node test/kubernetes/build.ts [api|node] [--minutes N]`. Idempotent. */
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { goModule, linkerFlags } from "./go-module.ts";
import { binaryFolder, missingPieces, moduleFolder } from "./installed.ts";
import { API_PIECES, NODE_PIECES, type Piece, VERSIONS } from "./pieces.ts";

const SOURCES = join(import.meta.dirname, "go");
const GO_ENVIRONMENT = { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=mod -trimpath -buildvcs=false", GOTOOLCHAIN: "local" };

function kubernetesGoMod(): string {
  const answer = execFileSync("go", ["mod", "download", "-json", `k8s.io/kubernetes@v${VERSIONS.kubernetes}`], {
    cwd: "/",
    encoding: "utf8",
  });
  return readFileSync((JSON.parse(answer) as { GoMod: string }).GoMod, "utf8");
}

function prepareModule(): void {
  const folder = moduleFolder();
  mkdirSync(folder, { recursive: true });
  cpSync(SOURCES, folder, { recursive: true });
  const text = goModule(kubernetesGoMod());
  // Go completes the file while it builds; writing it anew each time would throw that work away.
  if (!existsSync(join(folder, "go.mod"))) writeFileSync(join(folder, "go.mod"), text);
}

function buildPiece(piece: Piece, deadline: number): void {
  const unfinished = join(binaryFolder(), `.${piece.name}.${process.pid}`);
  const started = Date.now();
  const built = spawnSync(
    "nice",
    ["-n", "19", "go", "build", "-tags", "grpcnotrace", "-ldflags", linkerFlags(), "-o", unfinished, piece.package],
    { cwd: moduleFolder(), env: GO_ENVIRONMENT, stdio: ["ignore", "inherit", "inherit"], timeout: Math.max(1, deadline - started) },
  );
  if (built.status !== 0) {
    rmSync(unfinished, { force: true });
    throw new Error(built.error === undefined ? `go build of ${piece.name} failed` : `${piece.name} was not built in the time given`);
  }
  renameSync(unfinished, join(binaryFolder(), piece.name));
  process.stdout.write(`built ${piece.name} in ${Math.round((Date.now() - started) / 1000)} s\n`);
}

function build(pieces: readonly Piece[], minutes: number): void {
  const missing = missingPieces(pieces);
  if (missing.length === 0) return;
  mkdirSync(binaryFolder(), { recursive: true });
  prepareModule();
  const deadline = Date.now() + minutes * 60_000;
  for (const piece of missing) buildPiece(piece, deadline);
}

const [level = "node", , minutes = "90"] = process.argv.slice(2);
try {
  build(level === "api" ? API_PIECES : [...API_PIECES, ...NODE_PIECES], Number(minutes));
} catch (error) {
  process.stdout.write(`NOT BUILT: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
