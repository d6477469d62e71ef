/** Decides whether a message comes from a signer allowed on its subject, and for the first time. */
import { BusError } from "../core/errors.ts";
import { subjectCovers, subjectProblem } from "../core/names.ts";
import { isPublicKey } from "../core/nats-keys.ts";
import { type Duration, parseDuration } from "../core/units.ts";
import type { Rejection } from "./codec.ts";
import { HEADER } from "./headers.ts";
import { RecentValues } from "./keyed-values.ts";
import { assertOneOf, assertWhole } from "./options.ts";
import { SignatureCheck } from "./signature-check.ts";
import type { SignedParts } from "./signing.ts";
import { SubjectMemo } from "./subject-memo.ts";

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
  /** What is allowed on a subject: its signers' checks by key, of every pattern that covers it; none when no pattern does. */
  readonly #rules: SubjectMemo<readonly ReadonlyMap<string, SignatureCheck>[]>;
  readonly #acceptsOthers: boolean;
  readonly #windowMs: number;
  readonly #seen: RecentValues<string>;

  /** @throws ERR_CLIENT_KEY for a text that is no public user key, ERR_CLIENT_OPTION for a malformed pattern or number, ERR_UNIT for a malformed duration */
  constructor(args: VerificationArgs) {
    const checks = new Map<string, SignatureCheck>();
    const checkOf = (key: string): SignatureCheck => {
      const check = checks.get(key) ?? new SignatureCheck(key, checks.size);
      checks.set(key, check);
      return check;
    };
    const rules = Object.entries(args.signers).map(([pattern, keys]) => {
      const problem = subjectProblem(pattern);
      if (problem !== undefined)
        throw new BusError("ERR_CLIENT_OPTION", `verification.signers: ${problem}`, { path: "verification.signers" });
      for (const key of keys) assertUserKey(key, pattern);
      return { pattern, keys: new Map(keys.map((key) => [key, checkOf(key)])) };
    });
    this.#rules = new SubjectMemo((subject) => rules.flatMap(({ pattern, keys }) => (subjectCovers(pattern, subject) ? [keys] : [])));
    this.#acceptsOthers = args.otherSubjects === "accept";
    this.#windowMs = parseDuration(args.replayWindow ?? "2m", "verification.replayWindow");
    assertOneOf("verification.otherSubjects", args.otherSubjects, ["reject", "accept"]);
    const { rememberedIds = 50_000 } = args;
    assertWhole("verification.rememberedIds", rememberedIds, 1);
    this.#seen = new RecentValues(rememberedIds);
  }

  /** Why the message is refused; `undefined` when it is fine. A promise only where a signature has to be checked that was not seen before. */
  verify(message: VerifiableMessage): Rejection | undefined | Promise<Rejection | undefined> {
    const rules = this.#rules.of(message.subject);
    if (rules.length === 0) {
      return this.#acceptsOthers ? undefined : { reason: "signer", detail: `no signer is allowed on ${message.subject}` };
    }
    const signature = message.headers[HEADER.signature];
    const name = message.headers[HEADER.key];
    if (!signature || !name) return { reason: "unsigned", detail: "the message is not signed" };
    const check = rules.find((keys) => keys.has(name))?.get(name);
    if (check === undefined) return { reason: "signer", detail: `the key ${name.slice(0, 60)} may not sign ${message.subject}` };
    const isGood = check.isGood(message, signature);
    return isGood instanceof Promise ? isGood.then((good) => this.#judge(message, check, good)) : this.#judge(message, check, isGood);
  }

  #judge(message: VerifiableMessage, check: SignatureCheck, isGood: boolean): Rejection | undefined {
    if (isGood) return this.#replay(message, check);
    return { reason: "signature", detail: `the signature does not belong to this message and the key ${check.publicKey}` };
  }

  #replay(message: VerifiableMessage, { number }: SignatureCheck): Rejection | undefined {
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
    const name = `${number} ${id}`;
    const origin = this.#seen.get(name);
    if (origin !== undefined && origin !== message.origin)
      return { reason: "replayed", detail: `the message is a copy of the one at ${origin}` };
    if (origin === undefined) this.#seen.add(name, message.origin);
    return undefined;
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
