import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MessageSigner } from "../../../client/signing.ts";
import { MessageVerifier, type VerificationArgs } from "../../../client/verifier.ts";
import { createKey } from "../../../core/nats-keys.ts";

const ours = createKey("user");
const foreign = createKey("user");
const NOW = 1_800_000_000_000;

interface Sent {
  readonly subject: string;
  readonly headers: Record<string, string>;
  readonly payload: Uint8Array;
}

function sign(message: Sent, seed = ours.seed, nowMs = NOW): Sent {
  return { ...message, headers: { ...message.headers, ...new MessageSigner(seed).sign(message, nowMs) } };
}

function verify(message: Sent, place: { origin?: string; storedAtMs?: number; verifier?: MessageVerifier } = {}) {
  const { origin = "S:1", storedAtMs = NOW, verifier = verifierOf() } = place;
  const headers = Object.entries(message.headers).map(([name, value]) => [name, [value]] as const);
  return verifier.verify({ ...message, headers, header: (name) => message.headers[name], origin, storedAtMs })?.reason;
}

function verifierOf(args: Partial<VerificationArgs> = {}): MessageVerifier {
  return new MessageVerifier({ signers: { "security.>": [ours.publicKey], "security.low.>": [foreign.publicKey] }, ...args });
}

const message: Sent = { subject: "security.critical.alert", headers: { "Nats-Msg-Id": "1", trace: "t" }, payload: Buffer.from("{}") };

describe("a signed message", () => {
  it("is accepted from an allowed key, whatever it holds", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uuid(), fc.stringMatching(/^[!-~]{1,20}$/), (payload, id, trace) => {
        expect(verify(sign({ ...message, payload, headers: { "Nats-Msg-Id": id, trace } }))).toBeUndefined();
      }),
      { numRuns: 30 },
    );
  });

  it("is accepted with headers that servers add, and in any order of headers", () => {
    const { headers, ...rest } = sign(message);
    const turned = Object.fromEntries(Object.entries({ ...headers, "Nats-Stream-Source": "X" }).reverse());
    expect(verify({ ...rest, headers: turned })).toBeUndefined();
  });

  const signed = sign(message);
  it.each<[string, Sent]>([
    ["another payload", { ...signed, payload: Buffer.from("[]") }],
    ["another subject", { ...signed, subject: "security.high.alert" }],
    ["another header", { ...signed, headers: { ...signed.headers, trace: "u" } }],
    ["one header more", { ...signed, headers: { ...signed.headers, extra: "1" } }],
    ["another id", { ...signed, headers: { ...signed.headers, "Nats-Msg-Id": "2" } }],
    ["a later time", { ...signed, headers: { ...signed.headers, "Natsbus-Signed-At": String(NOW + 1) } }],
    ["a cut signature", { ...signed, headers: { ...signed.headers, "Natsbus-Signature": "AAAA" } }],
    ["bytes moved from a header to the payload", { ...signed, headers: { ...signed.headers, trace: "" }, payload: Buffer.from("t{}") }],
  ])("is refused with %s", (_, changed) => {
    expect(verify(changed)).toBe("signature");
  });

  it("is refused from a key that may not sign its subject, and accepted where it may", () => {
    expect(verify(sign(message, foreign.seed))).toBe("signer");
    expect(verify(sign({ ...message, subject: "security.low.alert" }, foreign.seed))).toBeUndefined();
    expect(verify(sign({ ...message, subject: "security.low.alert" }, ours.seed))).toBeUndefined();
    expect(verify(message)).toBe("unsigned");
  });

  it("is refused on subjects without a rule unless they are accepted", () => {
    const other = { ...message, subject: "audit.entry" };
    expect(verify(other)).toBe("signer");
    expect(verify(other, { verifier: verifierOf({ otherSubjects: "accept" }) })).toBeUndefined();
  });

  it("is refused when it is stored too far from its time of signing", () => {
    const verifier = verifierOf({ replayWindow: "1m" });
    expect(verify(signed, { verifier, storedAtMs: NOW + 60_001 })).toBe("stale");
    expect(verify(signed, { verifier, storedAtMs: NOW - 60_001 })).toBe("stale");
    expect(verify(signed, { verifier, storedAtMs: NOW + 60_000 })).toBeUndefined();
  });

  it("is refused from a second place, not when it is delivered again, and the memory is bounded", () => {
    const verifier = verifierOf({ rememberedIds: 2 });
    expect(verify(signed, { verifier, origin: "S:1" })).toBeUndefined();
    expect(verify(signed, { verifier, origin: "S:1" })).toBeUndefined();
    expect(verify(signed, { verifier, origin: "S:2" })).toBe("replayed");
    for (const id of ["2", "3"]) verify(sign({ ...message, headers: { "Nats-Msg-Id": id } }), { verifier, origin: `S:${id}` });
    expect(verify(signed, { verifier, origin: "S:9" })).toBeUndefined();
  });

  it("needs an id", () => {
    expect(verify(sign({ ...message, headers: {} }))).toBe("signature");
  });
});

describe("keys", () => {
  it("are refused when they are of another kind, and a seed is never shown", () => {
    const account = createKey("account");
    expect(() => new MessageSigner(account.seed)).toThrow(expect.objectContaining({ code: "ERR_CLIENT_KEY" }));
    expect(() => new MessageSigner("x")).toThrow(expect.objectContaining({ code: "ERR_CLIENT_KEY" }));
    // Not the last letter: two of its bits are padding.
    const broken = `${ours.seed.slice(0, -5)}${ours.seed.at(-5) === "A" ? "B" : "A"}${ours.seed.slice(-4)}`;
    expect(() => new MessageSigner(broken)).toThrow(expect.objectContaining({ message: expect.not.stringContaining(broken) }));
    expect(() => verifierOf({ signers: { ">": [account.publicKey] } })).toThrow(expect.objectContaining({ code: "ERR_CLIENT_KEY" }));
    expect(() => verifierOf({ signers: { "a..b": [] } })).toThrow(expect.objectContaining({ code: "ERR_CLIENT_OPTION" }));
  });

  it("are found in the text of a credentials file", () => {
    expect(new MessageSigner(`-----BEGIN USER NKEY SEED-----\n${ours.seed}\n------END`).publicKey).toBe(ours.publicKey);
  });
});
