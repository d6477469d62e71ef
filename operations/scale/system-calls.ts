/** The calls that move streams between servers and take servers out of the meta group. Only users of the system account are heard. I/O. */
import { openConnection } from "../../connection/pool.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import type { Holding } from "./plan.ts";

const ANSWER_MS = 10_000;
/** The server's codes for a peer that is none (any more), and for a stream that has not finished its last move. */
const [NO_MEMBER, STILL_MOVING] = [10_044, 10_124];

interface Answer {
  readonly error?: { readonly err_code?: number; readonly description?: string };
}

/** What servers said to a request that changes where something lies. An absent answer is taken for yes: whoever asks looks at what becomes of it. */
export type Verdict = { readonly accepted: true } | { readonly accepted: false; readonly busy: boolean; readonly reason: string };

/**
 * Has a stream leave a server; it keeps every replica it has until another server holds it. Understood by every supported version, for accounts of any kind.
 * @returns `busy` when the stream's last move has not ended yet
 */
export async function moveStream(connection: ConnectionSpec, { account, stream }: Holding, server: string): Promise<Verdict> {
  const error = (await ask(connection, `ACCOUNT.STREAM.MOVE.${account}.${stream}`, { server }))?.error;
  if (error === undefined) return { accepted: true };
  return { accepted: false, busy: error.err_code === STILL_MOVING, reason: error.description ?? `error ${error.err_code}` };
}

/** Takes a server out of the meta group; one that is out already is fine. @returns why not, in the servers' words */
export async function removePeer(connection: ConnectionSpec, server: string): Promise<string | undefined> {
  const error = (await ask(connection, "SERVER.REMOVE", { peer: server }))?.error;
  return error?.err_code === NO_MEMBER ? undefined : error?.description;
}

/** @returns `undefined` when nobody answered in time */
async function ask(spec: ConnectionSpec, api: string, body: object): Promise<Answer | undefined> {
  const connection = await openConnection(spec);
  try {
    return (await connection.request(`$JS.API.${api}`, JSON.stringify(body), { timeout: ANSWER_MS })).json<Answer>();
  } catch (error) {
    if (connection.isClosed()) throw error;
    return undefined;
  }
}
