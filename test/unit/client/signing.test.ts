import { randomBytes, randomUUID } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MessageSigner } from "../../../client/signing.ts";
import { MessageVerifier, type VerificationArgs } from "../../../client/verifier.ts";
import { createKey } from "../../../core/nats-keys.ts";
import { memoryInUse } from "../../support/memory.ts";

const ours = createKey("user");
const foreign = createKey("user");
const NOW = 1_800_000_000_000;

interface Sent {
  readonly subject: string;
  readonly headers: Record<string, string>;
  readonly payload: Uint8Array;
}

async function sign(message: Sent, seed = ours.seed, nowMs = NOW): Promise<Sent> {
  return { ...message, headers: { ...message.headers, ...(await new MessageSigner(seed).sign(message, nowMs)) } };
}

async function verify(message: Sent, place: { origin?: string; storedAtMs?: number; verifier?: MessageVerifier } = {}) {
  const { origin = "S:1", storedAtMs = NOW, verifier = verifierOf() } = place;
  return (await verifier.verify({ ...message, origin, storedAtMs }))?.reason;
}

function verifierOf(args: Partial<VerificationArgs> = {}): MessageVerifier {
  return new MessageVerifier({ signers: { "security.>": [ours.publicKey], "security.low.>": [foreign.publicKey] }, ...args });
}

const message: Sent = { subject: "security.critical.alert", headers: { "Nats-Msg-Id": "1", trace: "t" }, payload: Buffer.from("{}") };

describe("a signed message", async () => {
  it("is accepted from an allowed key, whatever it holds", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array(), fc.uuid(), fc.stringMatching(/^[!-~]{1,20}$/), async (payload, id, trace) => {
        expect(await verify(await sign({ ...message, payload, headers: { "Nats-Msg-Id": id, trace } }))).toBeUndefined();
      }),
      { numRuns: 30 },
    );
  });

  it("is accepted with headers that servers add, and in any order of headers", async () => {
    const { headers, ...rest } = await sign(message);
    const turned = Object.fromEntries(Object.entries({ ...headers, "Nats-Stream-Source": "X" }).reverse());
    expect(await verify({ ...rest, headers: turned })).toBeUndefined();
  });

  const signed = await sign(message);
  it.each<[string, Sent]>([
    ["another payload", { ...signed, payload: Buffer.from("[]") }],
    ["another subject", { ...signed, subject: "security.high.alert" }],
    ["another header", { ...signed, headers: { ...signed.headers, trace: "u" } }],
    ["one header more", { ...signed, headers: { ...signed.headers, extra: "1" } }],
    ["another id", { ...signed, headers: { ...signed.headers, "Nats-Msg-Id": "2" } }],
    ["a later time", { ...signed, headers: { ...signed.headers, "Natsbus-Signed-At": String(NOW + 1) } }],
    ["a cut signature", { ...signed, headers: { ...signed.headers, "Natsbus-Signature": "AAAA" } }],
    ["bytes moved from a header to the payload", { ...signed, headers: { ...signed.headers, trace: "" }, payload: Buffer.from("t{}") }],
  ])("is refused with %s", async (_, changed) => {
    expect(await verify(changed)).toBe("signature");
  });

  it("is refused from a key that may not sign its subject, and accepted where it may", async () => {
    expect(await verify(await sign(message, foreign.seed))).toBe("signer");
    expect(await verify(await sign({ ...message, subject: "security.low.alert" }, foreign.seed))).toBeUndefined();
    expect(await verify(await sign({ ...message, subject: "security.low.alert" }, ours.seed))).toBeUndefined();
    expect(await verify(message)).toBe("unsigned");
  });

  it("is refused on subjects without a rule unless they are accepted", async () => {
    const other = { ...message, subject: "audit.entry" };
    expect(await verify(other)).toBe("signer");
    expect(await verify(other, { verifier: verifierOf({ otherSubjects: "accept" }) })).toBeUndefined();
  });

  it("is refused when it is stored too far from its time of signing", async () => {
    const verifier = verifierOf({ replayWindow: "1m" });
    expect(await verify(signed, { verifier, storedAtMs: NOW + 60_001 })).toBe("stale");
    expect(await verify(signed, { verifier, storedAtMs: NOW - 60_001 })).toBe("stale");
    expect(await verify(signed, { verifier, storedAtMs: NOW + 60_000 })).toBeUndefined();
  });

  it("is refused from a second place, not when it is delivered again, and the memory is bounded", async () => {
    const verifier = verifierOf({ rememberedIds: 2 });
    expect(await verify(signed, { verifier, origin: "S:1" })).toBeUndefined();
    expect(await verify(signed, { verifier, origin: "S:1" })).toBeUndefined();
    expect(await verify(signed, { verifier, origin: "S:2" })).toBe("replayed");
    for (const id of ["2", "3"]) await verify(await sign({ ...message, headers: { "Nats-Msg-Id": id } }), { verifier, origin: `S:${id}` });
    expect(await verify(signed, { verifier, origin: "S:9" })).toBeUndefined();
  });

  it("is accepted when it was signed together with others, and only as it was", async () => {
    const signer = new MessageSigner(ours.seed);
    const verifier = verifierOf({ rememberedIds: 1_000 });
    const together = await Promise.all(
      Array.from({ length: 80 }, async (_, index): Promise<Sent> => {
        const one = { ...message, headers: { "Nats-Msg-Id": `${index}` }, payload: Buffer.from(`${index}`) };
        return { ...one, headers: { ...one.headers, ...(await signer.sign(one, NOW)) } };
      }),
    );
    expect(new Set(together.map(({ headers }) => headers["Natsbus-Signature"])).size).toBe(2);
    const [first, second] = together as [Sent, Sent];
    for (const one of together) expect(await verify(one, { verifier })).toBeUndefined();
    expect(await verify({ ...first, payload: second.payload })).toBe("signature");
    expect(await verify({ ...first, headers: { ...first.headers, "Natsbus-Proof": second.headers["Natsbus-Proof"]! } })).toBe("signature");
    for (const proof of ["", "l", "x".repeat(44), "l".repeat(44).repeat(9)]) {
      expect(await verify({ ...first, headers: { ...first.headers, "Natsbus-Proof": proof } })).toBe("signature");
    }
  });

  it("is judged alike by a verifier that has seen others of its group, true and forged, and by one that has not", async () => {
    const signer = new MessageSigner(ours.seed);
    const together = await Promise.all(
      Array.from({ length: 81 }, async (_, index): Promise<Sent> => {
        const one = { ...message, headers: { "Nats-Msg-Id": `${index}` }, payload: Buffer.from(`${index}`) };
        return { ...one, headers: { ...one.headers, ...(await signer.sign(one, NOW)) } };
      }),
    );
    const proofOf = (index: number): string => together[index]?.headers["Natsbus-Proof"] ?? "";
    const withProof = (one: Sent, proof: string): Sent => ({ ...one, headers: { ...one.headers, "Natsbus-Proof": proof } });
    const index = fc.nat(together.length - 1);
    const forged = fc.oneof(
      index.map((at) => together[at]!),
      fc.tuple(index, index).map(([at, other]) => withProof(together[at]!, proofOf(other))),
      fc.tuple(index, fc.nat(5), fc.nat(43), fc.constantFrom("l", "r", "A")).map(([at, step, letter, by]) => {
        const proof = [...proofOf(at)];
        proof[step * 44 + letter] = by;
        return withProof(together[at]!, proof.join("").slice(0, proofOf(at).length));
      }),
      fc.tuple(index, fc.nat(6)).map(([at, steps]) => withProof(together[at]!, proofOf(at).slice(0, steps * 44))),
      fc.tuple(index, index).map(([at, other]) => withProof(together[at]!, proofOf(at) + proofOf(other).slice(0, 44))),
      fc.tuple(index, index).map(([at, other]) => ({ ...together[at]!, payload: together[other]!.payload })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(forged, { maxLength: 60 }), fc.boolean(), async (sent, atOnce) => {
        const verifier = verifierOf();
        const seen: (string | undefined)[] = [];
        if (atOnce) seen.push(...(await Promise.all(sent.map((one) => verify(one, { verifier })))));
        else for (const one of sent) seen.push(await verify(one, { verifier }));
        expect(seen).toEqual(await Promise.all(sent.map((one) => verify(one))));
      }),
      { numRuns: 60 },
    );
  });

  it("costs no memory for what is forged, however much of it comes", async () => {
    const verifier = verifierOf({ rememberedIds: 100 });
    const forge = (): Sent => {
      const step = () => `r${randomBytes(32).toString("base64url")}`;
      const [signature, id] = [randomBytes(64).toString("base64url"), randomUUID()];
      const proof = Array.from({ length: 5 }, step).join("");
      return { ...signed, headers: { ...signed.headers, "Nats-Msg-Id": id, "Natsbus-Signature": signature, "Natsbus-Proof": proof } };
    };
    const wave = async (): Promise<number> => {
      for (let n = 0; n < 1_500; n += 1) expect(await verify(forge(), { verifier })).toBe("signature");
      return memoryInUse();
    };
    await wave();
    const before = await wave();
    await wave();
    // A node remembered for ever would be 100 bytes and more, five and a root a message.
    expect((await wave()) - before).toBeLessThan(1e6);
  });

  it("needs an id", async () => {
    expect(await verify(await sign({ ...message, headers: {} }))).toBe("signature");
  });
});

