import { BusError } from "../../core/errors.ts";
import { refusalOf } from "../../streams/nats-error.ts";
import type { ConsumerInfo, StreamInfo, StreamPort, WriteRequest } from "../../streams/port.ts";
import type { WireConfig } from "../../streams/wire.ts";

interface FakeStream {
  config: WireConfig;
  messages: number;
  readonly consumers: Map<string, { config: WireConfig; delivered: number }>;
}

const FIXED = { storage: "storage type", allow_msg_counter: "message counter setting", persist_mode: "persist mode" };
const FIXED_CONSUMER = ["deliver_policy", "opt_start_seq", "ack_policy", "replay_policy", "max_waiting", "mem_storage"];

/** An in-memory JetStream with the rules the reconciler meets; the contract suite holds it to what a real server does. */
export class FakeStreamPort implements StreamPort {
  readonly streams = new Map<string, FakeStream>();
  /** Every write that reached the "server", in order: `create ORDERS`. */
  readonly writes: string[] = [];
  /** Names of consumers whose servers do not answer when all are listed. */
  readonly silent = new Set<string>();
  /** Called before each write; may throw to fail it, or answer "lose" to carry it out and lose the answer. */
  beforeWrite: (write: string) => undefined | "lose" = () => undefined;

  /** Puts messages into a stream. */
  fill(name: string, messages: number): void {
    this.#at(name).messages = messages;
  }

  async readStream(name: string): Promise<StreamInfo | undefined> {
    const stream = this.streams.get(name);
    return stream && this.#info(stream);
  }

  createStream({ config }: WriteRequest): Promise<StreamInfo> {
    return this.#write(`create ${name(config)}`, () => {
      const wanted = echoOf(config);
      const there = this.streams.get(name(config));
      if (there !== undefined && !same(there.config, wanted)) throw refused(`stream ${name(config)}`, 400, 10058);
      if (there === undefined) this.#refuseOverlap(wanted);
      const stream = there ?? { config: wanted, messages: 0, consumers: new Map() };
      this.streams.set(name(config), stream);
      return this.#info(stream);
    });
  }

  updateStream({ config }: WriteRequest): Promise<StreamInfo> {
    return this.#write(`update ${name(config)}`, () => {
      const stream = this.streams.get(name(config));
      if (stream === undefined) throw new BusError("ERR_STREAM_CONFLICT", `stream ${name(config)}: gone`);
      const wanted = echoOf(config);
      for (const [key, words] of Object.entries(FIXED)) {
        if (!same(stream.config[key], wanted[key])) throw refused(`stream ${name(config)}`, 500, 10052, `can not change ${words}`);
      }
      if (stream.config["retention"] !== wanted["retention"] && [stream.config, wanted].some((c) => c["retention"] === "workqueue")) {
        throw refused(`stream ${name(config)}`, 500, 10052, "can not change retention policy to/from workqueue");
      }
      if (wanted["retention"] === "interest" && stream.consumers.size === 0) stream.messages = 0;
      stream.config = wanted;
      return this.#info(stream);
    });
  }

  deleteStream(stream: string): Promise<boolean> {
    return this.#write(`delete ${stream}`, () => this.streams.delete(stream));
  }

  copyStream(from: string, config: WireConfig): Promise<void> {
    return this.#write(`copy ${from} ${name(config)}`, () => {
      const { messages, consumers } = this.#at(from);
      if (this.streams.has(name(config))) throw refused(`stream ${name(config)}`, 400, 10130);
      this.streams.set(name(config), { config: echoOf(config), messages, consumers: new Map(consumers) });
    });
  }

  async countSubjects(stream: string): Promise<Record<string, number>> {
    return { [`${stream}.new`]: this.#at(stream).messages };
  }

  pauseConsumer(stream: string, consumer: string, until: string): Promise<void> {
    return this.#write(`pause ${stream}/${consumer}`, () => {
      const found = this.streams.get(stream)?.consumers.get(consumer);
      if (found !== undefined) found.config = { ...found.config, pause_until: until === "" ? undefined : until };
    });
  }

  async listStreams() {
    return { streams: [...this.streams.values()].map((stream) => this.#info(stream)), unknown: [] };
  }

  async namesStoring(subject: string) {
    const start = subject.replace(/>$/, "");
    const stores = ({ config }: FakeStream) => ((config["subjects"] ?? []) as string[]).some((one) => one.startsWith(start));
    return [...this.streams].filter(([, stream]) => stores(stream)).map(([stream]) => stream);
  }

  async readConsumer(stream: string, consumer: string): Promise<ConsumerInfo | undefined> {
    const found = this.streams.get(stream)?.consumers.get(consumer);
    return found && consumerInfo(found);
  }

  createConsumer(stream: string, { config }: WriteRequest): Promise<ConsumerInfo> {
    return this.#write(`create ${stream}/${String(config["durable_name"])}`, () => {
      const consumers = this.#at(stream).consumers;
      const wanted = consumerEcho(config);
      const there = consumers.get(name(wanted));
      if (there !== undefined && !same(there.config, wanted)) throw refused(`consumer ${stream}/${name(wanted)}`, 400, 10148);
      const consumer = there ?? { config: wanted, delivered: 0 };
      consumers.set(name(wanted), consumer);
      return consumerInfo(consumer);
    });
  }

  updateConsumer(stream: string, { config }: WriteRequest): Promise<ConsumerInfo> {
    return this.#write(`update ${stream}/${String(config["durable_name"])}`, () => {
      const wanted = consumerEcho(config);
      const consumer = this.#at(stream).consumers.get(name(wanted));
      if (consumer === undefined) throw refused(`consumer ${stream}/${name(wanted)}`, 400, 10149);
      const fixed = FIXED_CONSUMER.find((key) => !same(consumer.config[key], wanted[key]));
      if (fixed !== undefined) throw refused(`consumer ${stream}/${name(wanted)}`, 500, 10012, `${fixed} can not be updated`);
      consumer.config = wanted;
      return consumerInfo(consumer);
    });
  }

  deleteConsumer(stream: string, consumer: string): Promise<boolean> {
    return this.#write(`delete ${stream}/${consumer}`, () => this.streams.get(stream)?.consumers.delete(consumer) ?? false);
  }

  async listConsumers(stream: string) {
    const all = [...this.#at(stream).consumers];
    const known = all.filter(([consumer]) => !this.silent.has(consumer));
    return {
      consumers: known.map(([, config]) => consumerInfo(config)),
      unknown: all.filter(([consumer]) => this.silent.has(consumer)).map(([consumer]) => consumer),
    };
  }

  async #write<T>(what: string, act: () => T): Promise<T> {
    const fate = this.beforeWrite(what);
    const done = act();
    this.writes.push(what);
    if (fate === "lose") throw new BusError("ERR_JETSTREAM_TIMEOUT", `${what}: no answer in time`);
    return done;
  }

  #at(stream: string): FakeStream {
    const found = this.streams.get(stream);
    if (found === undefined) throw refused(`stream ${stream}`, 404, 10059, "stream not found");
    return found;
  }

  #refuseOverlap(wanted: WireConfig): void {
    const subjects = new Set((wanted["subjects"] ?? []) as string[]);
    const taken = [...this.streams.values()].some(({ config }) =>
      ((config["subjects"] ?? []) as string[]).some((one) => subjects.has(one)),
    );
    if (taken) throw refused(`stream ${name(wanted)}`, 400, 10065, "subjects overlap with an existing stream");
  }

  #info(stream: FakeStream): StreamInfo {
    const replicas = Array.from({ length: Number(stream.config["num_replicas"]) - 1 }, (_, index) => ({
      name: `n${index + 2}`,
      current: true,
    }));
    return {
      config: stream.config,
      messages: stream.messages,
      bytes: stream.messages * 100,
      firstSeq: 1,
      lastSeq: stream.messages,
      firstTime: stream.messages === 0 ? "" : "2026-01-01T00:00:00Z",
      lastTime: stream.messages === 0 ? "" : "2026-01-11T00:00:00Z",
      created: "2025-12-31T00:00:00Z",
      consumers: stream.consumers.size,
      peers: { clustered: true, leader: "n1", replicas },
    };
  }
}

