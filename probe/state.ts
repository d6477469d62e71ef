/** What the page shows, as one document. Pure. */
import type { BusFacts } from "../observability/facts.ts";
import { quorumOf } from "../observability/facts.ts";
import type { ActiveAlert } from "./alerts.ts";
import { collectAssets, metaPeers, refusesWhenFull, type StreamAsset } from "./assets.ts";
import type { PublishResult } from "./canary.ts";
import type { Seen } from "./observer.ts";

/** The bus as the page shows it. */
export interface BusView {
  /** Name of the cluster. */
  readonly cluster: string;
  /** When it was read, RFC 3339. */
  readonly at: string;
  /** `ok`, `degraded` (works, with less to spare) or `down` (no JetStream writes). */
  readonly health: "ok" | "degraded" | "down";
  /** Servers that see a meta leader, those needed for a quorum, and those that should be there. */
  readonly quorum: { readonly ready: number; readonly needed: number; readonly expected: number };
  /** Meta leader; absent: none. */
  readonly metaLeader?: string;
  readonly servers: readonly ServerView[];
  readonly streams: readonly StreamView[];
  readonly consumers: readonly ConsumerView[];
  /** Canary publishes since the probe started; absent: no canary. */
  readonly canary?: Readonly<Record<PublishResult, number>>;
  /** Pending and firing alerts; absent: nobody evaluates rules. */
  readonly alerts?: readonly ActiveAlert[];
}

/** A server on the page. */
interface ServerView {
  readonly name: string;
  readonly up: boolean;
  readonly ready: boolean;
  readonly version?: string;
  /** When it started, RFC 3339. */
  readonly startedAt?: string;
  readonly connections?: number;
  /** Cores in use. */
  readonly cores?: number;
  readonly memoryBytes?: number;
  readonly storageBytes?: number;
  readonly storageLimitBytes?: number;
  /** Messages a second from clients. */
  readonly rate?: number;
  /** Entries it is behind the meta leader. */
  readonly lag?: number;
}

/** A stream on the page. */
interface StreamView {
  readonly account: string;
  readonly name: string;
  readonly leader?: string;
  readonly messages: number;
  readonly bytes: number;
  /** Absent: no limit. */
  readonly limitBytes?: number;
  /** Whether it refuses messages when it is full; else being full is its normal state. */
  readonly refusesWhenFull: boolean;
  /** Messages a second. */
  readonly rate?: number;
  /** Copies that are current, and those wanted. */
  readonly current: number;
  readonly wanted: number;
  /** Entries the slowest copy is behind. */
  readonly lag: number;
  readonly consumers: number;
}

/** A consumer on the page. */
interface ConsumerView {
  readonly account: string;
  readonly stream: string;
  readonly name: string;
  readonly leader?: string;
  readonly pending: number;
  readonly ackPending: number;
  /** Absent: no limit. */
  readonly maxAckPending?: number;
  readonly redelivered: number;
  /** Deliveries a second. */
  readonly rate?: number;
  /** Messages that may wait before it counts as behind; absent: not declared. */
  readonly backlogLimit?: number;
}

/** What the view is made from, beside what is seen of the servers. */
export interface ViewContext {
  readonly facts: BusFacts;
  readonly at: Date;
  readonly canary?: Readonly<Record<PublishResult, number>>;
  readonly alerts?: readonly ActiveAlert[];
}

/** The bus as it is. */
export function viewBus(seen: readonly Seen[], { facts, at, canary, alerts }: ViewContext): BusView {
  const assets = collectAssets(seen);
  const servers = viewServers(seen);
  const leader = leaderOf(seen);
  const ready = servers.filter((server) => server.ready).length;
  const quorum = { ready, needed: quorumOf(facts), expected: facts.servers };
  const streams = assets.map(viewStream);
  const isWhole = ready >= facts.servers && streams.every(({ current, wanted }) => current >= wanted);
  return {
    cluster: facts.cluster,
    at: at.toISOString(),
    health: ready < quorum.needed ? "down" : isWhole ? "ok" : "degraded",
    quorum,
    ...(leader === undefined ? {} : { metaLeader: leader }),
    servers,
    streams,
    consumers: assets.flatMap((asset) => viewConsumers(asset, facts)),
    ...(canary === undefined ? {} : { canary }),
    ...(alerts === undefined ? {} : { alerts }),
  };
}

