/** What a server's monitor port says, over plain HTTP or HTTPS on loopback. */
import { request as requestPlain } from "node:http";
import { request as requestTls } from "node:https";

const TIMEOUT_MS = 2_000;

/** Where a server's monitor listens. */
export interface MonitorAddress {
  /** `http://127.0.0.1:8222` or `https://…`. */
  readonly url: string;
  /** Authorities to trust for HTTPS, a PEM bundle.
   * @default - the system's authorities */
  readonly ca?: string;
}

/** The part of `/varz` natsbus reads. */
export interface Varz {
  /** Server name. */
  readonly server_name: string;
  /** Server version. */
  readonly version: string;
  /** When the server started, RFC 3339. */
  readonly start: string;
  /** Present client connections. */
  readonly connections: number;
  /** Digest of the parsed configuration in force, `sha256:…`. */
  readonly config_digest?: string;
}

/** One Raft group as its leader or a follower sees it. Only the leader knows who is current. */
export interface GroupState {
  /** Leader's server name; absent while there is none. */
  readonly leader?: string;
  /** The other members. */
  readonly replicas?: readonly { readonly name: string; readonly current: boolean; readonly offline?: boolean; readonly lag?: number }[];
  /** Members of the meta group, this server included. */
  readonly cluster_size?: number;
}

/** The part of `/jsz?accounts=true&streams=true&consumers=true&config=true` natsbus reads. */
export interface Jsz {
  /** The meta group; absent on a lone server. */
  readonly meta_cluster?: GroupState;
  /** Streams this server holds a replica of. */
  readonly streams?: number;
  /** Consumers this server holds a replica of. */
  readonly consumers?: number;
  /** Messages stored on this server. */
  readonly messages?: number;
  /** Bytes stored on this server. */
  readonly bytes?: number;
  /** Accounts with their assets, when asked for. */
  readonly account_details?: readonly {
    readonly name: string;
    readonly id?: string;
    readonly stream_detail?: readonly StreamDetail[];
  }[];
}

/** One stream replica of a server. */
export interface StreamDetail {
  /** Stream name. */
  readonly name: string;
  /** The stream's group; absent on a lone server. */
  readonly cluster?: GroupState;
  /** Its configuration, when asked for. */
  readonly config?: { readonly num_replicas?: number; readonly subjects?: readonly string[] };
  /** What this replica holds. */
  readonly state?: { readonly messages?: number; readonly bytes?: number; readonly consumer_count?: number };
  /** Its consumers' replicas on this server. */
  readonly consumer_detail?: readonly { readonly name: string; readonly cluster?: GroupState }[];
}

/**
 * Asks the monitor for a page and parses it; pages with an error status (a `/healthz` that is not ok) are parsed too.
 * @returns `undefined` when nobody answers, or not with JSON
 */
export function askMonitor<T>(address: MonitorAddress, page: string): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<T | undefined>();
  const url = new URL(page, address.url);
  const request = url.protocol === "https:" ? requestTls : requestPlain;
  // One connection a request: a kept one would meet a server that is restarted in between.
  const call = request(url, { agent: false, timeout: TIMEOUT_MS, ...(address.ca === undefined ? {} : { ca: address.ca }) }, (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.once("error", () => resolve(undefined));
    response.once("end", () => resolve(parseOr<T>(Buffer.concat(chunks).toString("utf8"))));
  });
  call.once("timeout", () => call.destroy());
  call.once("close", () => resolve(undefined));
  call.once("error", () => resolve(undefined));
  call.end();
  return promise;
}

function parseOr<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
