/** Checks signatures of one key; messages that were signed together cost one check. */
import { pooledVerifierOf } from "../core/nats-keys.ts";
import { HEADER } from "./headers.ts";
import { parseProof, rootOf } from "./merkle.ts";
import { messageHash, type SignedParts, signedBytes } from "./signing.ts";

// Messages signed together arrive close together.
const REMEMBERED = 256;
const SIGNATURE_BYTES = 64;
// Longer texts are no signatures, and are not worth remembering.
const LONGEST_SIGNATURE = 100;

/** The checks of one public key. */
export class SignatureCheck {
  readonly #verify: (data: Uint8Array, signature: Uint8Array) => Promise<boolean>;
  readonly #recent = new Map<string, Promise<boolean>>();

  /** @param publicKey a public user key; with another text every signature is wrong */
  constructor(publicKey: string) {
    this.#verify = pooledVerifierOf(publicKey);
  }

  /** Whether a signature header's text was made over these parts with the key. */
  async isGood(parts: SignedParts, signature: string): Promise<boolean> {
    const proof = parseProof(parts.headers[HEADER.proof] ?? "");
    if (proof === undefined || signature.length > LONGEST_SIGNATURE) return false;
    const root = rootOf(messageHash(parts), proof);
    if (proof.length === 0) return this.#check(root, signature);
    const name = `${root.toString("latin1")}${signature}`;
    return this.#recent.get(name) ?? this.#remember(name, this.#check(root, signature));
  }

  async #check(root: Buffer, signature: string): Promise<boolean> {
    const bytes = Buffer.from(signature, "base64url");
    return bytes.length === SIGNATURE_BYTES && this.#verify(signedBytes(root), bytes);
  }

  #remember(name: string, check: Promise<boolean>): Promise<boolean> {
    this.#recent.set(name, check);
    const [oldest] = this.#recent.keys();
    if (this.#recent.size > REMEMBERED && oldest !== undefined) this.#recent.delete(oldest);
    return check;
  }
}
