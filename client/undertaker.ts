/** Stores dead letters. */
import { isBusError } from "../core/errors.ts";
import { deadLetterHeaders, deadLetterId, type LostMessage } from "./dead-letter.ts";
import type { ClientMetrics } from "./metrics.ts";
import type { Publisher } from "./publisher.ts";

/** Puts messages to where dead letters are kept. */
export class Undertaker {
  readonly #publisher: Publisher;
  readonly #metrics: ClientMetrics;

  constructor(publisher: Publisher, metrics: ClientMetrics) {
    this.#publisher = publisher;
    this.#metrics = metrics;
  }

  /** Whether the message is stored as a dead letter now; failures are counted, never thrown. */
  async bury(subject: string, lost: LostMessage): Promise<boolean> {
    try {
      await this.#store(subject, lost, false).catch((error) => {
        if (!isBusError(error) || error.code !== "ERR_CLIENT_SIZE") throw error;
        return this.#store(subject, lost, true);
      });
      this.#metrics.counts.deadLettered += 1;
      return true;
    } catch {
      this.#metrics.counts.deadLetterFailures += 1;
      return false;
    }
  }

  async #store(subject: string, lost: LostMessage, isPayloadOmitted: boolean): Promise<void> {
    const payload = isPayloadOmitted ? Buffer.alloc(0) : lost.payload;
    await this.#publisher.publish({ subject, payload, headers: deadLetterHeaders(lost, isPayloadOmitted), id: deadLetterId(lost) });
  }
}
