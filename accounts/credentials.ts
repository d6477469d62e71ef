import { BusError } from "../core/errors.ts";
import { publicKeyOf } from "../core/nats-keys.ts";
import { parseToken, type SignedClaims } from "./token.ts";

/** What a credentials file holds. */
export interface Credentials {
  /** The user's token. A secret in use, as it opens nothing without the seed, but still not for logs. */
  readonly token: string;
  /** The user's seed. A secret. */
  readonly seed: string;
  /** What the token says. */
  readonly claims: SignedClaims;
}

const BLOCK = /-{3,}BEGIN ([A-Z ]+)-{3,}\s+(\S+)\s+-{3,}END \1-{3,}/g;

/** The text of a `.creds` file, as every NATS client reads it. */
export function renderCredentials(token: string, seed: string): string {
  return `-----BEGIN NATS USER JWT-----
${token}
------END NATS USER JWT------

************************* IMPORTANT *************************
This file opens the bus to whoever has it. Keep it secret.

-----BEGIN USER NKEY SEED-----
${seed}
------END USER NKEY SEED------
`;
}

/**
 * Reads the text of a `.creds` file and checks that the seed belongs to the token.
 * @throws ERR_CREDENTIALS when a part is missing or the two do not belong together; nothing of the text is repeated
 */
export function parseCredentials(text: string): Credentials {
  const parts = new Map([...text.matchAll(BLOCK)].map(([, title, body]) => [title, body]));
  const token = parts.get("NATS USER JWT");
  const seed = parts.get("USER NKEY SEED");
  if (token === undefined || seed === undefined) throw refuse(`no ${token === undefined ? "token" : "seed"} in it`);
  const claims = parseToken(token);
  if (publicKeyOf(seed) !== claims.sub) throw refuse("the seed is not that of the token's user");
  return { token, seed, claims };
}

function refuse(reason: string): BusError {
  return new BusError("ERR_CREDENTIALS", `these credentials cannot be used: ${reason}`, { remedy: 'issue them again with "natsbus up"' });
}
