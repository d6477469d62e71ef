/** {@link StreamPort} over a NATS connection, with raw JSON requests: the client library's helpers merge, drop and repeat (docs/decisions). */
import { setTimeout as delay } from "node:timers/promises";
import { headers, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { openConnection } from "../connection/pool.ts";
import { type ConnectionSpec, DEFAULT_TIMEOUT_MS } from "../core/connection.ts";
import { BusError } from "../core/errors.ts";
import { type ApiError, CONSUMER_NOT_FOUND, refusalOf, requestFailure, STREAM_NOT_FOUND } from "./nats-error.ts";
import { copyStream } from "./nats-port-copy.ts";
import type { ConsumerInfo, ConsumerList, Peers, StreamInfo, StreamList, StreamPort, WriteRequest } from "./port.ts";
import { SharedQuestion } from "./shared-question.ts";
import { sideBySide } from "./side-by-side.ts";
import type { WireConfig } from "./wire.ts";

const LEVEL_HEADER = "Nats-Required-Api-Level";
// With a server gone, each page of a list takes four seconds.
const LIST_TIMEOUT_MS = 10_000;
const PAUSE_POLL_MS = 5;
const PAGE = 256;
const NAMES_PAGE = 1_024;
const SUBJECT_PAGE = 100_000;

/** Subject prefix of the JetStream API. */
export function apiPrefixOf({ apiPrefix, domain }: ConnectionSpec): string {
  return apiPrefix ?? (domain === undefined ? "$JS.API" : `$JS.${domain}.API`);
}

/** Opens (or shares) the connection and speaks JetStream over it.
 * @throws ERR_CONNECT_REFUSED and its siblings when there is no connection */
export async function openStreamPort(spec: ConnectionSpec): Promise<StreamPort> {
  return new NatsStreamPort(await openConnection(spec), spec);
}

const questions = new WeakMap<NatsConnection, Map<string, SharedQuestion<readonly string[]>>>();

function sharedQuestion(connection: NatsConnection, key: string): SharedQuestion<readonly string[]> {
  const ofConnection = questions.get(connection) ?? new Map<string, SharedQuestion<readonly string[]>>();
  const shared = ofConnection.get(key) ?? new SharedQuestion<readonly string[]>();
  questions.set(connection, ofConnection.set(key, shared));
  return shared;
}

interface Request {
  /** Name of the object, for errors. */
  readonly what: string;
  /** Subject behind the API prefix. */
  readonly subject: string;
  readonly body?: unknown;
  readonly level?: number;
  readonly timeoutMs?: number;
}

type Answer = { readonly error?: ApiError } & WireConfig;

class NatsStreamPort implements StreamPort {
  readonly #connection: NatsConnection;
  readonly #prefix: string;
  readonly #timeoutMs: number;

  constructor(connection: NatsConnection, spec: ConnectionSpec) {
    this.#connection = connection;
    this.#prefix = apiPrefixOf(spec);
    this.#timeoutMs = spec.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  }

  async readStream(name: string, timeoutMs = this.#timeoutMs): Promise<StreamInfo | undefined> {
    const answer = await this.#ask({ what: `stream ${name}`, subject: `STREAM.INFO.${name}`, timeoutMs }, [STREAM_NOT_FOUND]);
    return answer && streamInfo(answer);
  }

  async createStream({ config, level }: WriteRequest): Promise<StreamInfo> {
    return streamInfo(
      await this.#do({ what: `stream ${nameOf(config)}`, subject: `STREAM.CREATE.${nameOf(config)}`, body: config, level }),
    );
  }

  async updateStream({ config, level }: WriteRequest): Promise<StreamInfo> {
    const request = { what: `stream ${nameOf(config)}`, subject: `STREAM.UPDATE.${nameOf(config)}`, body: config, level };
    const answer = await this.#ask(request, [STREAM_NOT_FOUND]);
    if (answer === undefined)
      throw new BusError("ERR_STREAM_CONFLICT", `${request.what}: it was deleted meanwhile`, { remedy: "run again" });
    return streamInfo(answer);
  }

  async deleteStream(name: string): Promise<boolean> {
    return (await this.#ask({ what: `stream ${name}`, subject: `STREAM.DELETE.${name}` }, [STREAM_NOT_FOUND])) !== undefined;
  }

  copyStream(from: string, config: WireConfig): Promise<void> {
    return copyStream(this.#connection, { from, config, prefix: this.#prefix });
  }

  async countSubjects(name: string): Promise<Readonly<Record<string, number>>> {
    const subjects: Record<string, number> = {};
    for (let offset = 0, total = 1; offset < total; offset += SUBJECT_PAGE) {
      const body = { subjects_filter: ">", offset };
      const page = await this.#do({ what: `subjects of ${name}`, subject: `STREAM.INFO.${name}`, body, timeoutMs: LIST_TIMEOUT_MS });
      Object.assign(subjects, (page["state"] as { readonly subjects?: Record<string, number> } | undefined)?.subjects);
      total = Number(page["total"] ?? 0);
    }
    return subjects;
  }

  async listStreams(): Promise<StreamList> {
    const first = await this.#streamPage(0);
    const offsets = pagesBehind(first);
    const pages = [first];
    await sideBySide(offsets, async (offset) => void pages.push(await this.#streamPage(offset)));
    const unknown = new Set(
      pages.flatMap((page) => [...asList<string>(page["missing"]), ...Object.keys((page["offline"] ?? {}) as object)]),
    );
    const streams = pages.flatMap((page) => asList<Answer>(page["streams"]).map(streamInfo));
    return { streams: streams.filter((info) => !unknown.has(nameOf(info.config))), unknown: [...unknown] };
  }

  namesStoring(subject: string): Promise<readonly string[]> {
    return sharedQuestion(this.#connection, `${this.#prefix} ${subject}`).ask(() => this.#namesStoring(subject));
  }

  async #namesStoring(subject: string): Promise<readonly string[]> {
    const names: string[] = [];
    for (let offset = 0, total = 1; offset < total; offset += NAMES_PAGE) {
      const page = await this.#do({ what: "names of streams", subject: "STREAM.NAMES", body: { subject, offset } });
      names.push(...asList<string>(page["streams"]));
      total = Number(page["total"] ?? 0);
    }
    return names;
  }

  #streamPage(offset: number): Promise<Answer> {
    return this.#do({ what: "streams", subject: "STREAM.LIST", body: { offset }, timeoutMs: LIST_TIMEOUT_MS });
  }

  async readConsumer(stream: string, name: string, timeoutMs = this.#timeoutMs): Promise<ConsumerInfo | undefined> {
    const request = { what: `consumer ${stream}/${name}`, subject: `CONSUMER.INFO.${stream}.${name}`, timeoutMs };
    const answer = await this.#ask(request, [STREAM_NOT_FOUND, CONSUMER_NOT_FOUND]);
    return answer && consumerInfo(answer);
  }

  createConsumer(stream: string, request: WriteRequest): Promise<ConsumerInfo> {
    return this.#writeConsumer(stream, request, "create");
  }

  /** Servers keep a running pause through every update; changing it is a call of its own. */
  async updateConsumer(stream: string, request: WriteRequest): Promise<ConsumerInfo> {
    const made = await this.#writeConsumer(stream, request, "update");
    const until = pauseOf(request.config);
    if (pauseOf(made.config) === until) return made;
    const name = String(request.config["durable_name"]);
    await this.pauseConsumer(stream, name, until === 0 ? "" : String(request.config["pause_until"]));
    return (await this.#paused(stream, name, until)) ?? made;
  }

  /** The pause is answered when it is decided, and seen a moment later. */
  async #paused(stream: string, name: string, until: number): Promise<ConsumerInfo | undefined> {
    const began = performance.now();
    for (;;) {
      const info = await this.readConsumer(stream, name);
      if (info === undefined || pauseOf(info.config) === until || performance.now() - began > this.#timeoutMs) return info;
      await delay(PAUSE_POLL_MS);
    }
  }

  async pauseConsumer(stream: string, name: string, until: string): Promise<void> {
    const request = { what: `consumer ${stream}/${name}`, subject: `CONSUMER.PAUSE.${stream}.${name}` };
    await this.#ask({ ...request, body: until === "" ? {} : { pause_until: until } }, [STREAM_NOT_FOUND, CONSUMER_NOT_FOUND]);
  }

  async deleteConsumer(stream: string, name: string): Promise<boolean> {
    const request = { what: `consumer ${stream}/${name}`, subject: `CONSUMER.DELETE.${stream}.${name}` };
    return (await this.#ask(request, [STREAM_NOT_FOUND, CONSUMER_NOT_FOUND])) !== undefined;
  }

  async listConsumers(stream: string): Promise<ConsumerList> {
    const consumers: ConsumerInfo[] = [];
    const unknown = new Set<string>();
    for (let offset = 0, total = 1; offset < total; offset += PAGE) {
      const request = { what: `consumers of ${stream}`, subject: `CONSUMER.LIST.${stream}`, body: { offset }, timeoutMs: LIST_TIMEOUT_MS };
      const page = await this.#do(request);
      for (const name of asList<string>(page["missing"])) unknown.add(name);
      consumers.push(...asList<Answer>(page["consumers"]).map(consumerInfo));
      total = Number(page["total"] ?? 0);
    }
    return { consumers, unknown: [...unknown] };
  }

  async #writeConsumer(stream: string, { config, level }: WriteRequest, action: "create" | "update"): Promise<ConsumerInfo> {
    const name = String(config["durable_name"]);
    const body = { stream_name: stream, config: { ...config, name }, action };
    return consumerInfo(await this.#do({ what: `consumer ${stream}/${name}`, subject: `CONSUMER.CREATE.${stream}.${name}`, body, level }));
  }

  async #do(request: Request): Promise<Answer> {
    const answer = await this.#send(request);
    if (answer.error !== undefined) throw refusalOf(request.what, answer.error);
    return answer;
  }

  /** As `#do`, but one of the `absent` errors is the answer `undefined`. */
  async #ask(request: Request, absent: readonly number[]): Promise<Answer | undefined> {
    const answer = await this.#send(request);
    if (answer.error !== undefined && absent.includes(answer.error.err_code ?? 0)) return undefined;
    if (answer.error !== undefined) throw refusalOf(request.what, answer.error);
    return answer;
  }

  async #send(request: Request): Promise<Answer> {
    const payload = request.body === undefined ? "" : JSON.stringify(request.body);
    const options = { timeout: request.timeoutMs ?? this.#timeoutMs, ...(request.level ? { headers: levelHeader(request.level) } : {}) };
    try {
      const message: Msg = await this.#connection.request(`${this.#prefix}.${request.subject}`, payload, options);
      return message.json<Answer>();
    } catch (error) {
      throw requestFailure(request, error);
    }
  }
}

function levelHeader(level: number) {
  const written = headers();
  written.set(LEVEL_HEADER, String(level));
  return written;
}

function streamInfo(answer: Answer): StreamInfo {
  const state = (answer["state"] ?? {}) as Readonly<Record<string, unknown>>;
  const messages = Number(state["messages"] ?? 0);
  return {
    config: (answer["config"] ?? {}) as WireConfig,
    messages,
    bytes: Number(state["bytes"] ?? 0),
    firstSeq: Number(state["first_seq"] ?? 0),
    lastSeq: Number(state["last_seq"] ?? 0),
    firstTime: messages === 0 ? "" : String(state["first_ts"] ?? ""),
    lastTime: messages === 0 ? "" : String(state["last_ts"] ?? ""),
    created: String(answer["created"] ?? ""),
    consumers: Number(state["consumer_count"] ?? 0),
    peers: peersOf(answer),
  };
}

function consumerInfo(answer: Answer): ConsumerInfo {
  const delivered = (answer["delivered"] ?? {}) as Readonly<Record<string, unknown>>;
  const floor = (answer["ack_floor"] ?? {}) as Readonly<Record<string, unknown>>;
  return {
    config: (answer["config"] ?? {}) as WireConfig,
    delivered: Number(delivered["consumer_seq"] ?? 0),
    ackFloor: Number(floor["stream_seq"] ?? 0),
    pending: Number(answer["num_pending"] ?? 0),
    peers: peersOf(answer),
  };
}

function peersOf(answer: Answer): Peers {
  const cluster = answer["cluster"] as { readonly leader?: string; readonly replicas?: readonly Replica[] } | undefined;
  const replicas = (cluster?.replicas ?? []).map(({ name, current, offline }) => ({ name, current: current === true && offline !== true }));
  const leader = cluster?.leader;
  return { clustered: cluster !== undefined, replicas, ...(leader === undefined || leader === "" ? {} : { leader }) };
}

interface Replica {
  readonly name: string;
  readonly current?: boolean;
  readonly offline?: boolean;
}

/** Where the other pages begin: by pages, not by what came back, as a page is short by those whose servers are away. */
function pagesBehind(first: Answer): number[] {
  const total = Number(first["total"] ?? 0);
  return Array.from({ length: Math.max(0, Math.ceil(total / PAGE) - 1) }, (_, index) => (index + 1) * PAGE);
}

function asList<T>(value: unknown): readonly T[] {
  return Array.isArray(value) ? value : [];
}

/** Instant until which a consumer is paused, in milliseconds since 1970; 0 when it is not. */
function pauseOf(config: WireConfig): number {
  const text = String(config["pause_until"] ?? "");
  return text === "" ? 0 : Date.parse(text);
}

function nameOf(config: WireConfig): string {
  return String(config["name"]);
}
