/** What of a page is kept until the next look. Most of `/jsz` is configuration that nobody asks the probe for, and a bus has many streams. Pure. */
import type { ConsumerPage, GroupPage, JszPage, StreamPage } from "./pages.ts";

/** The page with nothing in it but what {@link JszPage} names. */
export function keepJsz(page: JszPage): JszPage {
  const { config, meta_cluster, account_details } = page;
  return {
    ...pick(page, ["disabled", "memory", "storage", "streams", "consumers", "messages", "bytes"]),
    ...(config === undefined ? {} : { config: pick(config, ["domain", "max_memory", "max_storage"]) }),
    ...(meta_cluster === undefined ? {} : { meta_cluster: keepGroup(meta_cluster) }),
    ...(account_details === undefined ? {} : { account_details: account_details.map(keepAccount) }),
  };
}

type AccountPage = NonNullable<JszPage["account_details"]>[number];

function keepAccount(account: AccountPage): AccountPage {
  const kept = pick(account, ["name", "id", "storage", "memory", "reserved_storage", "reserved_memory"]);
  return account.stream_detail === undefined ? kept : { ...kept, stream_detail: account.stream_detail.map(keepStream) };
}

function keepStream(stream: StreamPage): StreamPage {
  const { cluster, config, state, consumer_detail } = stream;
  return {
    ...pick(stream, ["name", "mirror", "sources", "stream_raft_group"]),
    state: pick(state, ["messages", "bytes", "first_seq", "last_seq", "consumer_count"]),
    ...(cluster === undefined ? {} : { cluster: keepGroup(cluster) }),
    ...(config === undefined ? {} : { config: pick(config, ["num_replicas", "discard", "retention", "max_bytes", "max_msgs"]) }),
    ...(consumer_detail === undefined ? {} : { consumer_detail: consumer_detail.map(keepConsumer) }),
  };
}

function keepConsumer(consumer: ConsumerPage): ConsumerPage {
  const { config, cluster } = consumer;
  return {
    ...pick(consumer, ["name", "delivered", "ack_floor", "num_ack_pending", "num_redelivered", "num_waiting", "num_pending"]),
    ...(config === undefined ? {} : { config: pick(config, ["max_ack_pending", "description"]) }),
    ...(cluster === undefined ? {} : { cluster: keepGroup(cluster) }),
  };
}

function keepGroup(group: GroupPage): GroupPage {
  const kept = pick(group, ["leader", "name", "raft_group"]);
  const { replicas } = group;
  return replicas === undefined ? kept : { ...kept, replicas: replicas.map((peer) => pick(peer, ["name", "current", "offline", "lag"])) };
}

function pick<T extends object, K extends keyof T>(page: T, fields: readonly K[]): Pick<T, K> {
  const kept = {} as Pick<T, K>;
  for (const field of fields) if (page[field] !== undefined) kept[field] = page[field];
  return kept;
}