describe("keys", () => {
  it("are refused when they are of another kind, and a seed is never shown", async () => {
    const account = createKey("account");
    expect(() => new MessageSigner(account.seed)).toThrow(expect.objectContaining({ code: "ERR_CLIENT_KEY" }));
    expect(() => new MessageSigner("x")).toThrow(expect.objectContaining({ code: "ERR_CLIENT_KEY" }));
    // Not the last letter: two of its bits are padding.
    const broken = `${ours.seed.slice(0, -5)}${ours.seed.at(-5) === "A" ? "B" : "A"}${ours.seed.slice(-4)}`;
    expect(() => new MessageSigner(broken)).toThrow(expect.objectContaining({ message: expect.not.stringContaining(broken) }));
    expect(() => verifierOf({ signers: { ">": [account.publicKey] } })).toThrow(expect.objectContaining({ code: "ERR_CLIENT_KEY" }));
    expect(() => verifierOf({ rememberedIds: 0 })).toThrow(expect.objectContaining({ path: "verification.rememberedIds" }));
    expect(() => verifierOf({ otherSubjects: "maybe" as "accept" })).toThrow(expect.objectContaining({ code: "ERR_CLIENT_OPTION" }));
    expect(() => verifierOf({ signers: { "a..b": [] } })).toThrow(expect.objectContaining({ code: "ERR_CLIENT_OPTION" }));
  });

  it("are found in the text of a credentials file", async () => {
    expect(new MessageSigner(`-----BEGIN USER NKEY SEED-----\n${ours.seed}\n------END`).publicKey).toBe(ours.publicKey);
  });
});
