import { setTimeout as delay } from "node:timers/promises";
import type { Msg, NatsConnection, RequestOptions } from "@nats-io/transport-node";

const HEARD_MS = 5_000;
const POLL_MS = 25;

/**
 * A request to something that was made a moment ago, on whichever server: until our server knows that somebody listens, nobody gets the request, so that it can
 * be made again without happening twice.
 */
export async function heardRequest(connection: NatsConnection, subject: string, data: string, options: RequestOptions): Promise<Msg> {
  const until = performance.now() + HEARD_MS;
  for (;;) {
    try {
      return await connection.request(subject, data, options);
    } catch (error) {
      const isUnheard = [error, (error as Error).cause].some((one) => one instanceof Error && one.name === "NoResponders");
      if (!isUnheard || performance.now() > until) throw error;
      await delay(POLL_MS);
    }
  }
}
