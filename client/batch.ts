/** Several messages published in one go. */
import { BusError } from "../core/errors.ts";
import { type AtomicOutcome, type AtomicTools, MOST_ATOMIC, sendAtomic } from "./atomic-batch.ts";
import { composeMessage } from "./compose.ts";
import type { HeaderRecord } from "./headers.ts";
import { assertOneOf } from "./options.ts";
import type { OutgoingMessage } from "./outgoing.ts";
import type { Publisher, PublishReceipt } from "./publisher.ts";
import type { Subject, SubjectChoice } from "./subject.ts";

/** How a batch is stored. */
export interface BatchArgs {
  /** `"atomic"`: all messages or none, refused where the stream cannot. `"window"`: one by one, many unconfirmed at a time. `"prefer-atomic"`: the first where the
   * stream allows it (`allowAtomic`, server 2.12) and the batch has at most 1,000 messages, else the second; {@link BatchReceipt.isAtomic} tells.
   * @default "prefer-atomic" */
  readonly mode?: "atomic" | "window" | "prefer-atomic";
}

/** Options of one message of a batch. */
export interface BatchItemArgs extends SubjectChoice {
  /** Identity for de-duplication.
   * @default - a random one, kept when the batch is sent again */
  readonly id?: string;
  /** Further headers; names that begin with `Nats-` or `Natsbus-` are refused.
   * @default {} */
  readonly headers?: HeaderRecord;
}

/** What became of a batch. */
export interface BatchReceipt {
  /** Whether all messages were stored together. */
  readonly isAtomic: boolean;
  /** One a message, in order. The sequence is 0 and the stream "" where only the ids told that the message is stored, because the first answer was lost. */
  readonly receipts: readonly PublishReceipt[];
}

/** A message of a batch before the middleware. */
interface BatchItem {
  readonly message: OutgoingMessage;
  readonly pattern: string;
  readonly headers: HeaderRecord | undefined;
}

/** What a batch works with. */
export interface BatchTools extends AtomicTools {
  readonly publisher: Publisher;
  /** Runs the middleware around a message; `send` gets it with all headers. */
  readonly surround: (item: BatchItem, send: (message: OutgoingMessage) => Promise<PublishReceipt>) => Promise<PublishReceipt>;
}

const WHY_NOT: Readonly<Record<Exclude<AtomicOutcome["kind"], "stored">, string>> = {
  unsupported: "the stream does not allow them",
  "old-server": "the server is older than 2.12",
  duplicate: "the stream holds one of the ids already",
};
// Of one priority, so that the window's queue never overflows.
const MOST_AT_A_TIME = 256;

/** Messages that are published together; made by {@link MessageBus.batch}. Sending one again after a failure stores nothing twice within the stream's duplicate window. */
export class Batch {
  readonly #tools: BatchTools;
  readonly #mode: NonNullable<BatchArgs["mode"]>;
  readonly #items: BatchItem[] = [];
  #mayBeStored = false;

  /** @throws ERR_CLIENT_OPTION for a mode that does not exist */
  constructor(tools: BatchTools, { mode = "prefer-atomic" }: BatchArgs) {
    assertOneOf("mode", mode, ["atomic", "window", "prefer-atomic"]);
    this.#tools = tools;
    this.#mode = mode;
  }

  /** Messages added so far. */
  get size(): number {
    return this.#items.length;
  }

  /**
   * Adds a message; it is validated now and sent later.
   * @throws ERR_CLIENT_SCHEMA, ERR_CLIENT_SUBJECT, ERR_CLIENT_SIZE, ERR_CLIENT_OPTION
   */
  add<In, Out>(subject: Subject<In, Out>, value: NoInfer<In>, args: BatchItemArgs = {}): this {
    this.#items.push({ message: composeMessage(subject, value, args), pattern: subject.pattern, headers: args.headers });
    return this;
  }

