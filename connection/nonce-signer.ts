/** Signs the server's connection challenge natively. */
import { BusError } from "../core/errors.ts";
import { publicKeyOf, signWithSeed } from "../core/nats-keys.ts";

/** The two parts of a `.creds` file, ready to log in with. */
export interface Login {
  /** The user JWT, sent to the server as it is. */
  readonly jwt: string;
  /** Signature of a server challenge with the user's key, base64url without padding. */
  readonly sign: (nonce: string) => string;
}

const BLOCK = /-{3,}[^\n]*-{3,}\s*\n\s*([A-Za-z0-9._=-]+)\s*\n\s*-{3,}[^\n]*-{3,}/g;

/**
 * Reads the text of a `.creds` file.
 * @throws ERR_CONNECT_CREDENTIALS when it does not hold a user JWT followed by a seed; the text itself is never quoted
 */
export function parseCredentials(creds: string): Login {
  const [jwt, seed] = [...creds.matchAll(BLOCK)].map((match) => match[1] ?? "");
  if (jwt === undefined || seed === undefined || jwt.split(".").length !== 3) {
    throw new BusError("ERR_CONNECT_CREDENTIALS", "the credentials hold no user JWT and seed", {
      path: "connection.creds",
      remedy: "pass the whole text of a .creds file, both blocks with their dashed lines",
    });
  }
  assertUserSeed(seed);
  return { jwt, sign: (nonce) => signWithSeed(seed, Buffer.from(nonce)).toString("base64url") };
}

function assertUserSeed(seed: string): void {
  try {
    if (publicKeyOf(seed).startsWith("U")) return;
  } catch {
    // Told below in the words of a connection.
  }
  throw new BusError("ERR_CONNECT_CREDENTIALS", "the credentials hold a seed that is not a user's nkey seed", {
    path: "connection.creds",
    remedy: "issue the credentials again",
  });
}
