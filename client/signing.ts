/** Signatures over subject, headers and payload, with nkeys (Ed25519). */
import { createHash } from "node:crypto";
import { BusError } from "../core/errors.ts";
import { publicKeyOf, signerOf } from "../core/nats-keys.ts";
import { HEADER, type HeaderRecord } from "./headers.ts";

/** Header names with all their values, as they travel. */
type HeaderEntries = Iterable<readonly [string, readonly string[]]>;

/** The parts of a message that a signature covers. */
export interface SignedParts {
  readonly subject: string;
  /** All headers; the signature itself and what servers add are left out. */
  readonly headers: HeaderEntries;
  readonly payload: Uint8Array;
}

const USER_SEED = /\bSU[A-Z2-7]{56}\b/;
// The first byte is in no UTF-8 text: a server that asks its client to sign a challenge cannot get a message signed.
const CONTEXT = Buffer.from([0xff, ...Buffer.from("natsbus message 1")]);

/** Signs messages with one key. */
export class MessageSigner {
  /** Public key, `U…`. */
  readonly publicKey: string;
  readonly #sign: (data: Uint8Array) => Buffer;

  /**
   * @param secret a user seed (`SU…`), or the text of a `.creds` file that holds one
   * @throws ERR_CLIENT_KEY when it is neither; the text is never quoted
   */
  constructor(secret: string) {
    const seed = USER_SEED.exec(secret)?.[0] ?? "";
    try {
      this.publicKey = publicKeyOf(seed);
      this.#sign = signerOf(seed);
    } catch {
      throw new BusError("ERR_CLIENT_KEY", "the key to sign messages with is not the seed of a user", {
        path: "signing",
        remedy: "give the seed of a user key (SU…) or the text of a .creds file",
      });
    }
  }

  /** The headers that sign a message, to be added to the ones it has. */
  sign(parts: Omit<SignedParts, "headers"> & { readonly headers: HeaderRecord }, nowMs: number): HeaderRecord {
    const added = { [HEADER.key]: this.publicKey, [HEADER.signedAt]: String(nowMs) };
    const entries = Object.entries({ ...parts.headers, ...added }).map(([name, value]) => [name, [value]] as const);
    const signature = this.#sign(digest({ ...parts, headers: entries }));
    return { ...added, [HEADER.signature]: signature.toString("base64url") };
  }
}

/** Whether a signature header's text was made over these parts, as `verify` of one key tells. */
export function isSignedWith(verify: (data: Uint8Array, signature: Uint8Array) => boolean, parts: SignedParts, signature: string): boolean {
  const bytes = Buffer.from(signature, "base64url");
  return bytes.length === 64 && verify(digest(parts), bytes);
}

/** Every part with its length before it, so that no two messages read the same. */
function digest({ subject, headers, payload }: SignedParts): Buffer {
  const lines = [...headers].filter(([name]) => isCovered(name)).flatMap(([name, values]) => values.map((value) => [name, value] as const));
  lines.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  const head = [subject, ...lines.flat()].map((text) => `${Buffer.byteLength(text)}:${text}`).join("");
  const hash = createHash("sha512").update(`${lines.length};${head}${payload.length}:`).update(payload);
  return Buffer.concat([CONTEXT, hash.digest()]);
}

/** Servers add headers of their own (`Nats-…`) on the way; only the message id among them is the publisher's. */
function isCovered(name: string): boolean {
  return name !== HEADER.signature && (name === HEADER.id || !name.startsWith("Nats-"));
}
