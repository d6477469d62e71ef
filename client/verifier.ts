/** Decides whether a message comes from a signer allowed on its subject, and for the first time. */
import { BusError } from "../core/errors.ts";
import { subjectCovers, subjectProblem } from "../core/names.ts";
import { isPublicKey } from "../core/nats-keys.ts";
import { type Duration, parseDuration } from "../core/units.ts";
import type { Rejection } from "./codec.ts";
import { HEADER } from "./headers.ts";
import { assertOneOf, assertWhole } from "./options.ts";
import { SignatureCheck } from "./signature-check.ts";
import type { SignedParts } from "./signing.ts";

/** Whose messages a client accepts. */
export interface VerificationArgs {
  /** Public user keys (`U…`) by the subject or pattern they may sign; a key listed under any pattern that covers the subject will do. */
  readonly signers: Readonly<Record<string, readonly string[]>>;
  /** What to do with messages on subjects no pattern covers: refuse them or take them unverified.
   * @default "reject" */
  readonly otherSubjects?: "reject" | "accept";
  /** How far the signer's time and the server's time of storing may lie apart. A message stored again later is refused; keep it at or below the stream's
   * duplicate window, so that the stream itself drops what is stored again sooner.
   * @default "2m" */
  readonly replayWindow?: Duration;
  /** Message ids to remember, for streams without a duplicate window. The oldest are forgotten.
   * @default 50000 */
  readonly rememberedIds?: number;
}

/** A message to verify. */
export interface VerifiableMessage extends SignedParts {
  /** When the server stored it, in milliseconds since 1970. */
  readonly storedAtMs: number;
  /** Where it is stored: another place with the same id is a replay, the same place is a redelivery. */
  readonly origin: string;
}

/** Verifies the messages of one client. */
export class MessageVerifier {
  readonly #rules: readonly { readonly pattern: string; readonly keys: ReadonlyMap<string, SignatureCheck> }[];
  readonly #acceptsOthers: boolean;
  readonly #windowMs: number;
  readonly #remembered: number;
  readonly #seen = new Map<string, string>();

  /** @throws ERR_CLIENT_KEY for a text that is no public user key, ERR_CLIENT_OPTION for a malformed pattern or number, ERR_UNIT for a malformed duration */
  constructor(args: VerificationArgs) {
    this.#rules = Object.entries(args.signers).map(([pattern, keys]) => {
      const problem = subjectProblem(pattern);
      if (problem !== undefined)
        throw new BusError("ERR_CLIENT_OPTION", `verification.signers: ${problem}`, { path: "verification.signers" });
      for (const key of keys) assertUserKey(key, pattern);
      return { pattern, keys: new Map(keys.map((key) => [key, new SignatureCheck(key)])) };
    });
    this.#acceptsOthers = args.otherSubjects === "accept";
    this.#windowMs = parseDuration(args.replayWindow ?? "2m", "verification.replayWindow");
    this.#remembered = args.rememberedIds ?? 50_000;
    assertOneOf("verification.otherSubjects", args.otherSubjects, ["reject", "accept"]);
    assertWhole("verification.rememberedIds", this.#remembered, 1);
  }

  /** Why the message is refused; `undefined` when it is fine. A promise only where a signature has to be checked that was not seen before. */
  verify(message: VerifiableMessage): Rejection | undefined | Promise<Rejection | undefined> {
    const rules = this.#rules.filter((rule) => subjectCovers(rule.pattern, message.subject));
    if (rules.length === 0) {
      return this.#acceptsOthers ? undefined : { reason: "signer", detail: `no signer is allowed on ${message.subject}` };
    }
    const signature = message.headers[HEADER.signature];
    const name = message.headers[HEADER.key];
    if (!signature || !name) return { reason: "unsigned", detail: "the message is not signed" };
    const check = rules.map((rule) => rule.keys.get(name)).find((found) => found !== undefined);
    if (check === undefined) return { reason: "signer", detail: `the key ${name.slice(0, 60)} may not sign ${message.subject}` };
    const isGood = check.isGood(message, signature);
    return isGood instanceof Promise ? isGood.then((good) => this.#judge(message, name, good)) : this.#judge(message, name, isGood);
  }

  #judge(message: VerifiableMessage, key: string, isGood: boolean): Rejection | undefined {
    if (isGood) return this.#replay(message, key);
    return { reason: "signature", detail: `the signature does not belong to this message and the key ${key}` };
  }

  #replay(message: VerifiableMessage, key: string): Rejection | undefined {
    const id = message.headers[HEADER.id];
    const text = message.headers[HEADER.signedAt] ?? "";
    if (!id || !/^\d{1,15}$/.test(text)) return { reason: "signature", detail: "the signed message has no id or no time of signing" };
    const apartMs = Math.abs(message.storedAtMs - Number(text));
    if (apartMs > this.#windowMs) {
      return {
        reason: "stale",
        detail: `the message was stored ${apartMs} ms away from its time of signing; ${this.#windowMs} ms are allowed`,
      };
    }
    const name = `${key} ${id}`;
    const origin = this.#seen.get(name);
    if (origin !== undefined && origin !== message.origin)
      return { reason: "replayed", detail: `the message is a copy of the one at ${origin}` };
    if (origin === undefined) this.#remember(name, message.origin);
    return undefined;
  }

  #remember(name: string, origin: string): void {
    this.#seen.set(name, origin);
    if (this.#seen.size <= this.#remembered) return;
    const [oldest] = this.#seen.keys();
    if (oldest !== undefined) this.#seen.delete(oldest);
  }
}

function assertUserKey(key: string, pattern: string): void {
  if (isPublicKey("user", key)) return;
  const path = `verification.signers.${pattern}`;
  throw new BusError("ERR_CLIENT_KEY", `${path}: ${JSON.stringify(key.slice(0, 4))}… is not the public key of a user`, {
    path,
    remedy: "give public keys of users: 56 characters that begin with U",
  });
}
