import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { besideOf, buildTree, isProof, leafHash, otherStep, parentOf, STEP_LENGTH } from "../../../client/merkle.ts";

const leavesOf = (count: number) => Array.from({ length: count }, (_, index) => leafHash(Buffer.from(String(index))));

/** Every node on the way from a leaf, the root last. */
function wayOf(leaf: string, proof: string): readonly string[] {
  const way = [leaf];
  for (let at = 0; at < proof.length; at += STEP_LENGTH) {
    const step = proof.slice(at, at + STEP_LENGTH);
    way.push(parentOf(step, way.at(-1)!, besideOf(step)!));
  }
  return way;
}

const rootOf = (leaf: string, proof: string): string => wayOf(leaf, proof).at(-1)!;

describe("a tree of hashes", () => {
  it("lets every leaf prove that it belongs to the root, and no other", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 33 }), fc.nat(), fc.nat(), (count, one, other) => {
        const leaves = leavesOf(count);
        const { root, proofs } = buildTree(leaves);
        const [mine, another] = [one % count, other % count];
        const proof = proofs[mine]!;
        expect(isProof(proof)).toBe(true);
        expect(rootOf(leaves[mine]!, proof)).toBe(root);
        expect(rootOf(leaves[another]!, proof) === root).toBe(mine === another);
      }),
    );
  });

  it("has one leaf as its own root", () => {
    const [leaf] = leavesOf(1);
    expect(buildTree([leaf!])).toEqual({ root: leaf, proofs: [""] });
    expect(isProof("")).toBe(true);
  });

  it("lets the node beside the way prove the same", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 33 }), fc.nat(), (count, one) => {
        const leaves = leavesOf(count);
        const { root, proofs } = buildTree(leaves);
        const [leaf, proof] = [leaves[one % count]!, proofs[one % count]!];
        const step = proof.slice(0, STEP_LENGTH);
        expect(rootOf(besideOf(step)!, otherStep(step, leaf) + proof.slice(STEP_LENGTH))).toBe(root);
      }),
    );
  });

  it("never makes reading a proof throw", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 500 }), (text) => [true, false].includes(isProof(text)) && (besideOf(text)?.length ?? 43) === 43),
    );
    expect(besideOf("l".repeat(STEP_LENGTH))).toHaveLength(43);
    expect(besideOf("m".repeat(STEP_LENGTH))).toBeUndefined();
    expect(isProof("l".repeat(STEP_LENGTH * 9))).toBe(false);
    expect(isProof("l")).toBe(false);
  });
});
