/** Opens the durable consumers a worker reads. */
import { setTimeout as delay } from "node:timers/promises";
import { AckPolicy, type Consumer, JetStreamApiError, type JetStreamClient } from "@nats-io/jetstream";
import { BusError } from "../core/errors.ts";
import { publishDelay } from "./back-off.ts";
import { classifyFailure } from "./publish-failure.ts";

/** A consumer with the settings a worker goes by. */
export interface OpenConsumer {
  readonly name: string;
  /** Subject that pulls go to. */
  readonly pullSubject: string;
  /** How long the server waits for an answer to the first delivery. */
  readonly ackWaitMs: number;
  /** Waits the consumer prescribes between deliveries; empty when it has none. */
  readonly backOffMs: readonly number[];
  /** Deliveries the server makes of one message.
   * @default - unlimited */
  readonly maxDeliver: number | undefined;
}

const DEFAULT_ACK_WAIT_NS = 30_000_000_000;

// Electing a leader takes seconds on a busy cluster.
const PATIENCE_MS = 30_000;

/**
 * Finds a durable consumer; waits up to 30 s for one whose servers do not answer, as while they elect a leader.
 * @throws ERR_CLIENT_CONSUMER when it does not exist, may not be read, or does not ask for an acknowledgement of each message
 */
export async function openConsumer(jetstream: JetStreamClient, stream: string, name: string): Promise<OpenConsumer> {
  const consumer = await findConsumer(jetstream, stream, name);
  const { config } = await consumer.info(true);
  if (config.ack_policy !== AckPolicy.Explicit) {
    throw new BusError(
      "ERR_CLIENT_CONSUMER",
      `consumer ${name} of stream ${stream} has the ack policy ${config.ack_policy}; explicit is needed`,
      {
        remedy: "read it through a consumer with ackPolicy explicit",
      },
    );
  }
  const backOffMs = (config.backoff ?? []).map((ns) => ns / 1e6);
  const ackWaitMs = backOffMs[0] ?? (config.ack_wait ?? DEFAULT_ACK_WAIT_NS) / 1e6;
  const most = config.max_deliver ?? -1;
  const pullSubject = `${jetstream.apiPrefix}.CONSUMER.MSG.NEXT.${stream}.${name}`;
  return { name, pullSubject, ackWaitMs, backOffMs, maxDeliver: most > 0 ? most : undefined };
}

async function findConsumer(jetstream: JetStreamClient, stream: string, name: string): Promise<Consumer> {
  const untilMs = performance.now() + PATIENCE_MS;
  for (let attempts = 0; ; attempts += 1) {
    try {
      return await jetstream.consumers.get(stream, name);
    } catch (cause) {
      const kind = classifyFailure(cause);
      if ((kind !== "unknown" && kind !== "retry") || performance.now() > untilMs) throw consumerError(stream, name, cause);
      await delay(publishDelay(attempts));
    }
  }
}

function consumerError(stream: string, name: string, cause: unknown): BusError {
  const isAnswer = cause instanceof JetStreamApiError;
  const why = isAnswer ? cause.message : `no answer (${cause instanceof Error ? cause.message : String(cause)})`;
  return new BusError("ERR_CLIENT_CONSUMER", `consumer ${name} of stream ${stream} cannot be read: ${why}`, {
    remedy: "declare it in the catalogue, and connect as a user whose role consumes it",
    cause,
  });
}
