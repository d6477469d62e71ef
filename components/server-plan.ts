/** What each server of a bus is told, the same on every target: only places and paths differ. Pure. */
import { createHash } from "node:crypto";
import type { BusSpec, ClusterSpec } from "../core/bus-spec.ts";
import type { TlsSpec } from "../core/security-spec.ts";
import type { ClusterListener, ServerConfigSpec } from "../core/server-config-spec.ts";
import type { AccountsConfigSpec } from "../core/server-identity-spec.ts";
import type { Listener, TlsFiles } from "../core/server-listener-spec.ts";

const HASH_LENGTH = 12;

/** An operator's accounts: the servers start with the system account and learn the others from each other. */
interface OperatorIdentity {
  /** Tells the modes apart. */
  readonly kind: "operator";
  /** Operator JWT. */
  readonly operatorJwt: string;
  /** Public key of the system account. */
  readonly systemAccount: string;
  /** System account JWT. */
  readonly systemAccountJwt: string;
  /** How often servers compare their accounts, in milliseconds. */
  readonly resolverIntervalMs: number;
}

/** Who may connect to the servers. */
export type ServerIdentity = OperatorIdentity | AccountsConfigSpec | { readonly kind: "none" };

/** The part of a bus that its servers are told. Other changes of the bus must not touch them. */
export type ServerSettings = Pick<BusSpec, "jetstream" | "logging" | "limits" | "lameDuck" | "serverConfig"> & {
  readonly cluster: Pick<ClusterSpec, "name">;
  readonly tls: Pick<TlsSpec, "clients" | "handshakeFirst">;
};

/** Where one server listens. */
export interface ServerPlace {
  /** Server name; it never changes. */
  readonly name: string;
  /** Client listener. */
  readonly client: Listener;
  /** Monitoring pages; absent: none. */
  readonly monitor?: Listener & { readonly tls: boolean };
  /** Route listener with the other servers' URLs; absent: a server alone. */
  readonly cluster?: Omit<ClusterListener, "name" | "tls">;
}

/** Paths as the server process sees them. */
export interface ServerFiles {
  /** JetStream store, a folder. */
  readonly store: string;
  /** Account documents, a folder; used with an operator. */
  readonly accounts: string;
  /** Log file; absent: standard error. */
  readonly log?: string;
  /** File for the process id; absent: none. */
  readonly pid?: string;
  /** Certificates for clients. */
  readonly tls: TlsFiles;
  /** Certificates for routes.
   * @default - those for clients */
  readonly routeTls?: TlsFiles;
}

/** One server to be planned. */
export interface ServerToPlan {
  /** Where it listens. */
  readonly place: ServerPlace;
  /** Where its files are. */
  readonly files: ServerFiles;
  /** Who may connect. */
  readonly identity: ServerIdentity;
}

/** The settings of `spec` that every server is told. */
export function serverSettings(spec: BusSpec): ServerSettings {
  const { jetstream, logging, limits, lameDuck, serverConfig, cluster, tls } = spec;
  return {
    cluster: { name: cluster.name },
    jetstream,
    limits,
    logging,
    lameDuck,
    tls: { clients: tls.clients, handshakeFirst: tls.handshakeFirst },
    serverConfig,
  };
}

/** The configuration of one server. */
export function planServer(settings: ServerSettings, { place, files, identity }: ServerToPlan): ServerConfigSpec {
  const { cluster } = place;
  return {
    serverName: place.name,
    client: place.client,
    ...(settings.tls.clients ? { clientTls: { ...files.tls, handshakeFirst: settings.tls.handshakeFirst } } : {}),
    ...(place.monitor === undefined ? {} : { monitor: place.monitor }),
    ...(cluster === undefined ? {} : { cluster: { name: settings.cluster.name, ...cluster, tls: files.routeTls ?? files.tls } }),
    jetstream: { storeDirectory: files.store, ...settings.jetstream },
    identity: planIdentity(identity, files.accounts),
    logging: { ...(files.log === undefined ? {} : { file: files.log }), ...settings.logging },
    ...(files.pid === undefined ? {} : { pidFile: files.pid }),
    limits: settings.limits,
    lameDuck: settings.lameDuck,
    ...(Object.keys(settings.serverConfig).length === 0 ? {} : { extra: settings.serverConfig }),
  };
}

/** A file name made from the content: a renewed certificate changes the configuration, so that its reload can be seen in the server's digest. */
export function contentName(content: string, ending: string): string {
  return `${createHash("sha256").update(content).digest("hex").slice(0, HASH_LENGTH)}${ending}`;
}

function planIdentity(identity: ServerIdentity, accounts: string): ServerConfigSpec["identity"] {
  if (identity.kind !== "operator") return identity;
  const { operatorJwt, systemAccount, systemAccountJwt, resolverIntervalMs } = identity;
  const preload = { [systemAccount]: systemAccountJwt };
  const resolver = { directory: accounts, intervalMs: resolverIntervalMs, allowDelete: true, preload };
  return { kind: "operator", operatorJwt, systemAccount, resolver };
}
