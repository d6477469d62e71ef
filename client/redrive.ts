/** Looks at dead letters and sends them on their way again. */
import { JetStreamApiError, type JetStreamClient } from "@nats-io/jetstream";
import { BusError } from "../core/errors.ts";
import { type DeadLetter, parseDeadLetter } from "./dead-letter.ts";
import { storedHeadersOf } from "./header-block.ts";
import type { Publisher, PublishReceipt } from "./publisher.ts";
import { type RangeArgs, readRange } from "./stored-range.ts";

/** Which dead letters to read. */
export interface DeadLetterArgs extends RangeArgs {
  /** Subject or pattern of the dead letters, for instance `security.dead.>`.
   * @default "*.dead.>" */
  readonly subject?: string;
}

/** What became of a dead letter that was sent again. */
export interface RedriveReceipt extends PublishReceipt {
  /** Whether the dead letter was taken out of its stream; streams that deny deletes keep it. */
  readonly isRemoved: boolean;
}

/** Yields the dead letters of a range, oldest first. */
export async function* readDeadLetters(jetstream: JetStreamClient, args: DeadLetterArgs): AsyncGenerator<DeadLetter> {
  for await (const message of readRange(jetstream, args.subject ?? "*.dead.>", args)) {
    const { stream } = message.info;
    const place = { stream, sequence: message.seq, subject: message.subject, storedAt: message.time };
    const letter = parseDeadLetter({ ...place, headers: storedHeadersOf(message).plain, payload: message.data });
    if (letter !== undefined) yield letter;
  }
}

/** Publishes a dead letter to its original subject, signed anew if the client signs, then takes it away. One id a letter: twice in a row stores it once. */
export async function redriveLetter(jetstream: JetStreamClient, publisher: Publisher, letter: DeadLetter): Promise<RedriveReceipt> {
  if (letter.isPayloadOmitted) {
    throw new BusError("ERR_CLIENT_OPTION", `dead letter ${letter.sequence} of stream ${letter.stream} was kept without its payload`, {
      remedy: `publish the message at ${letter.origin} again from where it came`,
    });
  }
  const id = `redrive:${letter.stream}:${letter.sequence}`;
  const receipt = await publisher.publish({ subject: letter.originalSubject, payload: letter.payload, headers: letter.headers, id });
  return { ...receipt, isRemoved: await remove(jetstream, letter) };
}

async function remove(jetstream: JetStreamClient, { stream, sequence }: DeadLetter): Promise<boolean> {
  try {
    const manager = await jetstream.jetstreamManager(false);
    return await manager.streams.deleteMessage(stream, sequence);
  } catch (error) {
    if (error instanceof JetStreamApiError) return false;
    throw error;
  }
}
