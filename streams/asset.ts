/** Streams and consumers seen alike: what the reconciler needs to know of either. */
import { setTimeout as delay } from "node:timers/promises";
import { BusError, isBusError } from "../core/errors.ts";
import { CONSUMER_FIELDS, type ConsumerSpec } from "./consumer-fields.ts";
import { declaredStart, moveConsumer, resumeMove, withKept } from "./consumer-move.ts";
import { consumerLoss, consumerMoveWords, streamCosts, streamLoss, streamMoveWords } from "./cost.ts";
import { sameValue } from "./diff.ts";
import type { FieldTable } from "./field.ts";
import { STREAM_FIELDS, type StreamSpec } from "./fields.ts";
import { migrateStream, resumeMigration } from "./migrate.ts";
import { copyName, FENCE_SUBJECTS, readMark } from "./migration-mark.ts";
import { normaliseConsumer, normaliseStream } from "./normalise.ts";
import type { Stake } from "./policy.ts";
import type { ConsumerInfo, Peers, StreamInfo, StreamPort, WriteRequest } from "./port.ts";
import { isServerMade, readConfig, requiredLevel, type WireConfig, writeConfig } from "./wire.ts";

const AFRESH_ATTEMPTS = 5;
const AFRESH_PAUSE_MS = 10;

/** An object as it is. */
export interface Observed<S> {
  /** Its value, normalised. */
  readonly spec: S;
  /** Who made it, by its marker. @default - nobody known */
  readonly owner?: string;
  /** Fields an update must send back unseen. */
  readonly unknown: WireConfig;
  /** Its configuration as the server wrote it. */
  readonly echo: WireConfig;
  /** What an update must send instead of what the value says.
   * @default {} */
  readonly kept?: WireConfig;
  /** Whether a migration of it was begun and not ended.
   * @default false */
  readonly isMigrating?: boolean;
  /** Who holds it. */
  readonly peers: Peers;
  /** What a change to this value puts at stake. */
  stake(want: S): Stake;
}

/** A value to write, with its marks. */
export interface Write<S> {
  /** The whole value. */
  readonly spec: S;
  /** Marker to write. */
  readonly owner: string;
  /** Fields to send back as they were read. @default {} */
  readonly unknown?: WireConfig;
  /** Fields to send instead of what the value says. @default {} */
  readonly kept?: WireConfig;
}

/** One kind of object on a JetStream. */
export interface Asset<S> {
  /** Its field table. */
  readonly fields: FieldTable;
  /** The object in words: `stream ORDERS`. */
  what(spec: S): string;
  /** The value as a server would answer it. */
  normalise(spec: S): S;
  /** What to write first on the way from `was` (`undefined`: nothing is there) to `want`; differs from `want` where the server wants two steps. */
  approach(was: S | undefined, want: S): S;
  /** Servers that must hold it. */
  copies(spec: S): number;
  /** The object as it is, `undefined` when there is none. `timeoutMs` replaces the connection's own. */
  observe(port: StreamPort, spec: S, timeoutMs?: number): Promise<Observed<S> | undefined>;
  /** Makes it. */
  create(port: StreamPort, write: Write<S>): Promise<Observed<S>>;
  /**
   * Makes it without a look beforehand. `undefined` when that was refused, whatever the reason, or when a migration of it was begun: then look.
   * Success means that it was not there, or was exactly this with this owner's marker.
   * @default - always look */
  createUnseen?(port: StreamPort, write: Write<S>): Promise<Observed<S> | undefined>;
  /** Gives it a new value. */
  update(port: StreamPort, write: Write<S>): Promise<Observed<S>>;
  /** Deletes it; answers whether there was one. */
  remove(port: StreamPort, spec: S): Promise<boolean>;
  /** Deletes it and makes it again, with whatever lives in it and is declared elsewhere. */
  recreate(port: StreamPort, write: Write<S>): Promise<Observed<S>>;
  /** Brings what cannot be changed in place to its wanted value and loses nothing; what can be changed in place may be left for an update. */
  migrate(port: StreamPort, write: Write<S>, was: Observed<S>): Promise<Observed<S> | undefined>;
  /** Goes on with a migration that an interrupted run began; answers whether there was one. */
  resume(port: StreamPort, write: Write<S>, seen: Observed<S> | undefined): Promise<boolean>;
}

