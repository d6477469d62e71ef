/** Keeps a bounded number of one consumer's messages in hand. */

import { publishDelay } from "./back-off.ts";
import type { PrefetchBounds } from "./consume-args.ts";
import type { Delivery } from "./delivery.ts";
import { PassingValues } from "./keyed-values.ts";
import { Puller, type PullerOptions } from "./puller.ts";

/** A message in hand, waiting or in a handler. */
export interface Held<Content> {
  /** The newest delivery of it. */
  message: Delivery;
  readonly content: Content;
  /** Failed attempts while it was in hand. */
  failures: number;
}

/** A message that is being read. */
interface Opening<Content> {
  /** The newest delivery of it. */
  message: Delivery;
  read: { readonly content: Content } | undefined;
}

/** Options of an {@link Intake}. */
export interface IntakeOptions<Content> extends Omit<PullerOptions, "onMessage" | "onChange"> {
  /** Most messages that wait; between the two as many as are taken in {@link SPAN_MS}. */
  readonly prefetch: PrefetchBounds;
  /** Reads a new message; must not fail. */
  readonly open: (message: Delivery) => Content | Promise<Content>;
  /** Called after a message was added. */
  readonly onMessage: () => void;
  /** Called when a pull failed and will be made again. */
  readonly onError: (error: unknown) => void;
}

// Half of what waits is pulled anew at a time, so a pull has half of this to come back.
const SPAN_MS = 50;

/** Pulls as many messages as there is room for, for as long as it runs; failed pulls are made again after a growing wait. */
export class Intake<Content> {
  readonly #options: IntakeOptions<Content>;
  readonly #puller: Puller;
  readonly #waiting: Held<Content>[] = [];
  readonly #held = new PassingValues<number, Held<Content>>();
  /** Messages that are being read, by sequence, in the order they came. */
  readonly #opening = new Map<number, Opening<Content>>();
  #whenOpened: (() => void) | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failures = 0;
  #isStopped = false;
  #prefetch: number;
  #taken = 0;
  #spanStartMs = performance.now();

  constructor(options: IntakeOptions<Content>) {
    this.#options = options;
    this.#prefetch = options.prefetch.least;
    this.#puller = new Puller({ ...options, onMessage: (message) => this.#accept(message), onChange: (error) => this.#change(error) });
  }

  /** Everything in hand, waiting or taken and not settled. */
  *inHand(): Iterable<{ readonly message: Delivery }> {
    yield* this.#held.all();
    yield* this.#opening.values();
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.length;
  }

  /** Begins to pull. */
  start(): void {
    this.#pump();
  }

  /** Whether a message waits that `fits`; any will do without it. */
  has(fits?: (content: Content) => boolean): boolean {
    return fits === undefined ? this.#waiting.length > 0 : this.#waiting.some(({ content }) => fits(content));
  }

  /** Takes the first waiting message that `fits`; it stays in hand until {@link settle}. */
  take(fits?: (content: Content) => boolean): Held<Content> | undefined {
    const index = fits === undefined ? 0 : this.#waiting.findIndex(({ content }) => fits(content));
    if (index >= 0) this.#countTaken();
    const taken = index === 0 ? this.#waiting.shift() : index < 0 ? undefined : this.#waiting.splice(index, 1)[0];
    this.#pump();
    return taken;
  }

  /** Lets go of a message that was acknowledged, given back or given up. */
  settle(held: Held<Content>): void {
    this.#held.take(held.message.seq);
  }

  /** Stops pulling and gives back what waits. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    await this.#puller.stop();
    if (this.#opening.size > 0) await new Promise<void>((resolve) => (this.#whenOpened = resolve));
    for (const held of this.#waiting.splice(0)) {
      held.message.nak();
      this.settle(held);
    }
  }

  #pump(): void {
    if (this.#isStopped || this.#retry !== undefined) return;
    const prefetch = this.#prefetch;
    const room = prefetch - this.#waiting.length - this.#opening.size - this.#puller.outstanding;
    // Many small pulls cost more than a short wait.
    if (room < Math.ceil(prefetch / 2)) return;
    try {
      this.#puller.ask(room);
    } catch (error) {
      this.#change(error);
    }
  }

  #countTaken(): void {
    this.#taken += 1;
    const nowMs = performance.now();
    const spanMs = nowMs - this.#spanStartMs;
    const { least, most } = this.#options.prefetch;
    // As many as ever wait are known to be taken in less than a span.
    if (spanMs < SPAN_MS && this.#taken < most) return;
    this.#prefetch = Math.min(most, Math.max(least, Math.round((this.#taken * SPAN_MS) / spanMs)));
    this.#taken = 0;
    this.#spanStartMs = nowMs;
  }

  #change(error?: unknown): void {
    if (this.#isStopped) return;
    if (error === undefined) {
      this.#pump();
      return;
    }
    this.#options.onError(error);
    clearTimeout(this.#retry);
    this.#retry = setTimeout(
      () => {
        this.#retry = undefined;
        this.#pump();
      },
      publishDelay(this.#failures++),
    );
  }

  #accept(message: Delivery): void {
    this.#failures = 0;
    const known = this.#held.get(message.seq) ?? this.#opening.get(message.seq);
    if (known !== undefined) {
      // Delivered again while it is in hand, for instance after a lost connection: one copy is enough, the newest delivery counts.
      known.message = message;
      return;
    }
    const content = this.#options.open(message);
    if (content instanceof Promise) this.#acceptLater(message, content);
    else if (this.#opening.size > 0) this.#opening.set(message.seq, { message, read: { content } });
    else this.#add(message, content);
  }

  /** Several are read at a time, and added in the order they came. */
  #acceptLater(message: Delivery, content: Promise<Content>): void {
    const entry: Opening<Content> = { message, read: undefined };
    this.#opening.set(message.seq, entry);
    void content.then((read) => {
      entry.read = { content: read };
      this.#addOpened();
    });
  }

  /** All at once, so that what their handlers answer goes out in one write. */
  #addOpened(): void {
    for (const [sequence, { message, read }] of this.#opening) {
      if (read === undefined) return;
      this.#opening.delete(sequence);
      this.#add(message, read.content);
    }
    this.#whenOpened?.();
  }

  #add(message: Delivery, content: Content): void {
    const held = { message, content, failures: 0 };
    this.#held.add(message.seq, held);
    this.#waiting.push(held);
    if (this.#isStopped) return;
    this.#options.onMessage();
  }
}