  /**
   * Publishes everything that was added and resolves when all of it is stored.
   * @throws ERR_CLIENT_BATCH when an atomic batch is not possible or some messages were not confirmed, and what {@link MessageBus.publish} throws
   */
  async send(): Promise<BatchReceipt> {
    if (this.#items.length === 0) return { isAtomic: true, receipts: [] };
    let isAtomic = false;
    const receipts = await this.#surrounded(async (messages) => {
      const atomic = await this.#storeAtomic(messages);
      isAtomic = atomic !== undefined;
      return atomic ?? this.#storeOneByOne(messages);
    });
    return { isAtomic, receipts };
  }

  /** Enters the middleware of every message, stores all at once, and leaves it with the receipts. */
  async #surrounded(store: (messages: readonly OutgoingMessage[]) => Promise<readonly PublishReceipt[]>): Promise<PublishReceipt[]> {
    const ready = new Map<number, OutgoingMessage>();
    const stored = Promise.withResolvers<readonly PublishReceipt[]>();
    const enter = async (index: number, message: OutgoingMessage): Promise<PublishReceipt> => {
      ready.set(index, message);
      if (ready.size === this.#items.length)
        store(this.#items.map((_, at) => ready.get(at) ?? message)).then(stored.resolve, stored.reject);
      const receipt = (await stored.promise)[index];
      if (receipt === undefined) throw new BusError("ERR_INTERNAL", "a batch lost a receipt");
      return receipt;
    };
    const runs = this.#items.map(async (item, index) => {
      try {
        return await this.#tools.surround(item, (message) => enter(index, message));
      } catch (error) {
        // The others wait for this one.
        stored.reject(error);
        throw error;
      }
    });
    const results = await Promise.allSettled([stored.promise, ...runs]);
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) throw failed.reason;
    return Promise.all(runs);
  }

  async #storeAtomic(messages: readonly OutgoingMessage[]): Promise<readonly PublishReceipt[] | undefined> {
    if (this.#mode === "window") return undefined;
    if (messages.length > MOST_ATOMIC) return this.#refuse(`${messages.length} messages are more than ${MOST_ATOMIC}`);
    const earlier = this.#mayBeStored;
    this.#mayBeStored = true;
    const outcome = await sendAtomic(messages, this.#tools, earlier);
    if (outcome.kind === "stored") return outcome.receipts;
    this.#mayBeStored = false;
    return this.#refuse(WHY_NOT[outcome.kind]);
  }

  #refuse(why: string): undefined {
    if (this.#mode === "prefer-atomic") return undefined;
    throw new BusError("ERR_CLIENT_BATCH", `the batch was not stored: atomic batches are not possible, ${why}`, {
      path: "mode",
      remedy: "set allowAtomic on the stream and use new ids, or send the batch with mode `window`",
    });
  }

  async #storeOneByOne(messages: readonly OutgoingMessage[]): Promise<readonly PublishReceipt[]> {
    const results: PromiseSettledResult<PublishReceipt>[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let at = next++; at < messages.length; at = next++) {
        const message = messages[at];
        if (message !== undefined) results[at] = await settle(this.#tools.publisher.publish(message));
      }
    };
    await Promise.all(Array.from({ length: MOST_AT_A_TIME }, lane));
    const failed = results.flatMap((result) => (result.status === "rejected" ? [result.reason] : []));
    if (failed.length === 0) return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
    throw new BusError("ERR_CLIENT_BATCH", `${failed.length} of ${messages.length} messages were not confirmed: ${String(failed[0])}`, {
      remedy: "the others are stored; send the same batch again: its ids keep them from being stored twice",
      cause: failed[0],
    });
  }
}

async function settle<Value>(work: Promise<Value>): Promise<PromiseSettledResult<Value>> {
  return work.then(
    (value) => ({ status: "fulfilled", value }),
    (reason: unknown) => ({ status: "rejected", reason }),
  );
}
