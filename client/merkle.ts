/** One signature for several messages: a tree of hashes, whose root is signed, and for each message the way from its own hash to the root. Pure. */
import { hash } from "node:crypto";

/** Hashes beside the way to the root, from below, each with the side it stands on. */
type Proof = readonly { readonly side: "l" | "r"; readonly hash: Buffer }[];

/** A tree over some leaves. */
export interface Tree {
  readonly root: Buffer;
  /** One a leaf, in order: a letter for the side and the hash in base64url, step by step; "" for a leaf that is the root. */
  readonly proofs: readonly string[];
}

interface Node {
  readonly hash: Buffer;
  /** The leaves below it: so many from this one on. */
  readonly first: number;
  readonly count: number;
}

/** First byte of what the hash of a message is made of; nobody can pass off a node as a message, as theirs is another one. */
export const LEAF_MARK = 0;
const NODE_MARK = 1;
const HASH_BYTES = 32;
const STEP_LENGTH = 44;
const MOST_STEPS = 8;
const pair = Buffer.alloc(1 + 2 * HASH_BYTES, NODE_MARK);

/** Hash of a message, of bytes that begin with {@link LEAF_MARK}. */
export function leafHash(marked: Uint8Array): Buffer {
  return hash("sha256", marked, "buffer");
}

/** Builds the tree; one leaf is its own root. A node without a neighbour goes up as it is. */
export function buildTree(leaves: readonly Buffer[]): Tree {
  const proofs = leaves.map(() => "");
  let level: Node[] = leaves.map((leaf, index) => ({ hash: leaf, first: index, count: 1 }));
  while (level.length > 1) {
    const above: Node[] = [];
    for (let at = 0; at < level.length; at += 2) above.push(joinNodes(level[at], level[at + 1], proofs));
    level = above;
  }
  return { root: level[0]?.hash ?? Buffer.alloc(0), proofs };
}

/** Root that a leaf and its proof lead to. */
export function rootOf(leaf: Buffer, proof: Proof): Buffer {
  let root = leaf;
  for (const { side, hash: beside } of proof) root = side === "l" ? nodeHash(beside, root) : nodeHash(root, beside);
  return root;
}

/** Reads the text of a proof; `undefined` when it is none, or longer than a client ever writes. */
export function parseProof(text: string): Proof | undefined {
  const proof: { side: "l" | "r"; hash: Buffer }[] = [];
  if (text.length > MOST_STEPS * STEP_LENGTH || text.length % STEP_LENGTH !== 0) return undefined;
  for (let at = 0; at < text.length; at += STEP_LENGTH) {
    const side = text[at];
    // Characters that are not of base64url are left out, so that the hash is too short.
    const beside = Buffer.from(text.slice(at + 1, at + STEP_LENGTH), "base64url");
    if ((side !== "l" && side !== "r") || beside.length !== HASH_BYTES) return undefined;
    proof.push({ side, hash: beside });
  }
  return proof;
}

function joinNodes(left: Node | undefined, right: Node | undefined, proofs: string[]): Node {
  if (left === undefined || right === undefined) return left ?? { hash: Buffer.alloc(0), first: 0, count: 0 };
  addStep(proofs, left, `r${right.hash.toString("base64url")}`);
  addStep(proofs, right, `l${left.hash.toString("base64url")}`);
  return { hash: nodeHash(left.hash, right.hash), first: left.first, count: left.count + right.count };
}

function addStep(proofs: string[], { first, count }: Node, step: string): void {
  for (let leaf = first; leaf < first + count; leaf += 1) proofs[leaf] += step;
}

function nodeHash(left: Buffer, right: Buffer): Buffer {
  left.copy(pair, 1);
  right.copy(pair, 1 + HASH_BYTES);
  return hash("sha256", pair, "buffer");
}
