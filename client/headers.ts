/** Names of the headers that the client writes and reads. */

/** What a message says about itself. */
export const HEADER = {
  /** Identity for de-duplication; the server's own name. */
  id: "Nats-Msg-Id",
  contentType: "Content-Type",
  /** Id of the schema the payload was written by. */
  schema: "Natsbus-Schema",
  /** Its version, a whole number. */
  schemaVersion: "Natsbus-Schema-Version",
  /** When the message was signed, in milliseconds since 1970. */
  signedAt: "Natsbus-Signed-At",
  /** Public key of the signer. */
  key: "Natsbus-Key",
  /** Ed25519 signature, base64url. */
  signature: "Natsbus-Signature",
  /** The way from the message to the hash that was signed; not there when the message was signed alone. */
  proof: "Natsbus-Proof",
  /** Id of the request that an answer belongs to. */
  replyTo: "Natsbus-Reply-To",
} as const;

/** What a dead letter says about the message it was. */
export const DEAD_HEADER = {
  /** Why: a {@link RejectReason}. */
  reason: "Natsbus-Dead-Reason",
  /** The same in words. */
  detail: "Natsbus-Dead-Detail",
  subject: "Natsbus-Dead-Subject",
  stream: "Natsbus-Dead-Stream",
  sequence: "Natsbus-Dead-Sequence",
  consumer: "Natsbus-Dead-Consumer",
  deliveries: "Natsbus-Dead-Deliveries",
  /** `omitted` when the payload and these headers together exceed what the server takes. */
  payload: "Natsbus-Dead-Payload",
} as const;

/** Names a header may have: visible ASCII without a colon. */
export const HEADER_NAME = /^[!-9;-~]+$/;

/** Plain form of message headers: name to value, one value a name. */
export type HeaderRecord = Readonly<Record<string, string>>;

/** Why a message cannot be processed; the value of the dead letter's reason header. */
export type RejectReason =
  | "malformed"
  | "schema"
  | "version"
  | "size"
  | "unsigned"
  | "signer"
  | "signature"
  | "stale"
  | "replayed"
  | "no-route"
  | "deliveries"
  | "handler"
  | "terminated";
