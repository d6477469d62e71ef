/** Asks a consumer for messages, several pulls at a time on one subscription. */
import { createInbox, type Msg, type NatsConnection, nanos, type Subscription } from "@nats-io/transport-node";
import { Delivery, isDelivery } from "./delivery.ts";

/** What a {@link Puller} works with. */
export interface PullerOptions {
  readonly connection: NatsConnection;
  /** Below which the user may listen.
   * @default - the library's own */
  readonly inboxPrefix: string | undefined;
  /** Subject that pulls of the consumer go to. */
  readonly subject: string;
  readonly onMessage: (message: Delivery) => void;
  /** Called when less is outstanding than was asked for; `error` tells of a failure, after which one should wait. */
  readonly onChange: (error?: Error) => void;
}

// A pull sent to a consumer whose leader is gone is never answered; missing heartbeats tell.
const EXPIRES_MS = 30_000;
const HEARTBEAT_MS = 1_000;
const SILENCE_MS = 2_500;
const CODE = { heartbeat: 100, gone: 404, expired: 408 };

/** Pulls messages of one consumer. */
export class Puller {
  readonly #options: PullerOptions;
  readonly #inbox: string;
  readonly #subscription: Subscription;
  readonly #watchdog: NodeJS.Timeout;
  #outstanding = 0;
  #generation = 0;
  #heardMs = performance.now();

  constructor(options: PullerOptions) {
    this.#options = options;
    this.#inbox = createInbox(options.inboxPrefix);
    this.#subscription = options.connection.subscribe(`${this.#inbox}.*`, {
      callback: (error, message) => (error === null ? this.#receive(message) : this.#reset(error)),
    });
    this.#watchdog = setInterval(() => this.#listen(), HEARTBEAT_MS);
    void this.#watch();
  }

  /** Messages asked for and not arrived. */
  get outstanding(): number {
    return this.#outstanding;
  }

  /** Asks for that many more. */
  ask(count: number): void {
    if (this.#outstanding === 0) this.#heardMs = performance.now();
    this.#outstanding += count;
    const request = { batch: count, expires: nanos(EXPIRES_MS), idle_heartbeat: nanos(HEARTBEAT_MS) };
    this.#options.connection.publish(this.#options.subject, JSON.stringify(request), { reply: `${this.#inbox}.${this.#generation}` });
  }

  /** Asks no more; what was on the way is still handed over. */
  async stop(): Promise<void> {
    clearInterval(this.#watchdog);
    // A closed connection has nothing to hand over.
    await this.#subscription.drain().catch(() => undefined);
  }

  #receive(message: Msg): void {
    this.#heardMs = performance.now();
    if (isDelivery(message)) {
      this.#outstanding = Math.max(0, this.#outstanding - 1);
      this.#options.onMessage(new Delivery(message));
      return;
    }
    const code = message.headers?.code ?? 0;
    if (code === CODE.heartbeat || message.subject !== `${this.#inbox}.${this.#generation}`) return;
    const left = Number(message.headers?.get("Nats-Pending-Messages") || Number.NaN);
    if ((code === CODE.expired || code === CODE.gone) && Number.isSafeInteger(left)) {
      this.#outstanding = Math.max(0, this.#outstanding - left);
      this.#options.onChange();
      return;
    }
    this.#reset(new Error(`${code} ${message.headers?.description ?? ""}`));
  }

  #listen(): void {
    if (this.#outstanding === 0 || performance.now() - this.#heardMs < SILENCE_MS) return;
    if (!this.#subscription.isClosed()) this.#reset(new Error("the consumer is silent"));
  }

  /** Gives up all pulls that were sent; what they still bring is welcome. */
  #reset(error?: Error): void {
    this.#generation += 1;
    this.#outstanding = 0;
    this.#heardMs = performance.now();
    this.#options.onChange(error);
  }

  async #watch(): Promise<void> {
    // Servers forget the pulls of a lost connection.
    for await (const { type } of this.#options.connection.status())
      if (type === "reconnect" && !this.#subscription.isClosed()) this.#reset();
  }
}
