/** Looks at a running bus as an ordinary client, and at its servers over the system account. */
import type { NatsConnection } from "@nats-io/transport-node";
import { parseCredentials } from "../../accounts/credentials.ts";
import { askServers } from "../../connection/system-account.ts";
import { type ConnectionSpec, DEFAULT_TIMEOUT_MS } from "../../core/connection.ts";
import { BusError } from "../../core/errors.ts";
import { connectAsUser } from "../user-connection.ts";
import type { ConsumerSeen, CredentialSeen, MetaSeen, PeerSeen, StreamSeen, StreamsSeen, UsageSeen } from "./seen.ts";

const NANOSECONDS = 1e9;
const PROBE_SUBJECT = "natsbus.health";

/** A connection, and how long it took to make and to use, in seconds. */
export interface TimedConnection extends AsyncDisposable {
  readonly connection: NatsConnection;
  readonly times: Readonly<Record<"connect" | "rtt" | "request", number>>;
}

/**
 * Connects, measures, and sends a message to itself.
 * @throws ERR_CONNECT_REFUSED, ERR_CONNECT_CREDENTIALS, ERR_CONNECT_TLS, ERR_CONNECT_TIMEOUT
 */
export async function connectTimed(spec: ConnectionSpec): Promise<TimedConnection> {
  const started = performance.now();
  const connection = await connectAsUser(spec);
  const connect = (performance.now() - started) / 1000;
  const rtt = (await connection.rtt()) / 1000;
  const subject = `${PROBE_SUBJECT}.${crypto.randomUUID()}`;
  connection.subscribe(subject, { max: 1, callback: (_error, message) => void message.respond() });
  const asked = performance.now();
  await connection.request(subject, "", { timeout: spec.timeoutMs ?? DEFAULT_TIMEOUT_MS });
  const times = { connect, rtt, request: (performance.now() - asked) / 1000 };
  return { connection, times, [Symbol.asyncDispose]: () => connection.close() };
}

/** The part of `/jsz` that tells about the meta group. */
export interface MetaPage {
  readonly meta_cluster?: GroupWire;
}

/** The meta group over the system account. */
export async function askMeta(system: ConnectionSpec, servers: readonly string[]): Promise<MetaSeen> {
  const answers = await askServers<MetaPage>(system, { page: "JSZ", servers, timeoutMs: 2_000 });
  return metaOf([...answers.values()].map(({ name, data }) => [name, data] as const));
}

/** The meta group as its leader sees it; followers do not know who is current. Without a leader that answers there is none. */
export function metaOf(pages: readonly (readonly [server: string, page: MetaPage | undefined])[]): MetaSeen {
  const led = pages.find(([name, page]) => page?.meta_cluster?.leader === name);
  if (led === undefined) return { peers: [] };
  return { leader: led[0], peers: (led[1]?.meta_cluster?.replicas ?? []).map(peerOf) };
}

/** Everything JetStream holds for a user, over one connection. */
export class JetStreamLook {
  readonly #connection: NatsConnection;
  readonly #prefix: string;
  readonly #timeout: number;

  constructor(connection: NatsConnection, { apiPrefix, domain, timeoutMs }: ConnectionSpec) {
    this.#connection = connection;
    this.#prefix = apiPrefix ?? (domain === undefined ? "$JS.API" : `$JS.${domain}.API`);
    this.#timeout = timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  /** Use of the account. @throws ERR_JETSTREAM_OFF, ERR_JETSTREAM_TIMEOUT */
  async usage(): Promise<UsageSeen> {
    const info = await this.#ask<AccountWire>("INFO");
    const { max_memory = 0, max_storage = 0 } = info.limits ?? {};
    return {
      streams: info.streams,
      consumers: info.consumers,
      memory: info.memory,
      maxMemory: max_memory,
      storage: info.storage,
      maxStorage: max_storage,
    };
  }

  /** All streams by name. @throws ERR_JETSTREAM_OFF, ERR_JETSTREAM_TIMEOUT */
  async streams(): Promise<StreamsSeen> {
    const silent = new Set<string>();
    const streams = await this.#list<StreamWire>("STREAM.LIST", "streams", ({ missing, offline }) => {
      for (const name of [...(missing ?? []), ...Object.keys(offline ?? {})]) silent.add(name);
    });
    const found = streams.map(streamOf).sort((a, b) => (a.name < b.name ? -1 : 1));
    return { found, silent: [...silent].sort() };
  }

  /** All durable consumers of a stream. @throws ERR_JETSTREAM_TIMEOUT */
  async consumers(stream: string): Promise<ConsumerSeen[]> {
    const consumers = await this.#list<ConsumerWire>(`CONSUMER.LIST.${stream}`, "consumers");
    return consumers.filter(({ config }) => config.durable_name !== undefined).map((wire) => consumerOf(stream, wire));
  }

  async #list<T>(subject: string, key: string, onPage: (page: SilentWire) => void = () => undefined): Promise<T[]> {
    const found: T[] = [];
    for (;;) {
      const page = await this.#ask<{ total: number } & SilentWire & Record<string, T[] | null>>(subject, { offset: found.length });
      const items = page[key] ?? [];
      found.push(...items);
      onPage(page);
      if (items.length === 0 || found.length >= page.total) return found;
    }
  }

  async #ask<T>(subject: string, body: object = {}): Promise<T> {
    try {
      const message = await this.#connection.request(`${this.#prefix}.${subject}`, JSON.stringify(body), { timeout: this.#timeout });
      const answer = message.json<T & { error?: { description: string } }>();
      if (answer.error === undefined) return answer;
      throw new BusError("ERR_JETSTREAM_OFF", `JetStream refuses: ${answer.error.description}`);
    } catch (cause) {
      if (cause instanceof BusError) throw cause;
      throw new BusError("ERR_JETSTREAM_TIMEOUT", "JetStream does not answer", { cause });
    }
  }
}

