import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import type { ArgsDef, ParsedArgs } from "citty";
import type { ConnectionSpec } from "../core/connection.ts";
import { BusError, type ErrorCode } from "../core/errors.ts";
import { resolveConnection } from "./bus-access.ts";
import { openBus, type PlaceOptions } from "./session.ts";

/** Options of a verb that looks at a cluster, the stack's own unless it is told another one. */
export const CLUSTER_ARGS = {
  url: {
    type: "string",
    valueHint: "URLS",
    description: "servers to look at, separated by commas (default: those of the stack, as its admin)",
  },
  creds: { type: "string", valueHint: "FILE", description: "credentials for --url" },
  ca: { type: "string", valueHint: "FILE", description: "certificate authorities for --url, PEM" },
  domain: { type: "string", valueHint: "NAME", description: "JetStream domain to look at, for --url" },
} as const satisfies ArgsDef;

/** Where to look. */
export type ClusterOptions = PlaceOptions & Partial<ParsedArgs<typeof CLUSTER_ARGS>>;

/**
 * How to connect to the cluster the options name: `--url` with its files, else the stack's own as a user that may do everything.
 * @throws BusError ERR_USAGE, ERR_CREDENTIALS or ERR_TLS_FILE for a file that cannot be read, ERR_NOT_UP
 */
export async function resolveCluster(options: ClusterOptions): Promise<ConnectionSpec> {
  const { url, domain } = options;
  if (url === undefined) {
    const alone = (["creds", "ca", "domain"] as const).find((name) => options[name] !== undefined);
    if (alone !== undefined) throw new BusError("ERR_USAGE", `--${alone} goes with --url`, { remedy: "name the servers with --url" });
    return resolveConnection(await openBus(options), undefined);
  }
  const servers = url.split(",").filter((server) => server !== "");
  if (servers.length === 0)
    throw new BusError("ERR_USAGE", "--url names no server", { remedy: "write nats://HOST:PORT or tls://HOST:PORT" });
  const creds = await readOption(options.creds, "ERR_CREDENTIALS");
  const ca = await readOption(options.ca, "ERR_TLS_FILE");
  return {
    servers,
    ...(creds === undefined ? {} : { creds }),
    ...(ca === undefined ? {} : { ca }),
    ...(domain === undefined ? {} : { domain }),
  };
}

/** The servers without user and password, for people. */
export function describeServers({ servers }: ConnectionSpec): string {
  return servers.map((server) => server.replace(/\/\/[^@/]*@/, "//")).join(", ");
}

/** A credentials file.
 * @throws BusError ERR_CREDENTIALS when it cannot be read */
export async function readCredentials(file: string): Promise<string> {
  return (await readOption(file, "ERR_CREDENTIALS")) ?? "";
}

async function readOption(file: string | undefined, code: ErrorCode): Promise<string | undefined> {
  if (file === undefined) return undefined;
  try {
    return await readFile(resolve(file), "utf8");
  } catch (cause) {
    throw new BusError(code, `${file} cannot be read`, { cause, remedy: "name a file that this user may read" });
  }
}
