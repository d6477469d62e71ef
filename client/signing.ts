/** Signatures over subject, headers and payload, with nkeys (Ed25519). */
import { BusError } from "../core/errors.ts";
import { pooledSignerOf, publicKeyOf } from "../core/nats-keys.ts";
import { HEADER, type HeaderRecord } from "./headers.ts";
import { buildTree, LEAF_MARK, leafHash } from "./merkle.ts";

/** The parts of a message that a signature covers. */
export interface SignedParts {
  readonly subject: string;
  /** All headers, several values of one name joined by line ends; the signature itself and what servers add are left out. */
  readonly headers: HeaderRecord;
  readonly payload: Uint8Array;
}

interface Waiting {
  readonly leaf: string;
  readonly resolve: (signed: { readonly signature: string; readonly proof: string }) => void;
  readonly reject: (error: unknown) => void;
}

const USER_SEED = /\bSU[A-Z2-7]{56}\b/;
// The first byte is in no UTF-8 text: a server that asks its client to sign a challenge cannot get a message signed.
const CONTEXT = Buffer.from([0xff, ...Buffer.from("natsbus message 1")]);
// A proof of 64 has six steps, 264 characters.
const MOST_TOGETHER = 64;
const MOST_THREADS = 4;
let lastNames: readonly string[] = [];
let lastCovered: readonly string[] = [];

/** Signs messages with one key. What waits while a signature is made is signed together by the next one; each message can still be verified alone. */
export class MessageSigner {
  /** Public key, `U…`. */
  readonly publicKey: string;
  readonly #sign: (data: Uint8Array) => Promise<Buffer>;
  #waiting: Waiting[] = [];
  #running = 0;

  /**
   * @param secret a user seed (`SU…`), or the text of a `.creds` file that holds one
   * @throws ERR_CLIENT_KEY when it is neither; the text is never quoted
   */
  constructor(secret: string) {
    const seed = USER_SEED.exec(secret)?.[0] ?? "";
    try {
      this.publicKey = publicKeyOf(seed);
      this.#sign = pooledSignerOf(seed);
    } catch {
      throw new BusError("ERR_CLIENT_KEY", "the key to sign messages with is not the seed of a user", {
        path: "signing",
        remedy: "give the seed of a user key (SU…) or the text of a .creds file",
      });
    }
  }

  /** The headers that sign a message, to be added to the ones it has. */
  async sign(parts: SignedParts, nowMs: number): Promise<HeaderRecord> {
    const added = { [HEADER.key]: this.publicKey, [HEADER.signedAt]: String(nowMs) };
    const leaf = messageHash({ ...parts, headers: { ...parts.headers, ...added } });
    const { signature, proof } = await new Promise<Parameters<Waiting["resolve"]>[0]>((resolve, reject) => {
      this.#waiting.push({ leaf, resolve, reject });
      // Messages published in one go are signed together.
      if (this.#waiting.length === 1) queueMicrotask(() => this.#pump());
    });
    const signed = { ...added, [HEADER.signature]: signature };
    return proof === "" ? signed : { ...signed, [HEADER.proof]: proof };
  }

  #pump(): void {
    while (this.#waiting.length > 0 && (this.#running === 0 || (this.#waiting.length >= MOST_TOGETHER && this.#running < MOST_THREADS))) {
      void this.#signTogether(this.#waiting.splice(0, MOST_TOGETHER));
    }
  }

  async #signTogether(batch: readonly Waiting[]): Promise<void> {
    this.#running += 1;
    try {
      const { root, proofs } = buildTree(batch.map(({ leaf }) => leaf));
      const signature = (await this.#sign(signedBytes(root))).toString("base64url");
      for (const [index, { resolve }] of batch.entries()) resolve({ signature, proof: proofs[index] ?? "" });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    this.#running -= 1;
    this.#pump();
  }
}

/** What is signed for a root of hashes. */
export function signedBytes(root: string): Buffer {
  return Buffer.concat([CONTEXT, Buffer.from(root, "base64url")]);
}

/** Hash of a message: every part with its length before it, so that no two messages read the same. */
export function messageHash(parts: SignedParts): string {
  const { payload } = parts;
  // Nearly all headers are ASCII, and counting the bytes of each takes longer than hashing them.
  let head = headOf(parts, (text) => text.length);
  let headBytes = Buffer.byteLength(head);
  if (headBytes !== head.length) {
    head = headOf(parts, Buffer.byteLength);
    headBytes = Buffer.byteLength(head);
  }
  const bytes = Buffer.allocUnsafe(1 + headBytes + payload.length);
  bytes[0] = LEAF_MARK;
  bytes.write(head, 1);
  bytes.set(payload, 1 + headBytes);
  return leafHash(bytes);
}

/** Everything but the payload. */
function headOf({ subject, headers, payload }: SignedParts, lengthOf: (text: string) => number): string {
  const names = coveredNames(headers);
  let head = `${names.length};${lengthOf(subject)}:${subject}`;
  for (const name of names) {
    const value = headers[name] ?? "";
    head += `${lengthOf(name)}:${name}${lengthOf(value)}:${value}`;
  }
  return `${head}${payload.length}:`;
}

/** Sorted; remembered, because a publisher's messages all have the same names in the same order. */
function coveredNames(headers: HeaderRecord): readonly string[] {
  const names = Object.keys(headers);
  if (!hasSame(names, lastNames)) {
    lastNames = names;
    lastCovered = names.filter(isCovered).sort();
  }
  return lastCovered;
}

function hasSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((name, index) => name === others[index]);
}

/** Servers add headers of their own (`Nats-…`) on the way; only the message id among them is the publisher's. */
function isCovered(name: string): boolean {
  return name !== HEADER.signature && name !== HEADER.proof && (name === HEADER.id || !name.startsWith("Nats-"));
}
