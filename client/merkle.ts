/** One signature for several messages: a tree of hashes, whose root is signed, and for each message the way from its own hash to the root. Pure. */
import { hash } from "node:crypto";

/** Hashes beside the way to the root, from below, each with the side it stands on. */
export type Proof = readonly { readonly side: "l" | "r"; readonly hash: Buffer }[];

/** A tree over some leaves. */
export interface Tree {
  readonly root: Buffer;
  /** One a leaf, in order. */
  readonly proofs: readonly Proof[];
}

interface Node {
  readonly hash: Buffer;
  readonly leaves: readonly number[];
}

// Nobody can pass off a node as a message: their hashes begin differently.
const LEAF = Buffer.of(0);
const NODE = Buffer.of(1);
const STEP = /([lr])([A-Za-z0-9_-]{43})/y;
const MOST_STEPS = 8;

/** Hash of a message. */
export function leafHash(bytes: Uint8Array): Buffer {
  return hash("sha256", Buffer.concat([LEAF, bytes]), "buffer");
}

/** Builds the tree; one leaf is its own root. A node without a neighbour goes up as it is. */
export function buildTree(leaves: readonly Buffer[]): Tree {
  const proofs: { side: "l" | "r"; hash: Buffer }[][] = leaves.map(() => []);
  let level: Node[] = leaves.map((leaf, index) => ({ hash: leaf, leaves: [index] }));
  while (level.length > 1) {
    const above: Node[] = [];
    for (let at = 0; at < level.length; at += 2) above.push(joinNodes(level[at], level[at + 1], proofs));
    level = above;
  }
  return { root: level[0]?.hash ?? Buffer.alloc(0), proofs };
}

/** Root that a leaf and its proof lead to. */
export function rootOf(leaf: Buffer, proof: Proof): Buffer {
  return proof.reduce((below, { side, hash: beside }) => (side === "l" ? nodeHash(beside, below) : nodeHash(below, beside)), leaf);
}

/** Text of a proof: a letter for the side and the hash in base64url, step by step. */
export function renderProof(proof: Proof): string {
  return proof.map(({ side, hash: beside }) => side + beside.toString("base64url")).join("");
}

/** Reads {@link renderProof}'s text; `undefined` when it is none, or longer than a client ever writes. */
export function parseProof(text: string): Proof | undefined {
  const proof: { side: "l" | "r"; hash: Buffer }[] = [];
  if (text.length > MOST_STEPS * 44 || text.length % 44 !== 0) return undefined;
  for (STEP.lastIndex = 0; STEP.lastIndex < text.length; ) {
    const [, side, beside = ""] = STEP.exec(text) ?? [];
    if (side !== "l" && side !== "r") return undefined;
    proof.push({ side, hash: Buffer.from(beside, "base64url") });
  }
  return proof;
}

function joinNodes(left: Node | undefined, right: Node | undefined, proofs: readonly { side: "l" | "r"; hash: Buffer }[][]): Node {
  if (left === undefined || right === undefined) return left ?? { hash: Buffer.alloc(0), leaves: [] };
  for (const leaf of left.leaves) proofs[leaf]?.push({ side: "r", hash: right.hash });
  for (const leaf of right.leaves) proofs[leaf]?.push({ side: "l", hash: left.hash });
  return { hash: nodeHash(left.hash, right.hash), leaves: [...left.leaves, ...right.leaves] };
}

function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  return hash("sha256", Buffer.concat([NODE, left, right]), "buffer");
}
