import { BusError } from "../core/errors.ts";
import { publicKeyOf } from "../core/nats-keys.ts";
import { type AccountBody, accountClaims, nextIssue, sameClaims } from "./claims.ts";
import type { AccountPort, ServerAnswer, StoredAccount } from "./port.ts";
import { parseToken, renderToken, type SignedClaims } from "./token.ts";

/** What an account is to be, and where. */
export interface PlacedAccount extends AccountBody {
  /** Names of all servers of the cluster; every one of them must take the account. */
  readonly servers: readonly string[];
  /** Seed of the operator's signing key. A secret. */
  readonly signingSeed: string;
}

const ATTEMPTS = 3;

const turns = new Map<string, Promise<unknown>>();

/**
 * Brings an account to every server of the cluster: looks, pushes what differs, looks again. Safe to repeat, and to repeat after a crash at any point.
 * One writer an account: within a process they take turns, between processes the lock of the stack keeps the others out.
 * @returns the claims every server has, as read back
 * @throws ERR_ACCOUNT_UNREACHABLE when a server does not answer; nothing was pushed then
 * @throws ERR_ACCOUNT_PUSH when a server refuses the account or does not take it over
 */
export function reconcileAccount(port: AccountPort, spec: PlacedAccount, now: () => Date): Promise<SignedClaims> {
  const before = turns.get(spec.publicKey) ?? Promise.resolve();
  const turn = before.catch(() => undefined).then(() => bringAccount(port, spec, now));
  turns.set(spec.publicKey, turn);
  return turn;
}

async function bringAccount(port: AccountPort, spec: PlacedAccount, now: () => Date): Promise<SignedClaims> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const before = await port.observe(spec.publicKey, spec.servers.length);
    assertAllAnswer(before, spec);
    const settled = settledClaims(before, spec);
    if (settled !== undefined) return settled;
    await pushAccount(port, spec, before, now());
  }
  throw new BusError("ERR_ACCOUNT_PUSH", `account ${spec.name}: the servers still differ after ${ATTEMPTS} pushes`, {
    remedy: "see whether somebody else pushes this account, or whether a server cannot write its resolver folder",
  });
}

/**
 * The claims in force, whether wanted or not: the newest version any answering server has; `undefined` when all servers answer and none has the account.
 * @throws ERR_ACCOUNT_UNREACHABLE when no answering server has the account and others are silent: then nobody knows
 */
export async function observeAccount(
  port: AccountPort,
  spec: Pick<PlacedAccount, "name" | "publicKey" | "servers">,
): Promise<SignedClaims | undefined> {
  return (await lookUpAccount(port, spec)).claims;
}

/** As {@link observeAccount}, with everything that was seen. */
export async function lookUpAccount(
  port: AccountPort,
  spec: Pick<PlacedAccount, "name" | "publicKey" | "servers">,
): Promise<{ readonly claims: SignedClaims | undefined; readonly seen: StoredAccount }> {
  const seen = await port.observe(spec.publicKey, spec.servers.length);
  const versions = readable(seen);
  // A silent server is told by the cluster's own resource; what the others have holds all the same.
  if (versions.length === 0) assertAllAnswer(seen, spec);
  // A lagging server takes over the newest version by itself, so that is the one in force.
  const claims = versions.reduce<SignedClaims | undefined>(
    (newest, version) => (newest === undefined || version.iat > newest.iat ? version : newest),
    undefined,
  );
  return { claims, seen };
}

async function pushAccount(port: AccountPort, spec: PlacedAccount, before: StoredAccount, now: Date): Promise<void> {
  const issued = nextIssue(
    readable(before).map((version) => version.iat),
    now,
  );
  const answers = await port.push(renderToken(accountClaims(spec, issued), spec.signingSeed), spec.servers.length);
  const refused = answers.filter((answer) => answer.refusal !== undefined);
  if (refused.length > 0) throw pushError(spec, refused);
  const silent = missing(
    spec.servers,
    answers.map((answer) => answer.server),
  );
  if (silent.length > 0) {
    throw new BusError("ERR_ACCOUNT_PUSH", `account ${spec.name}: ${silent.join(", ")} did not confirm it; the other servers did`, {
      remedy: 'start what does not run and repeat "natsbus up": it pushes the account to all servers again',
    });
  }
}

/** The common claims when every server has the same version, it says what is wanted and we signed it. */
function settledClaims(seen: StoredAccount, spec: PlacedAccount): SignedClaims | undefined {
  const [first] = seen.tokens;
  if (first === undefined || seen.tokens.length < spec.servers.length || seen.tokens.some((token) => token !== first)) return undefined;
  const [claims] = readable(seen);
  if (claims === undefined || claims.iss !== publicKeyOf(spec.signingSeed)) return undefined;
  return sameClaims(claims, accountClaims(spec, claims.iat)) ? claims : undefined;
}

/** Servers accept tokens that nobody else can read; such a one counts as none. */
function readable(seen: StoredAccount): SignedClaims[] {
  return seen.tokens.flatMap((token) => {
    if (token === undefined) return [];
    try {
      return [parseToken(token)];
    } catch {
      return [];
    }
  });
}

function assertAllAnswer(seen: StoredAccount, spec: Pick<PlacedAccount, "name" | "servers">): void {
  const silent = missing(spec.servers, seen.servers);
  if (silent.length === 0 && seen.tokens.length >= spec.servers.length) return;
  const who = silent.length > 0 ? silent.join(", ") : `${spec.servers.length - seen.tokens.length} of ${spec.servers.length} servers`;
  throw new BusError("ERR_ACCOUNT_UNREACHABLE", `account ${spec.name}: ${who} did not answer; nothing was changed`, {
    remedy: 'see "natsbus status", start what does not run and repeat "natsbus up"',
  });
}

function pushError(spec: PlacedAccount, refused: readonly ServerAnswer[]): BusError {
  const reasons = refused.map((answer) => `${answer.server}: ${answer.refusal}`).join("; ");
  return new BusError("ERR_ACCOUNT_PUSH", `account ${spec.name} was refused: ${reasons}`, { remedy: "change what the servers object to" });
}

function missing(expected: readonly string[], present: readonly string[]): string[] {
  return expected.filter((name) => !present.includes(name));
}
