/** Asks a question and waits for the answer. */
import { errors, type Msg, type NatsConnection } from "@nats-io/transport-node";
import { BusError } from "../core/errors.ts";
import type { AckInbox } from "./ack-inbox.ts";
import { decodePayload, type Rejection } from "./codec.ts";
import type { Endpoint } from "./endpoint.ts";
import { headersOf } from "./header-block.ts";
import { HEADER, type HeaderRecord } from "./headers.ts";
import type { ClientMetrics } from "./metrics.ts";
import { messageOf } from "./options.ts";
import { assertFits, encodeOutgoing, type OutgoingMessage } from "./outgoing.ts";
import { classifyFailure } from "./publish-failure.ts";
import { SERVICE_ERROR_HEADER, ServiceError } from "./service-error.ts";
import type { MessageSigner } from "./signing.ts";
import type { MessageVerifier } from "./verifier.ts";

/** What a requester works with. */
export interface RequestTools {
  readonly connection: NatsConnection;
  readonly acks: AckInbox;
  readonly metrics: ClientMetrics;
  readonly signer: MessageSigner | undefined;
  readonly verifier: MessageVerifier | undefined;
}

/**
 * Sends a request once; it is never repeated, as a service may have acted on it.
 * @throws ERR_CLIENT_SIZE, ERR_CLIENT_REQUEST, ERR_CLIENT_TIMEOUT, ERR_CLIENT_SERVICE, ERR_CLIENT_REPLY, ERR_CLIENT_CLOSED
 */
export async function sendRequest<In, Out, ReplyIn, ReplyOut>(
  tools: RequestTools,
  endpoint: Endpoint<In, Out, ReplyIn, ReplyOut>,
  message: OutgoingMessage,
  timeoutMs: number,
): Promise<ReplyOut> {
  const { acks, connection, metrics, signer } = tools;
  const startedMs = performance.now();
  try {
    const { lines, size } = await encodeOutgoing(message, signer);
    assertFits(message, size, connection);
    const answer = await acks.ask(message.subject, message.payload, lines, timeoutMs).catch((cause) => {
      throw requestError(message.subject, timeoutMs, cause);
    });
    const value = await readAnswer(tools, endpoint, message, answer);
    metrics.counts.requestsAnswered += 1;
    metrics.requestLatency.record(performance.now() - startedMs);
    return value;
  } catch (error) {
    metrics.counts.requestsFailed += 1;
    throw error;
  }
}

async function readAnswer<In, Out, ReplyIn, ReplyOut>(
  { verifier }: RequestTools,
  { reply }: Endpoint<In, Out, ReplyIn, ReplyOut>,
  { subject, id }: OutgoingMessage,
  answer: Msg,
): Promise<ReplyOut> {
  const { plain: headers, joined } = headersOf(answer);
  const refusal = await verifier?.verify({
    ...{ subject, headers: joined, payload: answer.data },
    storedAtMs: Date.now(),
    origin: `answer to ${id}`,
  });
  if (refusal !== undefined) throw replyError(subject, refusal);
  // A signed answer to another question would be a good signature as well.
  if (verifier !== undefined && headers[HEADER.replyTo] && headers[HEADER.replyTo] !== id) {
    throw replyError(subject, { reason: "replayed", detail: "the answer belongs to another request" });
  }
  const failure = serviceError(headers);
  if (failure !== undefined) {
    throw new BusError("ERR_CLIENT_SERVICE", `the service at ${subject} answered ${failure.code}: ${failure.message}`, { cause: failure });
  }
  const decoded = decodePayload(reply, { headers, data: answer.data });
  if (decoded.kind === "value") return decoded.value;
  throw replyError(subject, decoded.kind === "rejected" ? decoded : { reason: "version", detail: "its version is not known" });
}

function serviceError(headers: HeaderRecord): ServiceError | undefined {
  const text = headers[SERVICE_ERROR_HEADER.text];
  const code = Number(headers[SERVICE_ERROR_HEADER.code] ?? Number.NaN);
  if (text === undefined && Number.isNaN(code)) return undefined;
  return new ServiceError(Number.isSafeInteger(code) ? code : 500, text ?? "error");
}

function replyError(subject: string, { reason, detail }: Rejection): BusError {
  return new BusError("ERR_CLIENT_REPLY", `the answer from ${subject} cannot be used: ${detail} [${reason}]`, {
    remedy: "compare the endpoint's definition and the allowed signers on both sides",
  });
}

function requestError(subject: string, timeoutMs: number, cause: unknown): BusError {
  const kind = classifyFailure(cause);
  if (kind === "closed") return new BusError("ERR_CLIENT_CLOSED", `the client was closed before ${subject} answered`, { cause });
  if (kind === "no-stream") {
    return new BusError("ERR_CLIENT_REQUEST", `nobody serves ${subject}`, { remedy: "start the service, or check the subject", cause });
  }
  if (kind === "refused") {
    return new BusError("ERR_CLIENT_REQUEST", `a request to ${subject} was refused: ${messageOf(cause)}`, {
      remedy: "give the user's role the right to publish to the subject",
      cause,
    });
  }
  const why = cause instanceof errors.TimeoutError ? `in ${timeoutMs} ms` : `: ${messageOf(cause)}`;
  return new BusError("ERR_CLIENT_TIMEOUT", `${subject} did not answer ${why}`.replace(" :", ":"), {
    remedy: "the request may have been handled; ask again only if that does no harm, or raise the timeout",
    cause,
  });
}
