/** Finds or gets the nats-server program, and keeps one a version. */
import { execFile } from "node:child_process";
import { homedir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { NodeBinary } from "./cluster-node.ts";

const run = promisify(execFile);

/** stub */
export async function findBinary(request: { readonly version: string; readonly configured?: string | undefined }): Promise<NodeBinary> {
  const path = request.configured ?? join(homedir(), ".cache/natsbus/nats-server", request.version, "nats-server");
  const { stdout } = await run(path, ["--version"]);
  return { path, version: /v(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? "" };
}