/**
 * Until when a user's credentials are good.
 * @param creds text of the file
 * @throws ERR_CREDENTIALS when the text holds no user and seed that belong together, ERR_TOKEN when the user is not signed by the key it names
 */
export function readCredential(name: string, creds: string): CredentialSeen {
  const { exp = 0 } = parseCredentials(creds).claims;
  return exp > 0 ? { name, expiresAt: exp } : { name };
}

interface GroupWire {
  readonly leader?: string;
  readonly replicas?: readonly { name: string; current?: boolean; offline?: boolean; lag?: number; active?: number }[];
}

interface AccountWire {
  readonly streams: number;
  readonly consumers: number;
  readonly memory: number;
  readonly storage: number;
  readonly limits?: { readonly max_memory?: number; readonly max_storage?: number };
}

interface OriginWire {
  readonly name: string;
  readonly lag: number;
  readonly active: number;
}

/** Part of a list that tells what could not be listed. */
interface SilentWire {
  readonly missing?: readonly string[] | null;
  readonly offline?: Readonly<Record<string, string>> | null;
}

interface StreamWire {
  readonly config: {
    readonly name: string;
    readonly num_replicas: number;
    readonly discard?: string;
    readonly retention?: string;
    readonly max_bytes?: number;
    readonly max_msgs?: number;
  };
  readonly state: { readonly messages: number; readonly bytes: number };
  readonly cluster?: GroupWire;
  readonly mirror?: OriginWire;
  readonly sources?: readonly OriginWire[];
}

interface ConsumerWire {
  readonly name: string;
  readonly config: { readonly durable_name?: string; readonly max_ack_pending?: number };
  readonly num_ack_pending: number;
  readonly num_redelivered: number;
  readonly num_pending: number;
  readonly cluster?: GroupWire;
}

function peerOf({ name, current, offline, lag, active }: NonNullable<GroupWire["replicas"]>[number]): PeerSeen {
  return { name, current: current === true, offline: offline === true, lag: lag ?? 0, activeSeconds: (active ?? 0) / NANOSECONDS };
}

function streamOf({ config, state, cluster, mirror, sources = [] }: StreamWire): StreamSeen {
  const refuses = config.discard === "new" || config.retention === "workqueue";
  const share = (used: number, limit = -1): number => (limit > 0 ? used / limit : 0);
  return {
    name: config.name,
    messages: state.messages,
    bytes: state.bytes,
    replicas: config.num_replicas,
    // A lone server reports a group without members, or none.
    ...(cluster === undefined || (config.num_replicas === 1 && cluster.replicas === undefined && cluster.leader === undefined)
      ? {}
      : { group: { ...(cluster.leader ? { leader: cluster.leader } : {}), peers: (cluster.replicas ?? []).map(peerOf) } }),
    origins: [...(mirror === undefined ? [] : [mirror]), ...sources].map(({ name, lag, active }) =>
      active < 0 ? { name, lag } : { name, lag, activeSeconds: active / NANOSECONDS },
    ),
    ...(refuses ? { fill: Math.max(share(state.bytes, config.max_bytes), share(state.messages, config.max_msgs)) } : {}),
  };
}

function consumerOf(stream: string, wire: ConsumerWire): ConsumerSeen {
  return {
    stream,
    name: wire.name,
    clustered: wire.cluster !== undefined,
    ...(wire.cluster?.leader ? { leader: wire.cluster.leader } : {}),
    pending: wire.num_pending,
    ackPending: wire.num_ack_pending,
    maxAckPending: wire.config.max_ack_pending ?? 0,
    redelivered: wire.num_redelivered,
  };
}
