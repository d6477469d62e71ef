/** Checks signatures of one key; messages that were signed together cost one check, and about one hash each beside their own. */
import { pooledVerifierOf, verifierOf } from "../core/nats-keys.ts";
import { HEADER } from "./headers.ts";
import { RecentValues } from "./keyed-values.ts";
import { besideOf, isProof, otherStep, parentOf, STEP_LENGTH } from "./merkle.ts";
import { messageHash, type SignedParts, signedBytes } from "./signing.ts";

/** What is known of a node below one signature: whether the rest of a proof leads from it to the root that was signed. */
interface Known {
  readonly rest: string;
  /** The answer, or its promise as long as there is none. */
  isGood: boolean | Promise<boolean>;
}

type Verify = (data: Uint8Array, signature: Uint8Array) => boolean | Promise<boolean>;

/** Nodes below one signature by their hash. */
type Nodes = Map<string, Known>;

// Messages signed together arrive close together.
const REMEMBERED_SIGNATURES = 128;
// A tree of 64 messages has 127 nodes.
const REMEMBERED_NODES = 128;
// From so many steps on a signature is shared by so many messages that handing it to another thread and waiting for it would cost each of them more than checking it here.
const STEPS_TO_CHECK_HERE = 4;
const SIGNATURE_BYTES = 64;
// Longer texts are no signatures, and are not worth remembering.
const LONGEST_SIGNATURE = 100;

/** The checks of one public key. */
export class SignatureCheck {
  readonly publicKey: string;
  /** Tells the key from others of the same client, in fewer characters. */
  readonly number: number;
  readonly #verify: Verify;
  readonly #verifyElsewhere: Verify;
  readonly #recent = new RecentValues<Nodes>(REMEMBERED_SIGNATURES);

  /** @param publicKey a public user key; with another text every signature is wrong */
  constructor(publicKey: string, number: number) {
    this.publicKey = publicKey;
    this.number = number;
    this.#verify = verifierOf(publicKey);
    this.#verifyElsewhere = pooledVerifierOf(publicKey);
  }

  /** Whether a signature header's text was made over these parts with the key; a promise only when it has to be found out. */
  isGood(parts: SignedParts, signature: string): boolean | Promise<boolean> {
    const proof = parts.headers[HEADER.proof] ?? "";
    if (!isProof(proof) || signature.length > LONGEST_SIGNATURE) return false;
    const leaf = messageHash(parts);
    if (proof === "") return this.#check(leaf, signature, this.#verifyElsewhere);
    return this.#climb(leaf, proof, { signature, nodes: this.#nodesOf(signature) });
  }

  /** Goes up until a node is known, or to the root, and remembers the nodes beside the way: those are what other messages come to. */
  #climb(
    leaf: string,
    proof: string,
    { signature, nodes }: { readonly signature: string; readonly nodes: Nodes },
  ): boolean | Promise<boolean> {
    const beside: { readonly name: string; readonly rest: string }[] = [];
    let node = leaf;
    let known = findKnown(nodes, node, proof);
    for (let at = 0; known === undefined; at += STEP_LENGTH) {
      if (at === proof.length) {
        const verify = proof.length >= STEPS_TO_CHECK_HERE * STEP_LENGTH ? this.#verify : this.#verifyElsewhere;
        known = remember(nodes, node, { rest: "", isGood: this.#check(node, signature, verify) });
        break;
      }
      const step = proof.slice(at, at + STEP_LENGTH);
      const rest = proof.slice(at + STEP_LENGTH);
      const other = besideOf(step);
      if (other === undefined) return false;
      beside.push({ name: other, rest: otherStep(step, node) + rest });
      node = parentOf(step, node, other);
      known = findKnown(nodes, node, rest);
    }
    for (const { name, rest } of beside) remember(nodes, name, { rest, isGood: known.isGood });
    return known.isGood;
  }

  #check(root: string, signature: string, verify: Verify): boolean | Promise<boolean> {
    const bytes = Buffer.from(signature, "base64url");
    return bytes.length === SIGNATURE_BYTES && verify(signedBytes(root), bytes);
  }

  #nodesOf(signature: string): Nodes {
    const found = this.#recent.get(signature);
    if (found !== undefined) return found;
    const nodes: Nodes = new Map();
    this.#recent.add(signature, nodes);
    return nodes;
  }
}

/** A node and the rest of its proof lead to one root; with another rest nothing is known. */
function findKnown(nodes: Nodes, node: string, rest: string): Known | undefined {
  const known = nodes.get(node);
  return known?.rest === rest ? known : undefined;
}

function remember(nodes: Nodes, name: string, known: Known): Known {
  if (nodes.size >= REMEMBERED_NODES) return known;
  nodes.set(name, known);
  // A promise costs every message that waits for it a turn.
  if (known.isGood instanceof Promise) {
    known.isGood.then(
      (isGood) => (known.isGood = isGood),
      () => nodes.delete(name),
    );
  }
  return known;
}
