/** A message as it goes out, and what its stream answers. */
import { JetStreamApiError } from "@nats-io/jetstream";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { BusError } from "../core/errors.ts";
import { HEADER, type HeaderRecord } from "./headers.ts";
import type { MessageSigner } from "./signing.ts";
import { encodeHeaders, type WireHeaders } from "./wire-headers.ts";

/** A message ready to be sent. */
export interface OutgoingMessage {
  readonly subject: string;
  readonly payload: Uint8Array;
  readonly headers: HeaderRecord;
  /** Identity for de-duplication. */
  readonly id: string;
  /** In milliseconds.
   * @default - as the client publishes */
  readonly deadlineMs?: number | undefined;
}

/** A stream's answer to a message. */
export interface Ack {
  readonly stream: string;
  readonly seq: number;
  /** Present when the stream held the message already. */
  readonly duplicate?: boolean;
}

/** Headers of a message, signed when the client signs. Made once, so that a message sent again is the same message. */
export async function encodeOutgoing(
  message: OutgoingMessage,
  signer: MessageSigner | undefined,
  extra?: HeaderRecord,
): Promise<WireHeaders> {
  const { subject, payload, headers, id } = message;
  const all: Record<string, string> = { ...headers, [HEADER.id]: id };
  if (signer !== undefined) Object.assign(all, await signer.sign({ subject, payload, headers: all }, Date.now()));
  return encodeHeaders(extra === undefined ? all : Object.assign(all, extra));
}

/**
 * Refuses a message that no server would take.
 * @throws ERR_CLIENT_SIZE
 */
export function assertFits({ subject, payload }: OutgoingMessage, headerBytes: number, connection: NatsConnection): void {
  const most = connection.info?.max_payload ?? Number.POSITIVE_INFINITY;
  const size = payload.length + headerBytes;
  if (size <= most) return;
  throw new BusError("ERR_CLIENT_SIZE", `a message to ${subject} has ${size} bytes with its headers; the server takes ${most}`, {
    remedy: "put the content into an object store and publish its name, or raise max_payload of the servers",
  });
}

/** Reads a stream's answer; throws the library's error when it is a refusal. */
export function parseAck(answer: Msg): Ack {
  const ack = answer.json<Ack & { readonly error?: ConstructorParameters<typeof JetStreamApiError>[0] }>();
  if (ack.error !== undefined) throw new JetStreamApiError(ack.error);
  if (typeof ack.stream !== "string" || typeof ack.seq !== "number") throw new Error("the answer is not one of a stream");
  return ack;
}