function consumerInfo({ config, delivered }: { config: WireConfig; delivered: number }): ConsumerInfo {
  return { config, delivered, ackFloor: delivered, pending: 0, peers: { clustered: true, leader: "n1", replicas: [] } };
}

/** The defaults a server writes into its answer. */
function echoOf(config: WireConfig): WireConfig {
  const maxAge = Number(config["max_age"] ?? 0);
  const copies = config["mirror"] !== undefined || config["sources"] !== undefined;
  const window = maxAge > 0 ? Math.min(maxAge, 120e9) : 120e9;
  return {
    retention: "limits",
    max_consumers: -1,
    max_msgs: -1,
    max_bytes: -1,
    max_age: 0,
    max_msgs_per_subject: -1,
    max_msg_size: -1,
    discard: "old",
    storage: "file",
    num_replicas: 1,
    compression: "none",
    consumer_limits: {},
    ...(copies ? {} : { duplicate_window: window, subjects: [config["name"]] }),
    ...config,
    metadata: { "_nats.ver": "2.15.2", ...(config["metadata"] as object | undefined) },
  };
}

function consumerEcho(config: WireConfig): WireConfig {
  const backoff = config["backoff"] as readonly number[] | undefined;
  return {
    deliver_policy: "all",
    ack_policy: "none",
    replay_policy: "instant",
    max_deliver: -1,
    max_ack_pending: 1_000,
    max_waiting: 512,
    num_replicas: 0,
    ...config,
    name: config["durable_name"],
    ack_wait: backoff?.[0] ?? config["ack_wait"] ?? 30e9,
    metadata: { "_nats.ver": "2.15.2", ...(config["metadata"] as object | undefined) },
  };
}

function refused(what: string, code: number, number: number, description = "refused"): BusError {
  return refusalOf(what, { code, err_code: number, description });
}

function name(config: WireConfig): string {
  return String(config["name"] ?? config["durable_name"]);
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, sorted(part)]),
  );
}
