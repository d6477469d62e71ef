/** Typed reading of what a stream holds. */
import type { JetStreamClient } from "@nats-io/jetstream";
import type { Rejection } from "./codec.ts";
import { storedHeadersOf } from "./header-block.ts";
import { HEADER, type HeaderRecord } from "./headers.ts";
import { openMessage, routesBySubject } from "./inbound.ts";
import type { ClientMetrics } from "./metrics.ts";
import { route } from "./route.ts";
import { type RangeArgs, readRange } from "./stored-range.ts";
import type { Subject } from "./subject.ts";
import type { MessageVerifier } from "./verifier.ts";

/** What to read again. */
export interface ReplayArgs extends RangeArgs {
  /** Only messages of this subject or pattern.
   * @default - the pattern of the subject definition */
  readonly subject?: string;
  /** Told of each message that cannot be read; it is left out and counted.
   * @default - nobody is told */
  readonly onRejected?: (rejection: Rejection & { readonly subject: string; readonly sequence: number }) => void;
}

/** A message read again. */
export interface ReplayedMessage<Out> {
  /** Payload, validated and of the present version. */
  readonly value: Out;
  /** Subject it was published to. */
  readonly subject: string;
  /** Its place in the stream, from 1. */
  readonly sequence: number;
  /** When the server stored it. */
  readonly storedAt: Date;
  /** All headers; the last value of one that occurs several times. */
  readonly headers: HeaderRecord;
  /** Id given by the publisher.
   * @default - none */
  readonly id: string | undefined;
}

/** What replaying needs of a client. */
export interface ReplayTools {
  readonly jetstream: JetStreamClient;
  readonly metrics: ClientMetrics;
  readonly verifier: MessageVerifier | undefined;
}

/** Yields the messages of a range that fit the subject's schema. */
export async function* replayRange<In, Out>(
  { jetstream, metrics, verifier }: ReplayTools,
  subject: Subject<In, Out>,
  args: ReplayArgs,
): AsyncGenerator<ReplayedMessage<Out>> {
  const routes = routesBySubject([route(subject, () => undefined)]);
  for await (const message of readRange(jetstream, args?.subject ?? subject.pattern, args)) {
    const headers = storedHeadersOf(message);
    const opened = await openMessage({ routes, skipsUnrouted: true, verifier }, { message, headers });
    if (opened.kind === "rejected") {
      metrics.reject(opened.reason);
      args.onRejected?.({ reason: opened.reason, detail: opened.detail, subject: message.subject, sequence: message.seq });
    }
    if (opened.kind !== "value") continue;
    const { subject: literal, seq: sequence, time: storedAt } = message;
    yield { value: opened.value as Out, subject: literal, sequence, storedAt, headers: headers.plain, id: headers.plain[HEADER.id] };
  }
}
