/** One signature for several messages: a tree of hashes, whose root is signed, and for each message the way from its own hash to the root. Hashes are texts in base64url, as proofs hold them. Pure. */
import { hash } from "node:crypto";

/** A tree over some leaves. */
export interface Tree {
  readonly root: string;
  /** One a leaf, in order: a letter for the side and the hash in base64url, step by step; "" for a leaf that is the root. */
  readonly proofs: readonly string[];
}

interface Node {
  readonly hash: string;
  /** The leaves below it: so many from this one on. */
  readonly first: number;
  readonly count: number;
}

/** First byte of what the hash of a message is made of; nobody can pass off a node as a message, as theirs is another one. */
export const LEAF_MARK = 0;
const NODE_MARK = 1;
const HASH_BYTES = 32;
/** Characters of one step of a proof. */
export const STEP_LENGTH = 44;
const STEP = /^[lr][A-Za-z0-9_-]{43}$/;
const MOST_STEPS = 8;
const pair = Buffer.alloc(1 + 2 * HASH_BYTES, NODE_MARK);

/** Hash of a message, of bytes that begin with {@link LEAF_MARK}. */
export function leafHash(marked: Uint8Array): string {
  return hash("sha256", marked, "base64url");
}

/** Builds the tree; one leaf is its own root. A node without a neighbour goes up as it is. */
export function buildTree(leaves: readonly string[]): Tree {
  const proofs = leaves.map(() => "");
  let level: Node[] = leaves.map((leaf, index) => ({ hash: leaf, first: index, count: 1 }));
  while (level.length > 1) {
    const above: Node[] = [];
    for (let at = 0; at < level.length; at += 2) above.push(joinNodes(level[at], level[at + 1], proofs));
    level = above;
  }
  return { root: level[0]?.hash ?? "", proofs };
}

/** Whether a text may be a proof: of whole steps, and no longer than a client ever writes. */
export function isProof(text: string): boolean {
  return text.length <= MOST_STEPS * STEP_LENGTH && text.length % STEP_LENGTH === 0;
}

/** The hash beside the way in one step of a proof; `undefined` when the step is none. */
export function besideOf(step: string): string | undefined {
  return STEP.test(step) ? step.slice(1) : undefined;
}

/** The node that a step leads to, from a node and the one beside it. */
export function parentOf(step: string, node: string, beside: string): string {
  return step[0] === "l" ? nodeHash(beside, node) : nodeHash(node, beside);
}

/** The same step as the node beside the way takes it. */
export function otherStep(step: string, node: string): string {
  return `${step[0] === "l" ? "r" : "l"}${node}`;
}

function joinNodes(left: Node | undefined, right: Node | undefined, proofs: string[]): Node {
  if (left === undefined || right === undefined) return left ?? { hash: "", first: 0, count: 0 };
  addStep(proofs, left, `r${right.hash}`);
  addStep(proofs, right, `l${left.hash}`);
  return { hash: nodeHash(left.hash, right.hash), first: left.first, count: left.count + right.count };
}

function addStep(proofs: string[], { first, count }: Node, step: string): void {
  for (let leaf = first; leaf < first + count; leaf += 1) proofs[leaf] += step;
}

function nodeHash(left: string, right: string): string {
  pair.write(left, 1, "base64url");
  pair.write(right, 1 + HASH_BYTES, "base64url");
  return hash("sha256", pair, "base64url");
}
