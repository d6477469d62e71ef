/** One connection a distinct identity and process, shared by every resource that reaches the same bus. */
import { createHash } from "node:crypto";
import { type ConnectionOptions, connect, type NatsConnection } from "@nats-io/transport-node";
import { type ConnectionSpec, connectionProblems, DEFAULT_TIMEOUT_MS } from "../core/connection.ts";
import { assertNoProblems } from "../core/errors.ts";
import type { ForwardSpec } from "../core/forward.ts";
import { connectFailure } from "./failure.ts";
import { forwardedSpec, transportOptions } from "./options.ts";
import { closeForwards, holdForward, openForward } from "./port-forward.ts";

const RECONNECT = { maxReconnectAttempts: 20, reconnectTimeWait: 100, reconnectJitter: 50, reconnectJitterTLS: 100 };

const pool = new Map<string, Promise<NatsConnection>>();

/**
 * The connection of this identity: the open one of this process, else a new one. A closed connection is replaced, a lost one reconnects by itself.
 * `timeoutMs`, `domain` and `apiPrefix` belong to requests and do not make another connection.
 * @throws ERR_CONNECT_OPTION, ERR_CONFIG_CONFLICT or ERR_CONFIG when the settings cannot be used, ERR_CONNECT_REFUSED when no server answers, ERR_CONNECT_CREDENTIALS when the credentials are refused or no credentials,
 *   ERR_KUBECONFIG or ERR_CONNECT_FORWARD when the pods cannot be reached, ERR_CONNECT_TLS when the handshake fails, ERR_CONNECT_TIMEOUT when nothing happens in time
 */
export async function openConnection(spec: ConnectionSpec): Promise<NatsConnection> {
  const key = identityOf(spec);
  const pooled = pool.get(key);
  if (pooled !== undefined) {
    const connection = await pooled;
    if (!connection.isClosed()) return connection;
    forget(key, pooled);
  }
  return pool.get(key) ?? dial(key, spec);
}

/** Closes every pooled connection and port-forward; a later {@link openConnection} dials again. Connections that cannot be closed any more are forgotten. */
export async function closeConnections(): Promise<void> {
  const open = [...pool.values()];
  pool.clear();
  await Promise.all(open.map((connecting) => connecting.then((connection) => connection.close()).catch(() => undefined)));
  await closeForwards();
}

function dial(key: string, spec: ConnectionSpec): Promise<NatsConnection> {
  const connecting = attempt(spec);
  pool.set(key, connecting);
  connecting.then(
    (connection) => void connection.closed().then(() => forget(key, connecting)),
    () => forget(key, connecting),
  );
  return connecting;
}

function forget(key: string, connecting: Promise<NatsConnection>): void {
  if (pool.get(key) === connecting) pool.delete(key);
}

async function attempt(spec: ConnectionSpec): Promise<NatsConnection> {
  try {
    return await connect(optionsOf(await throughForward(spec, openForward)));
  } catch (error) {
    throw connectFailure(spec, error);
  }
}

/**
 * The same connection for whoever dials by himself: servers behind a port-forward at its loopback end, which stays open as long as the process lives and keeps no program alive.
 * @throws ERR_CONNECT_OPTION, ERR_CONFIG_CONFLICT or ERR_CONFIG when the settings cannot be used, ERR_KUBECONFIG or ERR_CONNECT_FORWARD when the pods cannot be reached
 */
export function reachableSpec(spec: ConnectionSpec): Promise<ConnectionSpec> {
  return throughForward(spec, holdForward);
}

/** Servers behind a port-forward are dialled at its loopback end. */
async function throughForward(spec: ConnectionSpec, open: (forward: ForwardSpec) => Promise<number>): Promise<ConnectionSpec> {
  if (spec.forward === undefined) return spec;
  assertNoProblems(connectionProblems(spec));
  return forwardedSpec(spec, await open(spec.forward));
}

function optionsOf(spec: ConnectionSpec): ConnectionOptions {
  assertNoProblems(connectionProblems(spec));
  return {
    name: "natsbus",
    timeout: spec.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    // Addresses that servers tell about themselves need not be reachable, nor covered by their certificates.
    ignoreClusterUpdates: true,
    ...RECONNECT,
    ...transportOptions(spec),
  };
}

/** A digest, so that the pool's keys hold no secret. */
function identityOf(spec: ConnectionSpec): string {
  const { timeoutMs: _timeout, domain: _domain, apiPrefix: _prefix, ...identity } = spec;
  const sorted = Object.entries(identity).sort(([a], [b]) => (a < b ? -1 : 1));
  return createHash("sha256").update(JSON.stringify(sorted)).digest("hex");
}
