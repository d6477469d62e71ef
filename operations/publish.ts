import { jetstream } from "@nats-io/jetstream";
import { headers as createHeaders } from "@nats-io/transport-node";
import type { ConnectionSpec } from "../core/connection.ts";
import { DEFAULT_TIMEOUT_MS } from "../core/connection.ts";
import { BusError } from "../core/errors.ts";
import { subjectProblem } from "../core/names.ts";
import { connectAsUser } from "./user-connection.ts";

/** One message to publish. */
export interface PublishRequest {
  readonly connection: ConnectionSpec;
  readonly subject: string;
  readonly payload: string | Uint8Array;
  /** Name to value.
   * @default {} */
  readonly headers?: Readonly<Record<string, string>>;
}

/** Where a published message was stored. */
export interface PublishReceipt {
  readonly subject: string;
  readonly stream: string;
  readonly sequence: number;
  /** Whether the stream had a message with this id already. */
  readonly duplicate: boolean;
}

/**
 * Publishes one message and waits until a stream has stored it.
 * @throws BusError ERR_SUBJECT for a malformed subject, ERR_PUBLISH when no stream stores it or it is refused, and what connecting throws
 */
export async function publishMessage(request: PublishRequest): Promise<PublishReceipt> {
  const { connection: spec, subject, payload } = request;
  // A server stores `a.*` under just that subject, where no filter for it finds it again.
  const problem = subjectProblem(subject, { wildcards: false });
  if (problem !== undefined)
    throw new BusError("ERR_SUBJECT", problem, { remedy: "publish to one subject: tokens separated by single dots, without * and >" });
  const connection = await connectAsUser(spec);
  try {
    const lines = createHeaders();
    for (const [name, value] of Object.entries(request.headers ?? {})) lines.append(name, value);
    const stored = await jetstream(connection).publish(subject, payload, { headers: lines, timeout: spec.timeoutMs ?? DEFAULT_TIMEOUT_MS });
    return { subject, stream: stored.stream, sequence: stored.seq, duplicate: stored.duplicate };
  } catch (error) {
    throw publishFailure(subject, error);
  } finally {
    await connection.close().catch(() => undefined);
  }
}

function publishFailure(subject: string, cause: unknown): BusError {
  const message = cause instanceof Error ? cause.message : String(cause);
  // Nobody answers for a subject that no stream stores; the client takes that for a server without JetStream.
  if (/no responders|503|jetstream is not enabled/i.test(message)) {
    return new BusError("ERR_PUBLISH", `no stream stores the subject ${subject}; only those who listen just now got the message`, {
      cause,
      remedy: "publish to a subject of a stream (`natsbus status` lists them)",
    });
  }
  if (/permissions violation|permission/i.test(message)) {
    return new BusError("ERR_PUBLISH", `the user may not publish to ${subject}`, {
      cause,
      remedy: "use credentials of a role that may (`natsbus creds` lists roles)",
    });
  }
  return new BusError("ERR_PUBLISH", `the message to ${subject} was not stored: ${message}`, { cause });
}
