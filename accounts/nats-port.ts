import { setTimeout as delay } from "node:timers/promises";
import type { Msg, NatsConnection } from "@nats-io/transport-node";
import { openConnection } from "../connection/pool.ts";
import { type ConnectionSpec, DEFAULT_TIMEOUT_MS } from "../core/connection.ts";
import type { AccountPort, ServerAnswer, StoredAccount } from "./port.ts";

const FIRST_WAIT_MS = 250;

interface Envelope<T> {
  readonly server?: { readonly name?: string };
  readonly data?: T | null;
  readonly error?: { readonly description?: string };
}

interface AccountPage {
  readonly account_detail?: { readonly jwt?: string };
}

interface JetStreamDetail {
  readonly account_details?: readonly { readonly id?: string; readonly name?: string; readonly stream_detail?: readonly unknown[] }[];
}

/** The port over a real connection with a user of the system account. Connects at the first call. */
export function natsAccountPort(connection: ConnectionSpec): AccountPort {
  const timeoutMs = connection.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const gather = async (subject: string, body: string, servers: number, maxWait = timeoutMs): Promise<Msg[]> => {
    return collect(await openConnection(connection), { subject, body, servers, maxWait });
  };
  const ask = async <T>(subject: string, body: string, servers: number, maxWait = timeoutMs): Promise<Envelope<T>[]> => {
    return (await gather(subject, body, servers, maxWait)).map((answer) => answer.json<Envelope<T>>());
  };
  const look = async (publicKey: string, servers: number, maxWait: number): Promise<StoredAccount> => {
    const lookup = gather(`$SYS.REQ.ACCOUNT.${publicKey}.CLAIMS.LOOKUP`, "", servers, maxWait);
    const inUse = ask<AccountPage>("$SYS.REQ.SERVER.PING.ACCOUNTZ", JSON.stringify({ account: publicKey }), servers, maxWait);
    const [names, stored, pages] = await Promise.all([ask("$SYS.REQ.SERVER.PING", "", servers, maxWait), lookup, inUse]);
    const loaded = pages.flatMap((page) => (page.data?.account_detail?.jwt ? [[nameOf(page), page.data.account_detail.jwt] as const] : []));
    return {
      servers: names.map(nameOf),
      tokens: stored.map((answer) => answer.string() || undefined),
      loaded: Object.fromEntries(loaded),
    };
  };
  return {
    async observe(publicKey, servers) {
      // In a cluster a moment old the system account's routes may still be opening: a question then reaches some servers only, and is asked again.
      const end = Date.now() + timeoutMs;
      for (let maxWait = FIRST_WAIT_MS; ; maxWait *= 2) {
        const seen = await look(publicKey, servers, Math.min(maxWait, timeoutMs));
        const isComplete = seen.servers.length >= servers && seen.tokens.length >= servers;
        if (isComplete || Date.now() >= end) return seen;
        // Where nobody takes accounts at all, that is said at once.
        if (seen.tokens.length === 0) await delay(FIRST_WAIT_MS);
      }
    },
    async push(token, servers) {
      return (await ask("$SYS.REQ.CLAIMS.UPDATE", token, servers)).map(verdict);
    },
    async remove(request, servers) {
      return (await ask("$SYS.REQ.CLAIMS.DELETE", request, servers)).map(verdict);
    },
    async countStreams(publicKey, servers) {
      const body = JSON.stringify({ account: publicKey, streams: true });
      const answers = await ask<JetStreamDetail>("$SYS.REQ.SERVER.PING.JSZ", body, servers);
      const counts = answers.flatMap((answer) => answer.data?.account_details ?? []).map((account) => account.stream_detail?.length ?? 0);
      return answers.length < servers ? undefined : Math.max(0, ...counts);
    },
  };
}

async function collect(nats: NatsConnection, ask: { subject: string; body: string; servers: number; maxWait: number }): Promise<Msg[]> {
  const answers: Msg[] = [];
  const options = { strategy: "count", maxMessages: ask.servers, maxWait: ask.maxWait } as const;
  try {
    for await (const answer of await nats.requestMany(ask.subject, ask.body, options)) answers.push(answer);
  } catch (error) {
    if (!isNobody(error)) throw error;
  }
  return answers;
}

/** Servers without a resolver that takes accounts, or a user without the system account's rights. */
function isNobody(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name.startsWith("NoResponders") || (error.cause instanceof Error && error.cause.name.startsWith("NoResponders")))
  );
}

function verdict(answer: Envelope<unknown>): ServerAnswer {
  const refusal = answer.error?.description;
  return { server: nameOf(answer), ...(refusal === undefined ? {} : { refusal }) };
}

function nameOf(answer: Envelope<unknown>): string {
  return answer.server?.name ?? "unnamed server";
}
