/** Where the nats-server of the hosts comes from: the one program file this machine would run itself, or what the stack file names. */
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";
import type { BusSpec } from "../../core/bus-spec.ts";
import { findBinary } from "../process/binary.ts";
import { type HostProgram, programPath } from "./tree.ts";

/** A host's program, and the file on this machine that is handed over. */
export interface FoundProgram extends HostProgram {
  /** File on this machine; absent: nothing is handed over. */
  readonly file?: string;
}

/**
 * Finds the program. It is only looked for on this machine when the stack file names neither a path on the hosts nor an address.
 * @throws ERR_SERVER_BINARY
 */
export async function findProgram(spec: BusSpec): Promise<FoundProgram> {
  const { path, url, sha256 } = spec.systemd.binary;
  if (path !== undefined) return { path };
  if (url !== undefined && sha256 !== undefined) return { path: programPath(spec), url, sha256 };
  const { path: file } = await findBinary({ version: spec.cluster.version, configured: spec.process.binary });
  return { path: programPath(spec), sha256: sha256 ?? (await sumOf(file)), file };
}

async function sumOf(file: string): Promise<string> {
  const sum = createHash("sha256");
  await pipeline(createReadStream(file), sum);
  return sum.digest("hex");
}
