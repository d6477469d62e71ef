/** Signs the server's connection challenge with Node's own Ed25519, which costs a hundredth of the client library's implementation. */
import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { BusError } from "../core/errors.ts";

/** The two parts of a `.creds` file, ready to log in with. */
export interface Login {
  /** The user JWT, sent to the server as it is. */
  readonly jwt: string;
  /** Signature of a server challenge with the user's key, base64url without padding. */
  readonly sign: (nonce: string) => string;
}

const PKCS8_ED25519_HEADER = Buffer.from("302e020100300506032b657004220420", "hex");
const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SEED_BYTES = { prefix: 2, key: 32, checksum: 2 };
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
  const key = privateKeyOfSeed(seed);
  return { jwt, sign: (nonce) => sign(null, Buffer.from(nonce), key).toString("base64url") };
}

function privateKeyOfSeed(seed: string): KeyObject {
  const bytes = decodeBase32(seed);
  const { prefix, key, checksum } = SEED_BYTES;
  if (bytes?.length !== prefix + key + checksum || !seed.startsWith("S")) {
    throw new BusError("ERR_CONNECT_CREDENTIALS", "the credentials hold a seed that is not an nkey seed", {
      path: "connection.creds",
      remedy: "issue the credentials again",
    });
  }
  const der = Buffer.concat([PKCS8_ED25519_HEADER, bytes.subarray(prefix, prefix + key)]);
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

function decodeBase32(text: string): Buffer | undefined {
  let bits = 0;
  let value = 0;
  const bytes: number[] = [];
  for (const letter of text) {
    const digit = BASE32.indexOf(letter);
    if (digit < 0) return undefined;
    value = ((value << 5) | digit) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >> bits) & 0xff);
  }
  return Buffer.from(bytes);
}
