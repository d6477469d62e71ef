/** What a probe is told: whom to watch, what to publish, where to listen. A JSON file on the probe's machine. */
import type { ConnectionSpec } from "../core/connection.ts";
import type { BusFacts } from "./facts.ts";

/** A server to watch. */
export interface ProbeServer {
  /** Server name. */
  readonly name: string;
  /** Where clients connect.
   * @default - not known, the canary publishes through the others only */
  readonly clientUrl?: string;
  /** Monitoring pages.
   * @default - asked for over the system account */
  readonly monitorUrl?: string;
  /** PEM file of the authorities to trust for an HTTPS monitor.
   * @default - the system's authorities */
  readonly monitorCaFile?: string;
  /** JSON file whose `digest` is that of the configuration the server was given.
   * @default - not known, no statement about the configuration */
  readonly noteFile?: string;
}

/** What the canary publishes, and as whom. */
export interface CanaryConfig {
  /** Start of the subject; the server's name follows. */
  readonly subject: string;
  /** Credentials file.
   * @default - no credentials */
  readonly credsFile?: string;
  /** Where its user may hear answers.
   * @default - the client library's own */
  readonly inboxPrefix?: string;
  /** PEM file of the authorities to trust.
   * @default - the system's authorities */
  readonly caFile?: string;
  /** Time between publishes through one server, in milliseconds. */
  readonly intervalMs: number;
  /** Time after which a publish counts as failed, retries included, in milliseconds. */
  readonly timeoutMs: number;
}

/** How a probe gets into servers that natsbus did not make. A JSON file that only its user may read; everything in it is secret. */
export interface ProbeAccess {
  /** What every connection of the canary has, its login where it has no credentials file. */
  readonly client: Omit<ConnectionSpec, "servers">;
  /** Connection of a user of the system account, for servers without a monitor URL.
   * @default - they are not seen */
  readonly system?: ConnectionSpec;
}

/** Everything a probe is told. */
export interface ProbeConfig {
  /** The bus as declared. */
  readonly facts: BusFacts;
  /** Where metrics and the page are served; loopback unless somebody else must read them. */
  readonly listen: { readonly host: string; readonly port: number };
  /** The servers, first to last. */
  readonly servers: readonly ProbeServer[];
  /** Time between looks at each server, in milliseconds. */
  readonly pollMs: number;
  /** Whether the official exporter's series are served too, a page a server; off where that exporter runs. */
  readonly exporter: boolean;
  /** Time within which an acknowledgement counts as fast, in seconds. */
  readonly latencySeconds: number;
  /** The canary.
   * @default - none */
  readonly canary?: CanaryConfig;
  /** JSON file with a {@link ProbeAccess}.
   * @default - none is needed */
  readonly accessFile?: string;
  /** Prometheus whose alerts the page shows.
   * @default - none, the page says so */
  readonly prometheusUrl?: string;
}
