/** Streams and consumers of the whole bus, each once: as its leader sees it, else as any server that holds a copy. */
import type { Seen } from "./observer.ts";
import type { ConsumerPage, GroupPage, ServerPages, StreamPage } from "./pages.ts";

/** A member of a Raft group as its leader sees it. */
export interface Peer {
  /** Server name. */
  readonly server: string;
  /** Whether it is online and current. */
  readonly current: boolean;
  /** Entries it is behind; absent: it is offline. */
  readonly lag?: number;
}

/** A stream of the bus. */
export interface StreamAsset {
  readonly account: string;
  readonly stream: StreamPage;
  /** Server that leads it; absent: none does. */
  readonly leader?: string;
  /** Its copies; empty while nobody leads it. */
  readonly peers: readonly Peer[];
  /** Messages a second that came in; absent: not known yet. */
  readonly rate?: number;
  /** Its consumers by name. */
  readonly consumers: readonly ConsumerAsset[];
}

/** A consumer of a stream. */
interface ConsumerAsset {
  readonly consumer: ConsumerPage;
  /** Server that leads it; absent: none does. */
  readonly leader?: string;
  /** Messages a second that were delivered; absent: not known yet. */
  readonly rate?: number;
}

/** Members of the meta group, as the meta leader sees them; `undefined` without a leader that answers. */
export function metaPeers(seen: readonly Seen[]): readonly Peer[] | undefined {
  const leader = seen.find(({ server, pages }) => pages?.jsz?.meta_cluster?.leader === server.name);
  return leader === undefined ? undefined : peersOf(leader.server.name, leader.pages?.jsz?.meta_cluster);
}

/** Whether a stream refuses messages once it is full, instead of dropping old ones. */
export function refusesWhenFull({ config }: StreamPage): boolean {
  return config?.discard === "new" || config?.retention === "workqueue";
}

/** Every stream some server holds a copy of, by account and name. */
export function collectAssets(seen: readonly Seen[]): readonly StreamAsset[] {
  const found = new Map<string, StreamAsset>();
  for (const one of seen) {
    for (const account of one.pages?.jsz?.account_details ?? []) {
      for (const stream of account.stream_detail ?? []) {
        const key = `${account.name} ${stream.name}`;
        const asset = readAsset(one, account.name, stream);
        const other = found.get(key);
        if (other === undefined || (other.leader === undefined && asset.leader !== undefined))
          found.set(key, { ...asset, consumers: other?.consumers ?? [] });
        const known = found.get(key) as StreamAsset;
        found.set(key, { ...known, consumers: mergeConsumers(known.consumers, readConsumers(one, account.name, stream)) });
      }
    }
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, asset]) => asset);
}

function readAsset({ server, pages, before }: Seen, account: string, stream: StreamPage): StreamAsset {
  // A lone server has no groups and leads everything.
  const leads = stream.cluster === undefined || stream.cluster.leader === server.name;
  const earlier = findStream(before, account, stream.name);
  const rate = perSecond(stream.state.last_seq, earlier?.state.last_seq, pages, before);
  return {
    account,
    stream,
    ...(leads ? { leader: server.name } : {}),
    peers: leads ? peersOf(server.name, stream.cluster) : [],
    ...(rate === undefined ? {} : { rate }),
    consumers: [],
  };
}

function readConsumers({ server, pages, before }: Seen, account: string, stream: StreamPage): ConsumerAsset[] {
  const earlier = new Map((findStream(before, account, stream.name)?.consumer_detail ?? []).map((consumer) => [consumer.name, consumer]));
  return (stream.consumer_detail ?? []).map((consumer) => {
    const leads = consumer.cluster === undefined || consumer.cluster.leader === server.name;
    const rate = perSecond(consumer.delivered.consumer_seq, earlier.get(consumer.name)?.delivered.consumer_seq, pages, before);
    return { consumer, ...(leads ? { leader: server.name } : {}), ...(rate === undefined ? {} : { rate }) };
  });
}

/** Pending messages are real on a consumer's leader only. */
function mergeConsumers(known: readonly ConsumerAsset[], more: readonly ConsumerAsset[]): readonly ConsumerAsset[] {
  const byName = new Map(known.map((asset) => [asset.consumer.name, asset]));
  for (const asset of more) if (asset.leader !== undefined || !byName.has(asset.consumer.name)) byName.set(asset.consumer.name, asset);
  return [...byName.values()];
}

function peersOf(leader: string, group: GroupPage | undefined): Peer[] {
  const others = (group?.replicas ?? []).map(
    ({ name, current, offline, lag }): Peer =>
      offline === true ? { server: name, current: false } : { server: name, current: current === true, lag: lag ?? 0 },
  );
  return [{ server: leader, current: true, lag: 0 }, ...others];
}

function findStream(pages: ServerPages | undefined, account: string, name: string): StreamPage | undefined {
  const found = pages?.jsz?.account_details?.find((one) => one.name === account);
  return found?.stream_detail?.find((stream) => stream.name === name);
}

function perSecond(now: number, earlier: number | undefined, pages?: ServerPages, before?: ServerPages): number | undefined {
  if (earlier === undefined || pages === undefined || before === undefined || pages.at <= before.at) return undefined;
  // A stream that was made anew begins at 1 again.
  return Math.max(0, now - earlier) / ((pages.at - before.at) / 1000);
}
