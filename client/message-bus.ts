/** The door of an application to its bus. */
import { type JetStreamClient, jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { BusError } from "../core/errors.ts";
import { parseDuration } from "../core/units.ts";
import { AckInbox } from "./ack-inbox.ts";
import { Batch, type BatchArgs, type BatchTools } from "./batch.ts";
import { assertPlace, type Behaviour, type ConnectArgs, type PublishArgs, type RequestArgs, resolveBehaviour } from "./client-args.ts";
import { composeMessage, contextOf, withHeaders } from "./compose.ts";
import { type ClientConnection, connectClient } from "./connect.ts";
import { type ConsumeArgs, resolveConsume } from "./consume-args.ts";
import { openConsumer } from "./consumer-access.ts";
import type { DeadLetter } from "./dead-letter.ts";
import type { Endpoint } from "./endpoint.ts";
import type { HeaderRecord } from "./headers.ts";
import { ClientMetrics, type MetricsSnapshot } from "./metrics.ts";
import { composeMiddleware, type Middleware } from "./middleware.ts";
import type { OutgoingMessage } from "./outgoing.ts";
import { countOutcomes, exposeMetrics } from "./prometheus.ts";
import { Publisher, type PublishReceipt } from "./publisher.ts";
import { type DeadLetterArgs, type RedriveReceipt, readDeadLetters, redriveLetter } from "./redrive.ts";
import { type ReplayArgs, type ReplayedMessage, replayRange } from "./replay.ts";
import { type RequestTools, sendRequest } from "./request.ts";
import { SchemaRegistry, type SchemaRegistryArgs } from "./schema-registry.ts";
import { type Service, type ServiceArgs, startService } from "./service.ts";
import { readStackConnection } from "./stack-files.ts";
import type { Subject } from "./subject.ts";
import { Undertaker } from "./undertaker.ts";
import { Worker } from "./worker.ts";

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
  readonly #tools: RequestTools;
  readonly #publisher: Publisher;
  readonly #jetstream: JetStreamClient;
  readonly #behaviour: Behaviour;
  readonly #workers = new Set<Worker>();
  readonly #services = new Set<Service>();
  #closing: Promise<void> | undefined;

  private constructor({ connection, inboxPrefix, api }: ClientConnection, args: Behaviour) {
    const { signer, verifier, publishing, prometheus } = args;
    this.#connection = connection;
    this.#inboxPrefix = inboxPrefix;
    this.#tools = { connection, acks: new AckInbox(connection, inboxPrefix), metrics: this.#metrics, signer, verifier };
    this.#publisher = new Publisher(this.#tools, publishing);
    this.#jetstream = jetstream(connection, api);
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
    assertPlace(args);
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
    const item = { message: composeMessage(subject, value, args), pattern: subject.pattern, headers: args.headers };
    return this.#surround(item, (message) => this.#publisher.publish(message));
  }

  /** Begins a batch: messages that are sent in one go, and stored together where the stream allows it. */
  batch(args: BatchArgs = {}): Batch {
    this.#assertOpen();
    const surround: BatchTools["surround"] = (item, send) => this.#surround(item, send);
    return new Batch({ ...this.#tools, ...this.#publisher.limits, publisher: this.#publisher, surround }, args);
  }

  #surround(
    item: Parameters<BatchTools["surround"]>[0],
    send: (message: OutgoingMessage) => Promise<PublishReceipt>,
  ): Promise<PublishReceipt> {
    const { message, pattern, headers } = item;
    if (this.#middleware === undefined) return send(withHeaders(message, headers));
    const context = contextOf("publish", pattern, message, headers);
    return this.#middleware(context, async () => send(withHeaders(message, context.headers)));
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
   * Asks a service and waits for its answer. A request is sent once, as the service may have acted on it.
   * @throws ERR_CLIENT_SCHEMA, ERR_CLIENT_SUBJECT, ERR_CLIENT_SIZE and ERR_CLIENT_OPTION before anything is sent, ERR_CLIENT_REQUEST when nobody serves the
   *   subject or the user may not ask, ERR_CLIENT_TIMEOUT, ERR_CLIENT_SERVICE with the service's own error as `cause`, ERR_CLIENT_REPLY, ERR_CLIENT_CLOSED
   */
  async request<In, Out, ReplyIn, ReplyOut>(
    endpoint: Endpoint<In, Out, ReplyIn, ReplyOut>,
    value: NoInfer<In>,
    args: RequestArgs = {},
  ): Promise<ReplyOut> {
    this.#assertOpen();
    const timeoutMs = parseDuration(args.timeout ?? "5s", "timeout");
    const message = composeMessage(endpoint.request, value, args);
    const send = (headers?: HeaderRecord): Promise<ReplyOut> =>
      sendRequest(this.#tools, endpoint, withHeaders(message, headers), timeoutMs);
    if (this.#middleware === undefined) return send(args.headers);
    const context = contextOf("request", endpoint.request.pattern, message, args.headers);
    return this.#middleware(context, () => send(context.headers));
  }

  /**
   * Offers endpoints as a service, until it is stopped or the client closed.
   * @throws ERR_CLIENT_SERVE when a name or version is malformed or the user may not listen on an endpoint, ERR_CLIENT_OPTION, ERR_UNIT, ERR_CLIENT_CLOSED
   *
   * @example
   * await using service = await bus.serve({
   *   name: "hosts", version: "1.0.0", endpoints: [respond(lookUp, ({ value }) => ({ address: addressOf(value.name) }))],
   * });
   */
  async serve(args: ServiceArgs): Promise<Service> {
    this.#assertOpen();
    const tools = { ...this.#tools, middleware: this.#middleware };
    const service = await startService(args, tools, (stopped) => void this.#services.delete(stopped));
    this.#services.add(service);
    return service;
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

  /**
   * Opens the registry of schemas.
   * @throws ERR_CLIENT_REGISTRY when its bucket does not exist or may not be read, ERR_CLIENT_CLOSED
   */
  async schemas(args: SchemaRegistryArgs = {}): Promise<SchemaRegistry> {
    this.#assertOpen();
    return SchemaRegistry.open(this.#jetstream, args);
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
    const services = [...this.#services].map((service) => within(drainMs, service.stop()));
    await Promise.all([...[...this.#workers].map((worker) => worker.drain()), ...services]);
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

async function within(limitMs: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work.catch(() => undefined), limit]);
  clearTimeout(timer);
}
