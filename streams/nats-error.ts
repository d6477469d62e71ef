/** The server's error codes in natsbus's words; nothing else in the project knows them. */
import { BusError, type ErrorCode, isBusError } from "../core/errors.ts";

/** The `error` part of a JetStream answer. */
export interface ApiError {
  /** Like an HTTP status. */
  readonly code: number;
  /** The server's own number. */
  readonly err_code?: number;
  /** The server's words. */
  readonly description?: string;
}

/** Error number of "stream not found". */
export const STREAM_NOT_FOUND = 10059;
/** Error number of "consumer not found". */
export const CONSUMER_NOT_FOUND = 10014;

interface Meaning {
  readonly code: ErrorCode;
  readonly remedy: string;
}

const LIMITS: Meaning = {
  code: "ERR_STORAGE",
  remedy: "lower maxBytes or replicas, or raise the limits of the account or the servers' JetStream storage",
};
const PEERS: Meaning = { code: "ERR_REPLICAS", remedy: "lower replicas, loosen placement, or bring up the missing servers" };
const PEER_OFFLINE: Meaning = {
  code: "ERR_PEER_OFFLINE",
  remedy: "bring every server up and run again, or lower replicas; a server that only just came back counts after some seconds",
};
const RACE: Meaning = { code: "ERR_STREAM_CONFLICT", remedy: "run again; the present state is read anew" };
const OFFLINE: Meaning = { code: "ERR_STREAM_OFFLINE", remedy: "bring its servers back; nothing is changed while its state is unknown" };
const LEADERLESS: Meaning = { code: "ERR_JETSTREAM_LEADER", remedy: "bring a majority of the servers up and run again" };
const OFF: Meaning = { code: "ERR_JETSTREAM_OFF", remedy: "give the account JetStream limits, and enable JetStream on the servers" };

const MEANINGS: Readonly<Record<number, Meaning>> = {
  10005: PEERS,
  10006: LIMITS,
  10008: LEADERLESS,
  10023: LIMITS,
  10027: LIMITS,
  10028: LIMITS,
  // Of an account that was just pushed, until the meta leader knows it too.
  10035: OFF,
  10039: OFF,
  10047: LIMITS,
  // A stream made anew right after its deletion can meet the files of the old one.
  10049: RACE,
  10058: RACE,
  [STREAM_NOT_FOUND]: { code: "ERR_STREAM_MISSING", remedy: "create the stream first" },
  10065: { code: "ERR_SUBJECT_OVERLAP", remedy: "give each stream of the account its own subjects; a retained stream may still hold them" },
  // Somebody wrote the same key meanwhile.
  10071: RACE,
  10074: PEERS,
  10076: OFF,
  10118: OFFLINE,
  10119: OFFLINE,
  10120: LIMITS,
  10124: RACE,
  10130: {
    code: "ERR_STREAM_CONFLICT",
    remedy: "let another restore of it end; a name that a broken one left behind is freed with `nats stream rm`",
  },
  10148: RACE,
  10149: RACE,
  10185: { code: "ERR_SERVER_VERSION", remedy: "upgrade the servers, or leave the newer fields out" },
};

// One number for all reasons why servers cannot be chosen; only this one ends by itself.
function meaningOf({ err_code: number = 0, description = "" }: ApiError): Meaning | undefined {
  const meaning = MEANINGS[number];
  return meaning === PEERS && description.includes("peer offline") ? PEER_OFFLINE : meaning;
}

/** What a refused request means. `what` names the object, for instance `stream ORDERS`. */
export function refusalOf(what: string, error: ApiError): BusError {
  const meaning = meaningOf(error) ?? { code: "ERR_STREAM_REFUSED", remedy: "change the setting the server names" };
  const number = error.err_code === undefined ? `${error.code}` : `${error.code}/${error.err_code}`;
  return new BusError(meaning.code, `${what}: ${error.description ?? "refused"} [server ${number}]`, { remedy: meaning.remedy });
}

/** What a request means that got no answer. `what` names the object, `subject` the part of the API that was asked. */
export function requestFailure(request: { readonly what: string; readonly subject: string }, error: unknown): Error {
  if (isBusError(error) || !(error instanceof Error)) return error as Error;
  const [cause, name] = [error, error.name];
  if (isNoResponders(name) || (error.cause instanceof Error && isNoResponders(error.cause.name))) {
    const remedy = "enable JetStream on the servers, and give the account JetStream limits";
    return new BusError("ERR_JETSTREAM_OFF", `${request.what}: nothing answers the JetStream API`, { remedy, cause });
  }
  if (name === "PermissionViolationError" || (error.cause instanceof Error && error.cause.name === "PermissionViolationError")) {
    const remedy = "connect with a user that may publish to the JetStream API and subscribe to its inbox";
    return new BusError("ERR_CONNECT_CREDENTIALS", `${request.what}: the user may not use ${request.subject}`, { remedy, cause });
  }
  const remedy = "check that a majority of the servers runs; the request may have been done and is read back by the next run";
  return new BusError("ERR_JETSTREAM_TIMEOUT", `${request.what}: ${name === "TimeoutError" ? "no answer in time" : error.message}`, {
    remedy,
    cause,
  });
}

// The library's class and the name of its errors differ.
function isNoResponders(name: string): boolean {
  return name === "NoResponders" || name === "NoRespondersError";
}
