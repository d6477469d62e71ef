/** Keeps a bounded number of one consumer's messages in hand. */
import type { Consumer, ConsumerMessages, JsMsg } from "@nats-io/jetstream";
import { publishDelay } from "./back-off.ts";

/** A message in hand, waiting or in a handler. */
export interface Held<Content> {
  /** The newest delivery of it. */
  message: JsMsg;
  readonly content: Content;
  /** Failed attempts while it was in hand. */
  failures: number;
}

/** Options of an {@link Intake}. */
export interface IntakeOptions<Content> {
  readonly consumer: Consumer;
  /** Most messages that wait. */
  readonly prefetch: number;
  /** Reads a new message; must not throw. */
  readonly open: (message: JsMsg) => Content;
  /** Called after a message was added. */
  readonly onMessage: () => void;
  /** Called when a pull failed and will be made again. */
  readonly onError: (error: unknown) => void;
}

// A pull sent to a consumer whose leader is gone is never answered; two missing heartbeats tell.
const PULL = { expires: 10_000, idle_heartbeat: 1_000 };

/** Pulls as many messages as there is room for, for as long as it runs; failed pulls are made again after a growing wait. */
export class Intake<Content> {
  readonly #options: IntakeOptions<Content>;
  readonly #waiting: Held<Content>[] = [];
  readonly #held = new Map<number, Held<Content>>();
  readonly #stopped = new AbortController();
  #batch: ConsumerMessages | undefined;
  #wake: (() => void) | undefined;
  #running: Promise<void> | undefined;

  constructor(options: IntakeOptions<Content>) {
    this.#options = options;
  }

  /** Everything in hand, waiting or taken and not settled. */
  get held(): Iterable<Held<Content>> {
    return this.#held.values();
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Begins to pull. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Whether a message waits that `fits`. */
  has(fits: (content: Content) => boolean): boolean {
    return this.#waiting.some(({ content }) => fits(content));
  }

  /** Takes the first waiting message that `fits`; it stays in hand until {@link settle}. */
  take(fits: (content: Content) => boolean): Held<Content> | undefined {
    const index = this.#waiting.findIndex(({ content }) => fits(content));
    const [taken] = index < 0 ? [] : this.#waiting.splice(index, 1);
    this.#wake?.();
    return taken;
  }

  /** Lets go of a message that was acknowledged, given back or given up. */
  settle(held: Held<Content>): void {
    this.#held.delete(held.message.seq);
  }

  /** Stops pulling and gives back what waits. */
  async stop(): Promise<void> {
    this.#stopped.abort();
    this.#wake?.();
    await this.#batch?.close();
    await this.#running;
    for (const held of this.#waiting.splice(0)) {
      held.message.nak();
      this.settle(held);
    }
  }

  async #run(): Promise<void> {
    let failures = 0;
    while (!this.#stopped.signal.aborted) {
      const room = this.#options.prefetch - this.#waiting.length;
      // Many small pulls cost more than a short wait.
      if (room < Math.ceil(this.#options.prefetch / 2)) {
        await this.#pause();
        continue;
      }
      try {
        await this.#pull(room);
        failures = 0;
      } catch (error) {
        this.#options.onError(error);
        await this.#pause(publishDelay(failures++));
      }
    }
  }

  async #pull(room: number): Promise<void> {
    this.#batch = await this.#options.consumer.fetch({ max_messages: room, ...PULL });
    if (this.#stopped.signal.aborted) await this.#batch.close();
    for await (const message of this.#batch) this.#accept(message);
  }

  #accept(message: JsMsg): void {
    const known = this.#held.get(message.seq);
    if (known !== undefined) {
      // Delivered again while it is in hand, for instance after a lost connection: one copy is enough, the newest delivery counts.
      known.message = message;
      return;
    }
    const held = { message, content: this.#options.open(message), failures: 0 };
    this.#held.set(message.seq, held);
    this.#waiting.push(held);
    this.#options.onMessage();
  }

  async #pause(ms?: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (ms !== undefined) timer = setTimeout(resolve, ms);
      if (this.#stopped.signal.aborted) resolve();
    });
    clearTimeout(timer);
  }
}
