/** Publishes messages and waits for the answers, all on one subscription. The library's own requests make a timer, an error and three promises each. */
import { createInbox, errors, type Msg, type MsgHdrs, type NatsConnection, type Subscription } from "@nats-io/transport-node";
import { statusOf } from "./header-block.ts";
import { PassingValues } from "./keyed-values.ts";

interface Pending {
  readonly token: number;
  readonly subject: string;
  readonly endMs: number;
  readonly resolve: (answer: Msg) => void;
  readonly reject: (error: Error) => void;
}

const SWEEP_MS = 50;

/** Waits for answers to messages it publishes. */
export class AckInbox {
  readonly #connection: NatsConnection;
  readonly #prefix: string;
  readonly #pending = new PassingValues<number, Pending>();
  #subscription: Subscription | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #count = 0;

  /** @param inboxPrefix below which the user may listen; the library's own when not given */
  constructor(connection: NatsConnection, inboxPrefix?: string) {
    this.#connection = connection;
    this.#prefix = `${createInbox(inboxPrefix)}.`;
    void connection.closed().then(() => this.#fail(() => true, new errors.ClosedConnectionError()));
    void this.#watch();
  }

  /** Publishes one message and resolves with its answer; rejects with the library's errors when it is refused, lost with the connection, or late. */
  ask(subject: string, payload: Uint8Array, headers: MsgHdrs, timeoutMs: number): Promise<Msg> {
    const { promise, resolve, reject } = Promise.withResolvers<Msg>();
    this.#subscription ??= this.#listen();
    this.#count += 1;
    const token = this.#count;
    this.#pending.add(token, { token, subject, endMs: performance.now() + timeoutMs, resolve, reject });
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_MS);
    try {
      this.#connection.publish(subject, payload, { headers, reply: `${this.#prefix}${token}` });
    } catch (error) {
      this.#pending.take(token)?.reject(error instanceof Error ? error : new Error(String(error)));
    }
    return promise;
  }

  #listen(): Subscription {
    const from = this.#prefix.length;
    const callback = (error: Error | null, answer: Msg): void => {
      // Without the right to listen no answer ever arrives.
      if (error === null) this.#settle(answer, Number(answer.subject.slice(from)));
      else this.#fail(() => true, error);
    };
    return this.#connection.subscribe(`${this.#prefix}*`, { callback });
  }

  #settle(answer: Msg, token: number): void {
    const pending = this.#pending.take(token);
    if (pending === undefined) return;
    if (answer.data.length === 0 && statusOf(answer) === 503) pending.reject(new errors.NoRespondersError(pending.subject));
    else pending.resolve(answer);
  }

  #sweep(): void {
    const nowMs = performance.now();
    this.#fail(({ endMs }) => endMs <= nowMs, new errors.TimeoutError());
    if (this.#pending.size > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }

  #fail(isMeant: (pending: Pending) => boolean, error: Error): void {
    for (const { token, reject } of this.#pending.all().filter(isMeant)) {
      this.#pending.take(token);
      reject(error);
    }
  }

  async #watch(): Promise<void> {
    for await (const status of this.#connection.status()) {
      // Answers to what was sent before never come; the message may be stored.
      if (status.type === "disconnect") this.#fail(() => true, new Error("the connection was lost"));
      if (status.type !== "error" || !(status.error instanceof errors.PermissionViolationError)) continue;
      const { operation, subject } = status.error;
      if (operation === "publish") this.#fail((pending) => pending.subject === subject, status.error);
    }
  }
}
