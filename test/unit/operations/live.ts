import type { LiveBus } from "../../../operations/live-bus.ts";
import { CONSUMER_FIELDS } from "../../../streams/consumer-fields.ts";
import { STREAM_FIELDS } from "../../../streams/fields.ts";
import type { ConsumerInfo, StreamInfo } from "../../../streams/port.ts";
import { type ResolvedCatalog, resolveStreams } from "../../../streams/resolve.ts";
import { writeConfig } from "../../../streams/wire.ts";

const PEERS = { clustered: false, replicas: [] };

/** Owners as tests write them: `owner/NAME`. */
export const owners = {
  stream: ({ name }: { readonly name: string }) => `owner/${name}`,
  consumer: ({ stream, name }: { readonly stream: string; readonly name: string }) => `owner/${stream}/${name}`,
  keyValue: ({ bucket }: { readonly bucket: string }) => `owner/kv/${bucket}`,
  objectStore: ({ bucket }: { readonly bucket: string }) => `owner/objects/${bucket}`,
};

/** What a catalogue declares; fails on a mistake in it. */
export function declare(catalog: object): ResolvedCatalog {
  const none = { streams: {}, keyValue: {}, objectStores: {} };
  const { specs, problems } = resolveStreams({ ...none, ...catalog }, none, { servers: 1 });
  if (problems.length > 0) throw new Error(JSON.stringify(problems));
  return specs;
}

/** A stream as a server would list it. */
export function streamInfo(config: Record<string, unknown>, state: Partial<StreamInfo> = {}): StreamInfo {
  const since = "2026-01-01T00:00:00Z";
  return {
    config,
    messages: 0,
    bytes: 0,
    firstSeq: 0,
    lastSeq: 0,
    firstTime: "",
    lastTime: "",
    created: since,
    consumers: 0,
    peers: PEERS,
    ...state,
  };
}

/** A consumer as a server would list it. */
export function consumerInfo(config: Record<string, unknown>, state: Partial<ConsumerInfo> = {}): ConsumerInfo {
  return { config, delivered: 0, ackFloor: 0, pending: 0, peers: PEERS, ...state };
}

/** A cluster that holds what is declared, marked as ours; every stream with `state`. */
export function liveOf(declared: ResolvedCatalog, state: Partial<StreamInfo> = {}): LiveBus {
  const streams = [
    ...declared.streams.map(({ args, spec }) => ({ spec, owner: owners.stream(args) })),
    ...declared.keyValue.map(({ args, spec }) => ({ spec, owner: owners.keyValue(args) })),
    ...declared.objectStores.map(({ args, spec }) => ({ spec, owner: owners.objectStore(args) })),
  ];
  return {
    streams: new Map(streams.map(({ spec, owner }) => [spec.name, streamInfo({ ...writeConfig(STREAM_FIELDS, spec, { owner }) }, state)])),
    consumers: new Map(
      declared.consumers.map(({ args, spec }) => {
        const config = writeConfig(CONSUMER_FIELDS, spec, { owner: owners.consumer(args) });
        return [`${spec.stream}/${spec.name}`, { stream: spec.stream, info: consumerInfo({ ...config }) }];
      }),
    ),
    unknown: new Set(),
  };
}
