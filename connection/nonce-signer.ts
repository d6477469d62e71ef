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
  return { jwt, sign: parseUserSeed(seed, "connection.creds").sign };
}

/**
 * Name of the user that the text of a `.creds` file belongs to; `undefined` when its token does not say.
 * @throws ERR_CONNECT_CREDENTIALS as {@link parseCredentials}
 */
export function userOfCredentials(creds: string): string | undefined {
  const [, claims = ""] = parseCredentials(creds).jwt.split(".");
  try {
    const { name } = JSON.parse(Buffer.from(claims, "base64url").toString("utf8")) as { readonly name?: unknown };
    return typeof name === "string" && name !== "" ? name : undefined;
  } catch {
    return undefined;
  }
}

/** The key of one user, ready to log in with. */
export interface UserKey {
  /** Public key, `U…`. */
  readonly publicKey: string;
  /** Signature of a server challenge, base64url without padding. */
  readonly sign: (nonce: string) => string;
}

/**
 * Reads the seed of a user.
 * @param path setting the seed comes from, for the error
 * @throws ERR_CONNECT_CREDENTIALS when it is not a user's seed; the text itself is never quoted
 */
export function parseUserSeed(seed: string, path: string): UserKey {
  const publicKey = publicKeyIn(seed);
  if (publicKey?.startsWith("U") !== true) {
    throw new BusError("ERR_CONNECT_CREDENTIALS", "the credentials hold a seed that is not a user's nkey seed", {
      path,
      remedy: "issue the credentials again",
    });
  }
  return { publicKey, sign: (nonce) => signWithSeed(seed, Buffer.from(nonce)).toString("base64url") };
}

function publicKeyIn(seed: string): string | undefined {
  try {
    return publicKeyOf(seed);
  } catch {
    return undefined;
  }
}
