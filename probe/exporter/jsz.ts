/** `/jsz` under the official exporter's names. */
import type { ConsumerPage, GroupPage, JszPage, OriginPage, ServerPages, StreamPage } from "../pages.ts";
import type { Labels, Sample } from "../sample.ts";

/** Figures of JetStream on a server: the server itself, accounts, stream copies, consumer copies. */
export function jszSamples(server: string, { varz, jsz, at }: ServerPages): Sample[] {
  if (jsz === undefined) return [];
  const own = serverLabels(server, jsz, varz.cluster?.name ?? jsz.meta_cluster?.name ?? "");
  return [
    ...series("nats_server_", own, {
      jetstream_disabled: jsz.disabled === true ? 1 : 0,
      total_streams: jsz.streams ?? 0,
      total_consumers: jsz.consumers ?? 0,
      total_messages: jsz.messages ?? 0,
      total_message_bytes: jsz.bytes ?? 0,
      max_memory: jsz.config?.max_memory ?? 0,
      max_storage: jsz.config?.max_storage ?? 0,
    }),
    ...(jsz.account_details ?? []).flatMap((account) => {
      const labels = { ...own, account: account.name, account_name: account.name, account_id: account.id ?? account.name };
      return [
        // The page calls an account's limits reserved.
        ...series("nats_account_", labels, {
          max_memory: account.reserved_memory,
          max_storage: account.reserved_storage,
          memory_used: account.memory,
          storage_used: account.storage,
        }),
        ...(account.stream_detail ?? []).flatMap((stream) => streamSamples(stream, { server, labels, at })),
      ];
    }),
  ];
}

interface Place {
  readonly server: string;
  readonly labels: Labels;
  /** When the page was read, in milliseconds since 1970. */
  readonly at: number;
}

function serverLabels(server: string, { meta_cluster, config }: JszPage, cluster: string): Labels {
  const leader = meta_cluster?.leader ?? "";
  // A lone server leads itself and names nobody.
  const isLeader = meta_cluster === undefined || leader === server;
  const meta = { meta_leader: leader, is_meta_leader: String(isLeader) };
  return { server_id: server, server_name: server, cluster, domain: config?.domain ?? "", ...meta };
}

function streamSamples(stream: StreamPage, place: Place): Sample[] {
  const { leader, isLeader } = leading(stream.cluster, place.server);
  const labels = {
    ...place.labels,
    stream_name: stream.name,
    stream_leader: leader,
    is_stream_leader: isLeader,
    stream_raft_group: stream.stream_raft_group ?? stream.cluster?.raft_group ?? "",
  };
  const { state, config, mirror, sources = [], consumer_detail = [] } = stream;
  return [
    ...series("nats_stream_", labels, {
      total_messages: state.messages,
      total_bytes: state.bytes,
      first_seq: state.first_seq,
      last_seq: state.last_seq,
      consumer_count: state.consumer_count,
      limit_bytes: config?.max_bytes ?? -1,
      limit_messages: config?.max_msgs ?? -1,
    }),
    ...(mirror === undefined ? [] : originSamples("mirror", mirror, labels)),
    ...sources.flatMap((source) => originSamples("source", source, labels)),
    ...consumer_detail.flatMap((consumer) => consumerSamples(consumer, { ...place, labels })),
  ];
}

function originSamples(kind: "mirror" | "source", { name, lag, active, external }: OriginPage, labels: Labels): Sample[] {
  const origin = { [`${kind}_name`]: name, [`${kind}_api`]: external?.api ?? "", [`${kind}_deliver`]: external?.deliver ?? "" };
  return series(`nats_stream_${kind}_`, { ...labels, ...origin }, { lag, active_duration_ns: active });
}

function consumerSamples(consumer: ConsumerPage, place: Place): Sample[] {
  const { leader, isLeader } = leading(consumer.cluster, place.server);
  const labels = {
    ...place.labels,
    consumer_name: consumer.name,
    consumer_leader: leader,
    is_consumer_leader: isLeader,
    consumer_desc: consumer.config?.description ?? "",
  };
  const { delivered, ack_floor } = consumer;
  const since = (time: string | undefined): number | undefined => (time === undefined ? undefined : (place.at - Date.parse(time)) / 1000);
  return series("nats_consumer_", labels, {
    delivered_consumer_seq: delivered.consumer_seq,
    delivered_stream_seq: delivered.stream_seq,
    ack_floor_consumer_seq: ack_floor.consumer_seq,
    ack_floor_stream_seq: ack_floor.stream_seq,
    num_ack_pending: consumer.num_ack_pending,
    num_redelivered: consumer.num_redelivered,
    num_waiting: consumer.num_waiting,
    num_pending: consumer.num_pending,
    last_delivery_seconds: since(delivered.last_active),
    last_ack_seconds: since(ack_floor.last_active),
  });
}

/** A group of a lone server does not exist: it leads everything and names nobody. */
function leading(group: GroupPage | undefined, server: string): { readonly leader: string; readonly isLeader: string } {
  const leader = group?.leader ?? "";
  return { leader, isLeader: String(group === undefined || leader === server) };
}

function series(prefix: string, labels: Labels, values: Readonly<Record<string, number | undefined>>): Sample[] {
  return Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [{ name: prefix + name, labels, value }]));
}