/** The meta leader that itself agrees; followers may go on naming a dead one. A lone server leads itself. */
function leaderOf(seen: readonly Seen[]): string | undefined {
  const leads = ({ server, pages }: Seen): boolean =>
    pages?.jsz !== undefined &&
    (pages.jsz.meta_cluster?.leader === server.name || (seen.length === 1 && pages.jsz.meta_cluster === undefined));
  return seen.find(leads)?.server.name;
}

function viewServers(seen: readonly Seen[]): ServerView[] {
  const peers = new Map((metaPeers(seen) ?? []).map((peer) => [peer.server, peer]));
  return seen.map(({ server, pages, before }) => {
    const { name } = server;
    if (pages === undefined) return { name, up: false, ready: false };
    const { varz } = pages;
    const lag = peers.get(name)?.lag;
    const rate = rateOf(numberAt(varz, "in_client_msgs"), numberAt(before?.varz, "in_client_msgs"), pages.at, before?.at);
    return {
      name,
      up: true,
      ready: pages.metaHealth?.status === "ok",
      version: varz.version,
      startedAt: varz.start,
      connections: varz.connections ?? 0,
      cores: numberAt(varz, "cpu") / 100,
      memoryBytes: numberAt(varz, "mem"),
      storageBytes: pages.jsz?.storage ?? 0,
      storageLimitBytes: pages.jsz?.config?.max_storage ?? 0,
      ...(rate === undefined ? {} : { rate }),
      ...(lag === undefined ? {} : { lag }),
    };
  });
}

function viewStream({ account, stream, leader, peers, rate }: StreamAsset): StreamView {
  const limit = stream.config?.max_bytes ?? -1;
  return {
    account,
    name: stream.name,
    ...(leader === undefined ? {} : { leader }),
    messages: stream.state.messages,
    bytes: stream.state.bytes,
    ...(limit > 0 ? { limitBytes: limit } : {}),
    refusesWhenFull: refusesWhenFull(stream),
    ...(rate === undefined ? {} : { rate }),
    current: peers.filter((peer) => peer.current).length,
    wanted: stream.config?.num_replicas ?? 1,
    lag: Math.max(0, ...peers.map((peer) => peer.lag ?? 0)),
    consumers: stream.state.consumer_count,
  };
}

function viewConsumers({ account, stream, consumers }: StreamAsset, facts: BusFacts): ConsumerView[] {
  const declared = facts.streams.find((one) => one.account === account && one.name === stream.name)?.consumers ?? [];
  return consumers.map(({ consumer, leader, rate }) => {
    const max = consumer.config?.max_ack_pending ?? 0;
    const limit = declared.find(({ name }) => name === consumer.name)?.backlogLimit;
    return {
      account,
      stream: stream.name,
      name: consumer.name,
      ...(leader === undefined ? {} : { leader }),
      pending: consumer.num_pending,
      ackPending: consumer.num_ack_pending,
      ...(max > 0 ? { maxAckPending: max } : {}),
      redelivered: consumer.num_redelivered,
      ...(rate === undefined ? {} : { rate }),
      ...(limit === undefined ? {} : { backlogLimit: limit }),
    };
  });
}

function numberAt(page: Readonly<Record<string, unknown>> | undefined, field: string): number {
  const value = page?.[field];
  return typeof value === "number" ? value : 0;
}

function rateOf(now: number, earlier: number, at: number, before: number | undefined): number | undefined {
  return before === undefined || at <= before ? undefined : Math.max(0, now - earlier) / ((at - before) / 1000);
}
