/** One endpoint of a service: takes requests, runs its handler over a bounded number of them, and answers. */
import { errors, type Msg, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import { BusError } from "../core/errors.ts";
import { type Duration, parseDuration } from "../core/units.ts";
import { decodePayload, encodePayload, type Rejection } from "./codec.ts";
import type { Endpoint } from "./endpoint.ts";
import { type ArrivedHeaders, headersOf } from "./header-block.ts";
import { HEADER, type HeaderRecord } from "./headers.ts";
import type { ClientMetrics } from "./metrics.ts";
import type { MessageContext, Middleware } from "./middleware.ts";
import { assertWhole } from "./options.ts";
import { encodeOutgoing } from "./outgoing.ts";
import { SERVICE_ERROR_HEADER, ServiceError } from "./service-error.ts";
import type { MessageSigner } from "./signing.ts";
import type { MessageVerifier } from "./verifier.ts";

/** A request with its validated value. */
export interface ReceivedRequest<Out> {
  /** Payload, validated and of the present version. */
  readonly value: Out;
  /** Subject it was sent to. */
  readonly subject: string;
  /** Id given by the requester.
   * @default - none, when another client asked */
  readonly id: string | undefined;
  /** All headers; the last value of one that occurs several times. */
  readonly headers: HeaderRecord;
  /** Aborts when the handler takes too long. */
  readonly signal: AbortSignal;
}

/** Options of {@link respond}. */
export interface RespondArgs {
  /** Name within the service: letters, digits, `-` and `_`.
   * @default - the subject with `-` for everything else */
  readonly name?: string;
  /** Instances of one queue group share the requests.
   * @default "q" */
  readonly queue?: string;
  /** Handlers that run at a time. Range: 1 up.
   * @default 16 */
  readonly concurrency?: number;
  /** Requests that may wait for that; one more is answered with 503.
   * @default 1000 */
  readonly maxQueued?: number;
  /** How long a handler may take; then the answer is 504.
   * @default "30s" */
  readonly handlerTimeout?: Duration;
}

/** An endpoint with its handler; made by {@link respond}. */
export interface Responder {
  /** What it answers. */
  readonly endpoint: Endpoint<unknown, unknown, unknown, unknown>;
  /** What answers; what it returns, or resolves to, is validated and sent. */
  readonly handler: (request: ReceivedRequest<unknown>) => unknown;
  /** Options of this endpoint. */
  readonly args: RespondArgs;
}

/** Ties an endpoint to a handler, whose value is validated and sent as the answer. A handler that throws a {@link ServiceError} answers with that error, any other one with 500. */
export function respond<In, Out, ReplyIn, ReplyOut>(
  endpoint: Endpoint<In, Out, ReplyIn, ReplyOut>,
  handler: (request: ReceivedRequest<Out>) => Promise<ReplyIn> | ReplyIn,
  args: RespondArgs = {},
): Responder {
  return { endpoint, handler, args } as unknown as Responder;
}

/** What endpoints of a client work with. */
export interface ServeTools {
  readonly connection: NatsConnection;
  readonly metrics: ClientMetrics;
  readonly middleware: Middleware | undefined;
  readonly signer: MessageSigner | undefined;
  readonly verifier: MessageVerifier | undefined;
}

/** Counts of one endpoint; times in milliseconds. */
export interface EndpointStats {
  readonly name: string;
  readonly subject: string;
  readonly queue: string;
  readonly requests: number;
  readonly errors: number;
  /** The last error's text; "" before the first. */
  readonly lastError: string;
  /** Sum over all requests, from arrival to answer. */
  readonly processingMs: number;
}

const STATUS: Readonly<Partial<Record<Rejection["reason"], number>>> = { unsigned: 401, signer: 403, size: 413 };

/** A running endpoint. */
export class ServiceEndpoint {
  readonly name: string;
  readonly subject: string;
  readonly queue: string;
  readonly #responder: Responder;
  readonly #tools: ServeTools;
  readonly #limits: { readonly concurrency: number; readonly maxQueued: number; readonly handlerMs: number };
  readonly #subscription: Subscription;
  readonly #waiting: Msg[] = [];
  #running = 0;
  #counts = { requests: 0, errors: 0, lastError: "", processingMs: 0 };
  #refusal: Error | undefined;
  #whenIdle: (() => void) | undefined;

  /** @throws ERR_CLIENT_OPTION for a number out of range, ERR_CLIENT_SERVE for a malformed name, ERR_UNIT */
  constructor(responder: Responder, tools: ServeTools) {
    const { name, queue = "q", concurrency = 16, maxQueued = 1_000, handlerTimeout = "30s" } = responder.args;
    this.subject = responder.endpoint.request.pattern;
    this.name = name ?? (this.subject.replaceAll(/[^A-Za-z0-9_-]+/g, "-").replaceAll(/^-|-$/g, "") || "all");
    this.queue = queue;
    assertName("the endpoint's name", this.name);
    assertName("the queue group", this.queue);
    assertWhole("concurrency", concurrency, 1);
    assertWhole("maxQueued", maxQueued, 0);
    this.#limits = { concurrency, maxQueued, handlerMs: parseDuration(handlerTimeout, "handlerTimeout") };
    this.#responder = responder;
    this.#tools = tools;
    const callback = (error: Error | null, message: Msg): void => (error === null ? this.#receive(message) : this.#refuse(error));
    this.#subscription = tools.connection.subscribe(this.subject, { queue, callback });
  }

  /** Why the server does not let this endpoint listen; `undefined` while it does. */
  get refusal(): Error | undefined {
    return this.#refusal;
  }

  /** What was counted so far. */
  stats(): EndpointStats {
    return { name: this.name, subject: this.subject, queue: this.queue, ...this.#counts };
  }

  /** Takes no more requests, and resolves when those at hand are answered. */
  async stop(): Promise<void> {
    await this.#subscription.drain().catch(() => undefined);
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#whenIdle = resolve));
  }

  #refuse(error: Error): void {
    this.#refusal = error;
  }

  #receive(message: Msg): void {
    const { concurrency, maxQueued } = this.#limits;
    this.#tools.metrics.counts.served += 1;
    if (this.#running < concurrency) void this.#serve(message);
    else if (this.#waiting.length < maxQueued) this.#waiting.push(message);
    else void this.#answerError(message, new ServiceError(503, "too many requests wait already"), performance.now());
  }

  async #serve(first: Msg): Promise<void> {
    const { counts } = this.#tools.metrics;
    this.#running += 1;
    counts.serving += 1;
    for (let message: Msg | undefined = first; message !== undefined; message = this.#waiting.shift()) await this.#answer(message);
    this.#running -= 1;
    counts.serving -= 1;
    if (this.#running === 0) this.#whenIdle?.();
  }

  async #answer(message: Msg): Promise<void> {
    const startedMs = performance.now();
    try {
      const reply = await this.#handle(message, headersOf(message));
      await this.#send(message, reply.payload, reply.headers);
      this.#count(startedMs);
    } catch (error) {
      await this.#answerError(message, error, startedMs);
    }
  }

  async #handle(message: Msg, arrived: ArrivedHeaders): Promise<{ readonly payload: Uint8Array; readonly headers: HeaderRecord }> {
    const { endpoint } = this.#responder;
    const headers = arrived.plain;
    const refusal = await this.#verify(message, arrived.joined);
    if (refusal !== undefined) throw rejection(refusal);
    const decoded = decodePayload(endpoint.request, { headers, data: message.data });
    if (decoded.kind === "rejected") throw rejection(decoded);
    if (decoded.kind === "skip") throw new ServiceError(400, "the version of the request is not known");
    const context = this.#contextOf(message, headers);
    const run = async (): Promise<unknown> => this.#run(message, headers, decoded.value);
    const { middleware } = this.#tools;
    return encodePayload(endpoint.reply, await (middleware === undefined ? run() : middleware(context, run)));
  }

  async #verify(message: Msg, headers: HeaderRecord): Promise<Rejection | undefined> {
    return this.#tools.verifier?.verify({
      ...{ subject: message.subject, headers, payload: message.data },
      storedAtMs: Date.now(),
      // Whoever sends a request again cannot choose the inbox it was first sent from.
      origin: `request:${message.reply ?? ""}`,
    });
  }

  #contextOf({ subject, data }: Msg, headers: HeaderRecord): MessageContext {
    const pattern = this.subject;
    return { kind: "respond", subject, pattern, id: headers[HEADER.id] || undefined, headers: { ...headers }, size: data.length };
  }

  async #run({ subject }: Msg, headers: HeaderRecord, value: unknown): Promise<unknown> {
    const { handlerMs } = this.#limits;
    const controller = new AbortController();
    const late = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      const error = new ServiceError(504, `the handler took longer than ${handlerMs} ms`);
      controller.abort(error);
      late.reject(error);
    }, handlerMs);
    try {
      const request = { value, subject, id: headers[HEADER.id] || undefined, headers, signal: controller.signal };
      return await Promise.race([this.#responder.handler(request), late.promise]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #answerError(message: Msg, error: unknown, startedMs: number): Promise<void> {
    const told = error instanceof ServiceError ? error : new ServiceError(500, "the service failed");
    const headers = { [SERVICE_ERROR_HEADER.text]: told.message, [SERVICE_ERROR_HEADER.code]: String(told.code) };
    this.#counts.errors += 1;
    this.#counts.lastError = `${told.code}: ${error instanceof Error ? error.message : String(error)}`;
    this.#tools.metrics.counts.serveFailures += 1;
    this.#count(startedMs);
    // The requester waits in vain when the connection is gone, and is told so by its own client.
    await this.#send(message, Buffer.alloc(0), {}, headers).catch(() => undefined);
  }

  async #send(message: Msg, payload: Uint8Array, headers: HeaderRecord, unsigned?: HeaderRecord): Promise<void> {
    if (!message.reply) return;
    const asked = headersOf(message).plain[HEADER.id];
    const about = asked ? { [HEADER.replyTo]: asked } : {};
    const answer = { subject: message.subject, payload, headers: { ...headers, ...about }, id: crypto.randomUUID() };
    const { lines } = await encodeOutgoing(answer, this.#tools.signer, unsigned);
    this.#tools.connection.publish(message.reply, payload, { headers: lines });
  }

  #count(startedMs: number): void {
    const elapsedMs = performance.now() - startedMs;
    this.#counts.requests += 1;
    this.#counts.processingMs += elapsedMs;
    this.#tools.metrics.serving.record(elapsedMs);
  }
}

/**
 * Refuses a name that NATS services may not have.
 * @throws ERR_CLIENT_SERVE
 */
export function assertName(what: string, name: string): void {
  if (/^[A-Za-z0-9_-]+$/.test(name)) return;
  throw new BusError("ERR_CLIENT_SERVE", `${what} ${JSON.stringify(name)} is not made of letters, digits, - and _`, {
    remedy: "choose another name",
  });
}

/** Whether a subscription failed because the user may not listen. */
export function isRefusal(error: unknown): boolean {
  return error instanceof errors.PermissionViolationError;
}

function rejection({ reason, detail }: Rejection): ServiceError {
  return new ServiceError(STATUS[reason] ?? 400, `${reason}: ${detail}`);
}
