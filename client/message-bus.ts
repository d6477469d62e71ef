/** The door of an application to its bus. */
import { randomUUID } from "node:crypto";
import { type JetStreamClient, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { ConnectionSpec } from "../core/connection.ts";
import { BusError } from "../core/errors.ts";
import { type Duration, parseDuration } from "../core/units.ts";
import { AckInbox } from "./ack-inbox.ts";
import { encodePayload } from "./codec.ts";
import { type ClientConnection, connectClient } from "./connect.ts";
import { type ConsumeArgs, resolveConsume } from "./consume-args.ts";
import { openConsumer } from "./consumer-access.ts";
import type { DeadLetter } from "./dead-letter.ts";
import { HEADER, HEADER_NAME, type HeaderRecord } from "./headers.ts";
import { ClientMetrics, type MetricsSnapshot } from "./metrics.ts";
import { composeMiddleware, type MessageContext, type Middleware } from "./middleware.ts";
import type { OutgoingMessage } from "./outgoing.ts";
import { countOutcomes, exposeMetrics, type PrometheusArgs } from "./prometheus.ts";
import { Publisher, type PublishingArgs, type PublishReceipt } from "./publisher.ts";
import { type DeadLetterArgs, type RedriveReceipt, readDeadLetters, redriveLetter } from "./redrive.ts";
import { type ReplayArgs, type ReplayedMessage, replayRange } from "./replay.ts";
import { MessageSigner } from "./signing.ts";
import { readStackConnection, type StackPlace } from "./stack-files.ts";
import { resolveSubject, type Subject, type SubjectChoice } from "./subject.ts";
import { Undertaker } from "./undertaker.ts";
import { MessageVerifier, type VerificationArgs } from "./verifier.ts";
import { Worker } from "./worker.ts";

/** How a client behaves once it is connected. */
export interface ClientArgs {
  /** Name the servers show in reports about their connections.
   * @default "natsbus-client" */
  readonly name?: string;
  /** How it publishes.
   * @default {} */
  readonly publishing?: PublishingArgs;
  /** Seed of a user key, or text of a `.creds` file, to sign every message with. A secret.
   * @default - messages are not signed */
  readonly signing?: string;
  /** Whose messages to accept.
   * @default - signatures are not looked at */
  readonly verification?: VerificationArgs;
  /** Steps around every publish, handler run, request and answer; the first is the outermost.
   * @default [] */
  readonly middleware?: readonly Middleware[];
  /** Where to offer the metrics to Prometheus.
   * @default - nowhere; {@link MessageBus.metrics} has them */
  readonly prometheus?: PrometheusArgs;
  /** How long closing waits for handlers and for publishes that are not confirmed yet.
   * @default "30s" */
  readonly drainTimeout?: Duration;
}

/** Where to connect, and how to behave. */
export type ConnectArgs = ClientArgs & (StackPlace | ConnectionSpec);

/** Options of one publish. */
export interface PublishArgs extends SubjectChoice {
  /** Identity for de-duplication: within the stream's duplicate window a second message with it is confirmed and not stored.
   * @default - a random one */
  readonly id?: string;
  /** Further headers; names that begin with `Nats-` or `Natsbus-` are refused.
   * @default {} */
  readonly headers?: HeaderRecord;
  /** How long to try.
   * @default - `publishing.deadline` of the client */
  readonly deadline?: Duration;
}

const RESERVED = /^nats(bus)?-/i;

/**
 * A connection to the bus with typed subjects.
 *
 * @example
 * await using bus = await MessageBus.connect({ stack: "dev", user: "security" });
 * const alert = defineSubject("security.critical.alert", z.object({ host: z.string() }));
 * const { sequence } = await bus.publish(alert, { host: "n1" });
 */
export class MessageBus implements AsyncDisposable {
  readonly #connection: NatsConnection;
  readonly #inboxPrefix: string | undefined;
  readonly #middleware: Middleware | undefined;
  readonly #conceal: () => void;
  readonly #metrics = new ClientMetrics();
  readonly #publisher: Publisher;
  readonly #jetstream: JetStreamClient;
  readonly #behaviour: Behaviour;
  readonly #workers = new Set<Worker>();
  #closing: Promise<void> | undefined;

  private constructor({ connection, inboxPrefix }: ClientConnection, args: Behaviour) {
    const { signer, publishing, prometheus } = args;
    this.#connection = connection;
    this.#inboxPrefix = inboxPrefix;
    this.#publisher = new Publisher(
      { connection, acks: new AckInbox(connection, inboxPrefix), metrics: this.#metrics, signer },
      publishing,
    );
    this.#jetstream = jetstream(connection);
    this.#behaviour = args;
    this.#middleware = composeMiddleware([...args.middleware, ...(prometheus === undefined ? [] : [countOutcomes(this.#metrics)])]);
    const scraped = { name: args.name, metrics: this.#metrics, snapshot: () => this.metrics() };
    this.#conceal = prometheus === undefined ? () => undefined : exposeMetrics(prometheus, scraped);
    void this.#watch();
  }

  /**
   * Connects to a stack of this machine or to given servers. The connection is made again after a loss for as long as it takes.
   * @throws ERR_CLIENT_STACK, ERR_CLIENT_OPTION, ERR_CLIENT_KEY, ERR_UNIT, ERR_CONNECT_REFUSED, ERR_CONNECT_CREDENTIALS, ERR_CONNECT_TLS, ERR_CONNECT_TIMEOUT
   */
  static async connect(args: ConnectArgs): Promise<MessageBus> {
    const behaviour = resolveBehaviour(args);
    const spec = "servers" in args ? args : await readStackConnection(args);
    const connected = await connectClient(spec, behaviour.name);
    try {
      return new MessageBus(connected, behaviour);
    } catch (error) {
      await connected.connection.close();
      throw error;
    }
  }

  /** The underlying connection, for what this client does not cover. */
  get connection(): NatsConnection {
    return this.#connection;
  }

  /**
   * Publishes a value and waits until a stream has stored it.
   * @throws ERR_CLIENT_SCHEMA, ERR_CLIENT_SUBJECT, ERR_CLIENT_SIZE and ERR_CLIENT_OPTION before anything is sent, ERR_CLIENT_BACKPRESSURE when too many wait,
   *   ERR_CLIENT_PUBLISH when it is refused, ERR_CLIENT_DEADLINE when it was not confirmed in time, ERR_CLIENT_CLOSED
   */
  async publish<In, Out>(subject: Subject<In, Out>, value: NoInfer<In>, args: PublishArgs = {}): Promise<PublishReceipt> {
    this.#assertOpen();
    const message = this.#outgoing(subject, value, args);
    const send = (headers?: HeaderRecord): Promise<PublishReceipt> =>
      this.#publisher.publish(headers === undefined ? message : { ...message, headers: { ...ownHeaders(headers), ...message.headers } });
    if (this.#middleware === undefined) return send(args.headers);
    const context = contextOf("publish", subject.pattern, message, args.headers);
    return this.#middleware(context, () => send(context.headers));
  }

  #outgoing<In, Out>(subject: Subject<In, Out>, value: In, args: PublishArgs): OutgoingMessage {
    const { id = randomUUID(), deadline } = args;
    const literal = resolveSubject(subject.pattern, args);
    const { payload, headers } = encodePayload(subject, value);
    const deadlineMs = deadline === undefined ? undefined : parseDuration(deadline, "deadline");
    if (args.id !== undefined) assertHeaderValue(HEADER.id, id);
    return { subject: literal, payload, headers, id, deadlineMs };
  }

  /**
   * Begins to hand messages to handlers, and goes on until the worker is drained or the client closed.
   * @throws ERR_CLIENT_OPTION, ERR_UNIT, ERR_CLIENT_CONSUMER when a consumer cannot be read, ERR_CLIENT_CLOSED
   *
   * @example
   * await using worker = await bus.consume({
   *   stream: "SECURITY", consumer: "security-worker", routes: [route(alert, async ({ value }) => page(value.host))],
   * });
   */
  async consume(args: ConsumeArgs): Promise<Worker> {
    this.#assertOpen();
    const spec = resolveConsume(args);
    const consumers = await Promise.all(spec.lanes.map((lane) => openConsumer(this.#jetstream, spec.stream, lane.consumer)));
    this.#assertOpen();
    const undertaker = new Undertaker(this.#publisher, this.#metrics);
    const onStop = (stopped: Worker): void => void this.#workers.delete(stopped);
    const shared = { connection: this.#connection, inboxPrefix: this.#inboxPrefix, middleware: this.#middleware };
    const tools = { ...shared, metrics: this.#metrics, verifier: this.#behaviour.verifier, undertaker, onStop };
    const worker = new Worker(spec, consumers, tools, this.#behaviour.drainMs);
    this.#workers.add(worker);
    return worker;
  }

  /**
   * Reads messages again without taking them from any consumer. Ends at the last message there was when it began.
   * @throws ERR_CLIENT_OPTION, ERR_CLIENT_CLOSED, ERR_CLIENT_STREAM when the stream does not exist or may not be read
   */
  async *replay<In, Out>(subject: Subject<In, Out>, args: ReplayArgs): AsyncGenerator<ReplayedMessage<Out>> {
    this.#assertOpen();
    yield* replayRange({ jetstream: this.#jetstream, metrics: this.#metrics, verifier: this.#behaviour.verifier }, subject, args);
  }

  /**
   * Reads the dead letters of a stream, oldest first.
   * @throws ERR_CLIENT_OPTION, ERR_CLIENT_CLOSED, ERR_CLIENT_STREAM
   */
  async *deadLetters(args: DeadLetterArgs): AsyncGenerator<DeadLetter> {
    this.#assertOpen();
    yield* readDeadLetters(this.#jetstream, args);
  }

  /**
   * Publishes a dead letter to its original subject again and takes it out of its stream.
   * @throws ERR_CLIENT_OPTION when its payload was not kept, and what {@link publish} throws
   */
  async redrive(letter: DeadLetter): Promise<RedriveReceipt> {
    this.#assertOpen();
    return redriveLetter(this.#jetstream, this.#publisher, letter);
  }

  /** Everything counted since the client connected. */
  metrics(): MetricsSnapshot {
    this.#publisher.observe();
    const workers = [...this.#workers];
    this.#metrics.counts.buffered = workers.reduce((sum, worker) => sum + worker.buffered, 0);
    this.#metrics.counts.running = workers.reduce((sum, worker) => sum + worker.running, 0);
    return this.#metrics.snapshot(this.#connection.stats());
  }

  /** Stops taking messages, lets handlers and publishes finish, and disconnects. Later calls wait for the first. */
  close(): Promise<void> {
    this.#closing ??= this.#shutDown();
    return this.#closing;
  }

  /** The same as {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #shutDown(): Promise<void> {
    const { drainMs } = this.#behaviour;
    await Promise.all([...this.#workers].map((worker) => worker.drain()));
    await within(drainMs, this.#publisher.idle());
    await within(drainMs, this.#connection.drain());
    await this.#connection.close();
    this.#conceal();
  }

  #assertOpen(): void {
    if (this.#closing === undefined && !this.#connection.isClosed()) return;
    throw new BusError("ERR_CLIENT_CLOSED", "the message bus client is closed", { remedy: "connect again" });
  }

  async #watch(): Promise<void> {
    const { counts } = this.#metrics;
    for await (const { type } of this.#connection.status()) {
      if (type === "reconnect") counts.reconnects += 1;
      else if (type === "disconnect") counts.disconnects += 1;
      else if (type === "error") counts.serverErrors += 1;
    }
  }
}

interface Behaviour {
  readonly name: string;
  readonly middleware: readonly Middleware[];
  readonly prometheus: PrometheusArgs | undefined;
  readonly publishing: PublishingArgs;
  readonly signer: MessageSigner | undefined;
  readonly verifier: MessageVerifier | undefined;
  readonly drainMs: number;
}

function resolveBehaviour({ publishing = {}, signing, verification, drainTimeout = "30s", ...args }: ClientArgs): Behaviour {
  return {
    ...{ name: args.name ?? "natsbus-client", middleware: args.middleware ?? [], prometheus: args.prometheus },
    publishing,
    signer: signing === undefined ? undefined : new MessageSigner(signing),
    verifier: verification === undefined ? undefined : new MessageVerifier(verification),
    drainMs: parseDuration(drainTimeout, "drainTimeout"),
  };
}

function contextOf(
  kind: MessageContext["kind"],
  pattern: string,
  { subject, id, payload }: OutgoingMessage,
  headers: HeaderRecord = {},
): MessageContext {
  return { kind, subject, pattern, id, headers: { ...headers }, size: payload.length };
}

/** Servers obey some headers of their own, and the client writes the others. */
function ownHeaders(headers: HeaderRecord = {}): HeaderRecord {
  for (const [name, value] of Object.entries(headers)) {
    if (RESERVED.test(name) || !HEADER_NAME.test(name)) {
      throw new BusError("ERR_CLIENT_OPTION", `headers: ${JSON.stringify(name)} is not a name for a header of one's own`, {
        path: "headers",
        remedy: "use visible ASCII characters without a colon, and no name that begins with Nats- or Natsbus-",
      });
    }
    assertHeaderValue(name, value);
  }
  return headers;
}

// Spaces at the ends do not survive the way, and a signature covers what arrives.
function assertHeaderValue(name: string, value: string): void {
  if (value !== "" && !/[\r\n]/.test(value) && value.trim() === value) return;
  throw new BusError("ERR_CLIENT_OPTION", `the header ${name} is empty, has several lines, or begins or ends with white space`, {
    path: "headers",
  });
}

async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work.catch(() => undefined), limit]);
  clearTimeout(timer);
}
