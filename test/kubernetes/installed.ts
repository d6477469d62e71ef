import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Piece, VERSIONS } from "./pieces.ts";

/** Where everything of the test cluster is kept between runs; one folder a Kubernetes version. */
function kubernetesCache(): string {
  const cache = process.env["NATSBUS_CACHE_DIR"] || join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "natsbus");
  return join(cache, "kubernetes", VERSIONS.kubernetes);
}

/** The folder of the built programs. */
export const binaryFolder = (): string => join(kubernetesCache(), "bin");

/** The folder of the Go module they are built from. */
export const moduleFolder = (): string => join(kubernetesCache(), "module");

/** The path of one built program. */
export const binaryPath = (name: string): string => join(binaryFolder(), name);

/** Those of `pieces` that nobody has built yet. */
export const missingPieces = (pieces: readonly Piece[]): Piece[] => pieces.filter(({ name }) => !existsSync(binaryPath(name)));
