import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildTree, leafHash, parseProof, rootOf } from "../../../client/merkle.ts";

const leavesOf = (count: number) => Array.from({ length: count }, (_, index) => leafHash(Buffer.from(String(index))));

describe("a tree of hashes", () => {
  it("lets every leaf prove that it belongs to the root, and no other", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 33 }), fc.nat(), fc.nat(), (count, one, other) => {
        const leaves = leavesOf(count);
        const { root, proofs } = buildTree(leaves);
        const [mine, another] = [one % count, other % count];
        const proof = parseProof(proofs[mine]!);
        expect(rootOf(leaves[mine]!, proof!)).toEqual(root);
        expect(rootOf(leaves[another]!, proof!).equals(root)).toBe(mine === another);
      }),
    );
  });

  it("has one leaf as its own root", () => {
    const [leaf] = leavesOf(1);
    expect(buildTree([leaf!])).toEqual({ root: leaf, proofs: [""] });
    expect(parseProof("")).toEqual([]);
  });

  it("never makes reading a proof throw", () => {
    fc.assert(fc.property(fc.string({ maxLength: 500 }), (text) => Array.isArray(parseProof(text) ?? [])));
    expect(parseProof("l".repeat(44))).toHaveLength(1);
    expect(parseProof("m".repeat(44))).toBeUndefined();
  });
});