/** Streams. */
export const streamAsset: Asset<StreamSpec> = {
  fields: STREAM_FIELDS,
  what: (spec) => `stream ${spec.name}`,
  normalise: normaliseStream,
  approach: approachStream,
  copies: (spec) => spec.replicas,
  async observe(port, spec, timeoutMs) {
    const info = await port.readStream(spec.name, timeoutMs);
    return info && observedStream(info);
  },
  create: async (port, write) => observedStream(await port.createStream(streamRequest(write))),
  async createUnseen(port, write) {
    try {
      const copies = await port.namesStoring(FENCE_SUBJECTS);
      return copies.includes(copyName(write.spec.name)) ? undefined : observedStream(await port.createStream(streamRequest(write)));
    } catch (error) {
      if (isBusError(error)) return undefined;
      throw error;
    }
  },
  update: async (port, write) => observedStream(await port.updateStream(streamRequest(write))),
  remove: (port, spec) => port.deleteStream(spec.name),
  async recreate(port, write) {
    const { consumers, unknown } = await port.listConsumers(write.spec.name);
    if (unknown.length > 0) throw consumersUnknown(write.spec.name, unknown);
    const made = await createAfresh(port, streamRequest(write));
    for (const { config } of consumers.filter((consumer) => !isServerMade(consumer.config))) {
      const level = requiredLevel(CONSUMER_FIELDS, readConfig(CONSUMER_FIELDS, config, { stream: write.spec.name }).spec);
      await port.createConsumer(write.spec.name, { config, level });
    }
    return observedStream(made);
  },
  async migrate(port, write, was) {
    await migrateStream(
      port,
      write.spec.name,
      streamRequest({ ...write, spec: migratedStream(was.spec, write.spec), unknown: was.unknown }).config,
    );
    return this.observe(port, write.spec);
  },
  async resume(port, { spec }, seen) {
    const begun = seen === undefined ? (await port.readStream(copyName(spec.name))) !== undefined : seen.isMigrating === true;
    return begun && (await resumeMigration(port, spec.name));
  },
};

/** Durable consumers. */
export const consumerAsset: Asset<ConsumerSpec> = {
  fields: CONSUMER_FIELDS,
  what: (spec) => `consumer ${spec.stream}/${spec.name}`,
  normalise: normaliseConsumer,
  approach: (_was, want) => want,
  copies: (spec) => spec.replicas,
  async observe(port, spec, timeoutMs) {
    const info = await port.readConsumer(spec.stream, spec.name, timeoutMs);
    return info && observedConsumer(info, spec.stream);
  },
  create: async (port, write) => observedConsumer(await port.createConsumer(write.spec.stream, consumerRequest(write)), write.spec.stream),
  update: async (port, write) => observedConsumer(await port.updateConsumer(write.spec.stream, consumerRequest(write)), write.spec.stream),
  remove: (port, spec) => port.deleteConsumer(spec.stream, spec.name),
  async recreate(port, write) {
    await port.deleteConsumer(write.spec.stream, write.spec.name);
    return observedConsumer(await port.createConsumer(write.spec.stream, consumerRequest(write)), write.spec.stream);
  },
  async migrate(port, write) {
    return observedConsumer(await moveConsumer(port, write.spec, consumerRequest(write)), write.spec.stream);
  },
  resume: (port, write) => resumeMove(port, write.spec, consumerRequest(write)),
};

