/** What a rolling restart over several hosts works with, and how the answers of hosts are read. Pure. */
import type { SystemdHost } from "../../../core/systemd-spec.ts";
import type { NodeView } from "../../gate/blockers.ts";

/** What a server needs to run as installed. */
export type ServerNeed = "start" | "restart" | "reload" | "none";

/** One host with its servers. */
export interface RolledHost {
  /** The host; its private key is read where it lies. */
  readonly host: SystemdHost;
  /** Names of its servers. */
  readonly servers: readonly string[];
}

/** Servers of hosts that are to run what is installed there. */
export interface HostRolloutInputs {
  /** Name of the cluster. */
  readonly cluster: string;
  /** Every host, in the order of the configuration. */
  readonly hosts: readonly RolledHost[];
  /** Changes with everything that is installed. */
  readonly revision: string;
  /** Longest wait for the cluster before and after each restart, in milliseconds.
   * @default 300000 */
  readonly timeoutMs?: number;
}

const NEEDS: ReadonlySet<string> = new Set<ServerNeed>(["start", "restart", "reload", "none"]);

/** Map keyed by server name, from the lines of `rollout.sh --list`. */
export function parseNeeds(text: string): ReadonlyMap<string, ServerNeed> {
  const pairs = text.split("\n").map((line) => line.trim().split(" "));
  return new Map(pairs.flatMap(([name = "", need = ""]) => (NEEDS.has(need) ? [[name, need as ServerNeed] as const] : [])));
}

/** The named servers as the gate wants them, from the lines of `pages.sh`; whoever has no line is silent. */
export function parsePages(text: string, servers: readonly string[]): NodeView[] {
  const pages = new Map<string, object>();
  for (const line of text.split("\n")) {
    const [, server, page, body] = /^(\S+) (\S+) (\{.*\})$/.exec(line) ?? [];
    const document = parseObject(body);
    if (document !== undefined) pages.set(`${server} ${page}`, document);
  }
  return servers.map((name) => {
    const jsz = pages.get(`${name} jsz`);
    const health = pages.get(`${name} healthz`);
    return { name, ...(jsz === undefined ? {} : { jsz }), ...(health === undefined ? {} : { health }) };
  });
}

/** A server that is ended while it answers leaves half a document. */
function parseObject(text: string | undefined): object | undefined {
  try {
    return JSON.parse(text ?? "") as object;
  } catch {
    return undefined;
  }
}

/** The last thing that a script of a host said against going on, without its code. */
export function lastRefusal(stderr: string): string {
  const refusals = [...stderr.matchAll(/^natsbus: (.*) \[ERR_[A-Z_]+\]$/gm)].map(([, text]) => text);
  return refusals.at(-1) ?? stderr.trim().split("\n").at(-1) ?? "";
}
