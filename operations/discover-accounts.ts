/** Finds out which accounts a running cluster has, for a catalogue that takes them over. */
import { natsAccountPort } from "../accounts/nats-port.ts";
import { parseToken, type SignedClaims } from "../accounts/token.ts";
import { openConnection } from "../connection/pool.ts";
import type { ConnectionSpec } from "../core/connection.ts";
import { BusError, isBusError } from "../core/errors.ts";
import { sideBySide } from "../streams/side-by-side.ts";
import { type DescribedAccounts, describeAccounts } from "./describe-accounts.ts";

const LIST_MS = 2_000;
const ONE_SERVER = 1;

/**
 * Describes the accounts that the servers have tokens of. Writes nothing.
 * @param system connection of a user of the system account
 * @throws ERR_EXISTING_SYSTEM when no server hands its accounts out; what connecting throws
 */
export async function discoverAccounts(system: ConnectionSpec): Promise<DescribedAccounts> {
  const nats = await openConnection(system);
  const answer = (subject: string) => nats.request(subject, "", { timeout: LIST_MS });
  try {
    const listed = (await answer("$SYS.REQ.CLAIMS.LIST")).json<{ readonly data?: readonly string[] }>().data ?? [];
    const own = (await answer("$SYS.REQ.USER.INFO")).json<{ readonly data?: { readonly account?: string } }>().data?.account ?? "";
    const port = natsAccountPort(system);
    const tokens: SignedClaims[] = [];
    await sideBySide(listed, async (key) => {
      const stored = (await port.observe(key, ONE_SERVER)).tokens.flatMap((token) => (token === undefined ? [] : [parseToken(token)]));
      tokens.push(...stored.toSorted((a, b) => b.iat - a.iat).slice(0, 1));
    });
    return describeAccounts(tokens, own);
  } catch (cause) {
    if (isBusError(cause)) throw cause;
    throw new BusError("ERR_EXISTING_SYSTEM", "no server hands its accounts out", {
      cause,
      remedy: "give credentials of a user of the system account; accounts that stand in a configuration file cannot be read",
    });
  }
}