/** What a copy gets: the wanted value, but for what would delete messages while it is made; that follows in place. */
function migratedStream(was: StreamSpec, want: StreamSpec): StreamSpec {
  const { maxMsgs, maxBytes, maxAge, maxMsgsPerSubject, discard, discardNewPerSubject, duplicateWindow, subjectDeleteMarkerTtl } = was;
  const limits = { maxMsgs, maxBytes, maxAge, maxMsgsPerSubject, discard, discardNewPerSubject, duplicateWindow, subjectDeleteMarkerTtl };
  const retention = want.retention === "workqueue" || was.retention === "workqueue" ? want.retention : was.retention;
  return { ...want, ...limits, retention, sealed: false };
}

/** They would go with the stream, and nobody could say how to make them again. */
function consumersUnknown(stream: string, names: readonly string[]): BusError {
  return new BusError("ERR_STREAM_OFFLINE", `stream ${stream}: the servers of its consumers ${names.join(", ")} do not answer`, {
    remedy: "bring the servers back; the stream was not touched",
  });
}

/** Right after a deletion a server can fail to make the stream, or make it with the old messages in it (seen on 2.15.2); then it is done again. */
async function createAfresh(port: StreamPort, request: WriteRequest): Promise<StreamInfo> {
  const name = String(request.config["name"]);
  for (let attempt = 1; ; attempt++) {
    await port.deleteStream(name);
    await delay(AFRESH_PAUSE_MS * attempt);
    try {
      const made = await port.createStream(request);
      if (made.messages === 0 || made.firstTime >= made.created || attempt === AFRESH_ATTEMPTS) return made;
    } catch (error) {
      if (!isBusError(error) || error.code !== "ERR_STREAM_CONFLICT" || attempt === AFRESH_ATTEMPTS) throw error;
    }
  }
}

/** A stream as the server describes it. */
export function observedStream(info: StreamInfo): Observed<StreamSpec> {
  const { spec, ...rest } = readConfig(STREAM_FIELDS, info.config);
  const was = normaliseStream(spec);
  const stake = (want: StreamSpec): Stake => ({
    loss: streamLoss(info),
    costs: streamCosts({ was, want, info }),
    move: streamMoveWords(info),
  });
  return { ...rest, echo: info.config, spec: was, peers: info.peers, isMigrating: readMark(info.config) !== undefined, stake };
}

/** A consumer of `stream` as the server describes it. */
export function observedConsumer(info: ConsumerInfo, stream: string): Observed<ConsumerSpec> {
  const { config, kept } = declaredStart(info.config);
  const { spec, ...rest } = readConfig(CONSUMER_FIELDS, config, { stream });
  const was = normaliseConsumer(spec);
  const stake = (): Stake => ({ loss: consumerLoss(info, was), costs: [], move: consumerMoveWords(info) });
  return { ...rest, echo: info.config, ...(kept === undefined ? {} : { kept }), spec: was, peers: info.peers, stake };
}

function streamRequest(write: Write<StreamSpec>) {
  const config = writeConfig(STREAM_FIELDS, write.spec, marksOf(write));
  return { config: write.kept === undefined ? config : withKept(config, write.kept), level: requiredLevel(STREAM_FIELDS, write.spec) };
}

function consumerRequest(write: Write<ConsumerSpec>) {
  const config = writeConfig(CONSUMER_FIELDS, write.spec, marksOf(write));
  return { config: write.kept === undefined ? config : withKept(config, write.kept), level: requiredLevel(CONSUMER_FIELDS, write.spec) };
}

function marksOf(write: { readonly owner: string; readonly unknown?: WireConfig }) {
  return { owner: write.owner, ...(write.unknown === undefined ? {} : { unknown: write.unknown }) };
}

/** A stream is made unsealed, and never moved and scaled in one update. */
function approachStream(was: StreamSpec | undefined, want: StreamSpec): StreamSpec {
  if (was === undefined) return { ...want, sealed: false };
  if (was.replicas === want.replicas || sameValue(was.placement, want.placement)) return want;
  return want.replicas > was.replicas ? { ...want, replicas: was.replicas } : { ...want, placement: was.placement };
}
