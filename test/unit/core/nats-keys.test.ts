import { createAccount, createOperator, createUser, fromPublic, fromSeed } from "@nats-io/nkeys";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChecked, renderBase32, renderChecked } from "../../../core/nats-key-text.ts";
import { createKey, isPublicKey, isSignedBy, type KeyKind, publicKeyOf, signWithSeed } from "../../../core/nats-keys.ts";

const KINDS: readonly KeyKind[] = ["operator", "account", "user"];
const OTHERS = { operator: createOperator, account: createAccount, user: createUser };

describe("NATS keys", () => {
  it.each(KINDS)("of an %s are the ones the NATS library makes of the same seed", (kind) => {
    const { seed, publicKey } = createKey(kind);
    const other = fromSeed(Buffer.from(seed));
    expect(other.getPublicKey()).toBe(publicKey);
    const data = Buffer.from("challenge");
    expect(Buffer.from(other.sign(data))).toEqual(signWithSeed(seed, data));
    expect(fromPublic(publicKey).verify(data, signWithSeed(seed, data))).toBe(true);
  });

  it.each(KINDS)("of an %s made by the NATS library are understood", (kind) => {
    const other = OTHERS[kind]();
    const publicKey = other.getPublicKey();
    expect(publicKeyOf(Buffer.from(other.getSeed()).toString())).toBe(publicKey);
    expect(KINDS.filter((candidate) => isPublicKey(candidate, publicKey))).toEqual([kind]);
    const data = Buffer.from("x");
    expect(isSignedBy(publicKey, data, other.sign(data))).toBe(true);
    expect(isSignedBy(publicKey, Buffer.from("y"), other.sign(data))).toBe(false);
  });

  it("are never the same twice", () => {
    expect(new Set(Array.from({ length: 50 }, () => createKey("user").seed)).size).toBe(50);
  });

  const seed = createKey("account").seed;
  it.each([
    ["nothing", ""],
    ["a public key", createKey("account").publicKey],
    ["a shortened seed", seed.slice(0, -1)],
    ["a mistyped seed", seed.slice(0, 20) + (seed[20] === "A" ? "B" : "A") + seed.slice(21)],
    ["small letters", seed.toLowerCase()],
    ["other characters", `${seed.slice(0, 10)}!${seed.slice(11)}`],
  ])("refuse %s as a seed without repeating it", (_name, text) => {
    expect(() => publicKeyOf(text)).toThrow(expect.objectContaining({ code: "ERR_KEY" }));
    try {
      publicKeyOf(text);
    } catch (error) {
      if (text !== "") expect(String(error)).not.toContain(text.slice(2, 20));
    }
  });
});

describe("key text", () => {
  it("keeps every byte", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 40 }),
        (bytes) => parseChecked(renderChecked(Buffer.from(bytes)))?.equals(bytes) === true,
      ),
    );
  });

  it("notices any changed character", () => {
    const text = renderChecked(Buffer.from("0123456789abcdef0123456789abcdef"));
    const place = fc.tuple(fc.nat(text.length - 2), fc.constantFrom(..."ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"));
    fc.assert(
      fc.property(
        place,
        ([at, letter]) => text[at] === letter || parseChecked(text.slice(0, at) + letter + text.slice(at + 1)) === undefined,
      ),
    );
  });

  it("is base 32 as others write it", () => {
    expect(["", "f", "fo", "foo", "foob", "fooba", "foobar"].map((text) => renderBase32(Buffer.from(text)))).toEqual([
      "",
      "MY",
      "MZXQ",
      "MZXW6",
      "MZXW6YQ",
      "MZXW6YTB",
      "MZXW6YTBOI",
    ]);
  });
});
