/** What a failed attempt to publish means. */
import { JetStreamApiError } from "@nats-io/jetstream";
import { errors } from "@nats-io/transport-node";
import { BusError } from "../core/errors.ts";
import { messageOf } from "./options.ts";

/** `retry` may succeed later; `unknown` may have succeeded already; the rest are final. */
export type FailureKind = "no-stream" | "retry" | "unknown" | "refused" | "closed";

/** Sorts what the client library throws. */
export function classifyFailure(error: unknown): FailureKind {
  const chain = causes(error);
  if (chain.some((link) => link instanceof errors.ClosedConnectionError || link instanceof errors.DrainingConnectionError)) return "closed";
  if (chain.some((link) => link instanceof errors.PermissionViolationError)) return "refused";
  if (chain.some((link) => link instanceof errors.NoRespondersError)) return "no-stream";
  const answer = chain.find((link) => link instanceof JetStreamApiError);
  if (answer !== undefined) return answer.apiError().code === 503 ? "retry" : "refused";
  if (chain.some((link) => link instanceof errors.InvalidArgumentError || link instanceof errors.InvalidSubjectError)) return "refused";
  return "unknown";
}

/** What a publisher tells when it gave up. */
export interface GivenUp {
  readonly subject: string;
  readonly id: string;
  readonly attempts: number;
  readonly elapsedMs: number;
  /** Kinds of all failed attempts. */
  readonly kinds: ReadonlySet<FailureKind>;
  /** The last failure. */
  readonly cause: unknown;
}

/** The error for a message that was not confirmed: `ERR_CLIENT_CLOSED`, `ERR_CLIENT_PUBLISH` when it is certainly not stored, else `ERR_CLIENT_DEADLINE`. */
export function publishError({ subject, id, attempts, elapsedMs, kinds, cause }: GivenUp): BusError {
  const tries = `${attempts} ${attempts === 1 ? "attempt" : "attempts"} in ${Math.round(elapsedMs)} ms`;
  if (kinds.has("closed")) {
    return new BusError("ERR_CLIENT_CLOSED", `the message ${id} to ${subject} was not confirmed before the client was closed`, {
      remedy: "await the publishes before closing",
      cause,
    });
  }
  if (kinds.has("unknown")) {
    return new BusError("ERR_CLIENT_DEADLINE", `the message ${id} to ${subject} was not confirmed: ${tries}`, {
      remedy: "publish it again with the same id: within the stream's duplicate window it is stored once",
      cause,
    });
  }
  const only = [...kinds].every((kind) => kind === "no-stream");
  const what = only ? "no stream stores this subject" : messageOf(cause);
  return new BusError("ERR_CLIENT_PUBLISH", `the message ${id} to ${subject} was refused: ${what} (${tries})`, {
    remedy: only
      ? "publish to a subject of a stream; `natsbus status` lists them"
      : "check the rights of the user and the limits of the stream",
    cause,
  });
}

function causes(error: unknown): Error[] {
  const chain: Error[] = [];
  for (let link = error; link instanceof Error && chain.length < 10; link = link.cause) chain.push(link);
  return chain;
}
