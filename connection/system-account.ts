/** Questions to the servers themselves, over a connection of a system account user: no monitor port and no shell is needed. */
import type { NatsConnection } from "@nats-io/transport-node";
import type { ConnectionSpec } from "../core/connection.ts";
import { openConnection } from "./pool.ts";

const ASK_TIMEOUT_MS = 10_000;
/** Time within which servers that can be reached have answered, on a machine that is not overloaded. */
const QUIET_MS = 300;

/** One server's answer. */
export interface SystemAnswer<T> {
  /** Server name. */
  readonly name: string;
  /** Server id, new with every start of the server. */
  readonly id: string;
  /** Answer; absent when the server refused. */
  readonly data?: T;
  /** Why the server refused, in its words; absent when it did not. */
  readonly refusal?: string;
}

/** A page every server can be asked for; the same as on its monitor port. */
type SystemPage = "HEALTHZ" | "JSZ" | "STATSZ" | "VARZ";

interface Envelope<T> {
  readonly server?: { readonly name?: string; readonly id?: string };
  readonly data?: T | null;
  readonly error?: { readonly description?: string };
}

/** What to ask, and how long to wait for it. */
export interface SystemQuestion {
  /** Page. */
  readonly page: SystemPage;
  /** Options of the page by NATS's names, for instance `{ accounts: true }`.
   * @default {} */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Names of the servers whose answers are waited for. Others, for instance of a gateway's cluster, are left out. */
  readonly servers: readonly string[];
  /** Longest wait in milliseconds; whoever has not answered by then is missing in the result. */
  readonly timeoutMs: number;
}

/**
 * Asks every server at once.
 * @returns Map keyed by server name; servers that did not answer in time are missing
 * @throws ERR_CONNECT_REFUSED, ERR_CONNECT_CREDENTIALS, ERR_CONNECT_TLS, ERR_CONNECT_TIMEOUT
 */
export async function askServers<T>(spec: ConnectionSpec, question: SystemQuestion): Promise<Map<string, SystemAnswer<T>>> {
  const connection = await openConnection(spec);
  const waiting = new Set(question.servers);
  const answers = new Map<string, SystemAnswer<T>>();
  const replies = gather<T>(connection, `$SYS.REQ.SERVER.PING.${question.page}`, question, inboxOf(spec));
  for await (const answer of replies) {
    if (!question.servers.includes(answer.name)) continue;
    answers.set(answer.name, answer);
    waiting.delete(answer.name);
    if (waiting.size === 0) break;
  }
  return answers;
}

/** What to ask servers whose names are not known yet. */
export interface Discovery extends Pick<SystemQuestion, "page" | "options" | "timeoutMs"> {
  /** Number of servers that are expected; with fewer the whole time is waited. */
  readonly atLeast: number;
}

/**
 * Asks every server there is, those of other clusters included.
 * @returns Map keyed by server name; empty when nobody answers, as when the user is not one of the system account
 * @throws ERR_CONNECT_REFUSED, ERR_CONNECT_CREDENTIALS, ERR_CONNECT_TLS, ERR_CONNECT_TIMEOUT
 */
export async function discoverServers<T>(spec: ConnectionSpec, { atLeast, ...question }: Discovery): Promise<Map<string, SystemAnswer<T>>> {
  const connection = await openConnection(spec);
  const answers = new Map<string, SystemAnswer<T>>();
  const end = Date.now() + question.timeoutMs;
  // In a cluster a moment old a question reaches some servers only, so it is asked again until as many answer as are expected.
  for (let waitMs = QUIET_MS; ; waitMs *= 2) {
    const timeoutMs = Math.max(1, Math.min(waitMs, end - Date.now()));
    const replies = gather<T>(connection, `$SYS.REQ.SERVER.PING.${question.page}`, { ...question, timeoutMs }, inboxOf(spec));
    for await (const answer of replies) answers.set(answer.name, answer);
    // The server that is connected to answers at once, or not at all.
    if (answers.size === 0 || answers.size >= atLeast || Date.now() >= end) break;
  }
  return answers;
}

/**
 * Has one server read its configuration again.
 * @param id server id, as {@link askServers} tells it
 * @returns why it refused, in its words; `undefined` when it took it over
 * @throws an error of the client library when the server does not answer
 */
export async function requestReload(spec: ConnectionSpec, id: string): Promise<string | undefined> {
  const connection = await openConnection(spec);
  const answer = await connection.request(`$SYS.REQ.SERVER.${id}.RELOAD`, "", { timeout: ASK_TIMEOUT_MS });
  return answer.json<Envelope<unknown>>().error?.description;
}

/**
 * Has another server lead the meta group.
 * @returns why not, in the servers' words; an absent answer is taken for yes: whoever asks looks at what becomes of it
 */
export async function moveMetaLeader(spec: ConnectionSpec, preferred: string): Promise<string | undefined> {
  const connection = await openConnection(spec);
  const request = JSON.stringify({ placement: { preferred } });
  try {
    const answer = await connection.request("$JS.API.META.LEADER.STEPDOWN", request, { timeout: ASK_TIMEOUT_MS });
    return answer.json<Envelope<unknown>>().error?.description;
  } catch (error) {
    if (connection.isClosed()) throw error;
    return undefined;
  }
}

/** Every answer until the caller stops listening, or the time is up. */
async function* gather<T>(
  connection: NatsConnection,
  subject: string,
  question: Pick<SystemQuestion, "options" | "timeoutMs">,
  inbox: string,
): AsyncGenerator<SystemAnswer<T>> {
  const subscription = connection.subscribe(inbox);
  const timer = setTimeout(() => subscription.unsubscribe(), question.timeoutMs);
  try {
    connection.publish(subject, JSON.stringify(question.options ?? {}), { reply: inbox });
    for await (const message of subscription) {
      // Nobody listens: a connection without the system account's rights.
      if (message.headers?.code === 503) return;
      yield toAnswer(message.json<Envelope<T>>());
    }
  } finally {
    clearTimeout(timer);
    if (!subscription.isClosed()) subscription.unsubscribe();
  }
}

function inboxOf({ inboxPrefix = "_INBOX" }: ConnectionSpec): string {
  return `${inboxPrefix}.${crypto.randomUUID()}`;
}

function toAnswer<T>({ server, data, error }: Envelope<T>): SystemAnswer<T> {
  return {
    name: server?.name ?? "",
    id: server?.id ?? "",
    ...(data === undefined || data === null ? {} : { data }),
    ...(error?.description === undefined ? {} : { refusal: error.description }),
  };
}
