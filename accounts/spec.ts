/** From a catalogue and a stack's changes to complete accounts, with every problem found on the way. Pure. */
import type { z } from "zod";
import type { Problem } from "../core/errors.ts";
import { ERROR_CODES, type ErrorCode } from "../core/errors.ts";
import { nameProblem } from "../core/names.ts";
import { nearestWord } from "../core/nearest.ts";
import type { AccountArgs } from "./args.ts";
import type { AccountLimits } from "./claims.ts";
import { PROVISIONER } from "./identity.ts";
import { resolveLimits } from "./limits.ts";
import { mergeAccounts, type Overrides } from "./merge.ts";
import { type Permissions, resolvePermissions } from "./roles.ts";
import { findAccountProblems } from "./rules.ts";
import { accountSchema, type ParsedAccount } from "./schema.ts";

/** A user, complete. */
export interface UserSpec {
  /** Role in the user's account. */
  readonly role: string;
  /** How long credentials are good for, in milliseconds; 0 is for ever. */
  readonly lifetimeMs: number;
  /** Time before the end from which on they are renewed, in milliseconds. */
  readonly renewBeforeMs: number;
}

/** An account, complete. */
export interface AccountSpec {
  /** Account name. */
  readonly name: string;
  /** Whether it is the account the servers themselves use. */
  readonly system: boolean;
  /** What it is for. */
  readonly description?: string;
  /** All limits. */
  readonly limits: AccountLimits;
  /** Map keyed by role name: its rights. */
  readonly roles: Readonly<Record<string, Permissions>>;
  /** Map keyed by user name. */
  readonly users: Readonly<Record<string, UserSpec>>;
}

/** Accounts in the order of their names, or what is wrong with them. */
export interface ResolvedAccounts {
  /** Every account that is well formed. */
  readonly specs: readonly AccountSpec[];
  /** Every problem; `specs` are complete when there is none. */
  readonly problems: readonly Problem[];
}

/**
 * Accounts of the catalogue with a stack's changes.
 * @param overrides map keyed by account name; a record changes or adds, `null` leaves out; inside, roles and users likewise
 * @param context.path where the accounts stand in the user's file, for problems; default `accounts`
 */
export function resolveAccounts(
  catalog: Readonly<Record<string, AccountArgs>>,
  overrides: Overrides = {},
  context: { readonly path?: string } = {},
): ResolvedAccounts {
  const root = context.path ?? "accounts";
  const problems: Problem[] = [];
  const parsed: [string, ParsedAccount][] = [];
  const merged = Object.entries(mergeAccounts(catalog, overrides));
  for (const [name, args] of merged) {
    const wrong = nameProblem("account", name);
    if (wrong !== undefined) problems.push({ code: "ERR_NAME", path: `${root}.${name}`, message: wrong, remedy: "choose another name" });
    const result = accountSchema.safeParse(args);
    if (result.success) parsed.push([name, result.data]);
    else problems.push(...result.error.issues.flatMap((issue) => describeIssue(issue, `${root}.${name}`)));
  }
  problems.push(...findAccountProblems(parsed, { root, complete: parsed.length === merged.length }));
  return { specs: parsed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, account]) => complete(name, account)), problems };
}

// Without this role in the pushed account, natsbus would cut its own connection for good.
const NATSBUS_ITSELF = { [PROVISIONER]: { everything: true } };

function complete(name: string, account: ParsedAccount): AccountSpec {
  const { description, system, limits, roles, users } = account;
  return {
    name,
    system,
    ...(description === undefined ? {} : { description }),
    limits: resolveLimits(limits, system),
    roles: Object.fromEntries(
      Object.entries(system ? { ...roles, ...NATSBUS_ITSELF } : roles).map(([role, intent]) => [role, resolvePermissions(intent)]),
    ),
    users: Object.fromEntries(Object.entries(users).map(([user, args]) => [user, completeUser(user, args)])),
  };
}

function completeUser(name: string, user: ParsedAccount["users"][string]): UserSpec {
  const lifetimeMs = user.lifetime;
  return { role: user.role ?? name, lifetimeMs, renewBeforeMs: user.renewBefore ?? Math.floor(lifetimeMs / 3) };
}

function describeIssue(issue: z.core.$ZodIssue, root: string): Problem[] {
  const path = [root, ...issue.path.map(String)].join(".");
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(path, key));
  if (issue.code === "invalid_key") return issue.issues.flatMap((inner) => describeIssue(inner, path));
  const code: unknown = issue.code === "custom" ? issue.params?.["code"] : undefined;
  const known = typeof code === "string" && code in ERROR_CODES ? (code as ErrorCode) : "ERR_ACCOUNT_ARGS";
  return [{ code: known, path, message: issue.message, remedy: "correct it, or remove it for the default" }];
}

const KEYS = [
  "description",
  "system",
  "limits",
  "roles",
  "users",
  "connections",
  "leafNodes",
  "subscriptions",
  "payload",
  "imports",
  "exports",
  "wildcardExports",
]
  .concat([
    "disallowBearer",
    "jetstream",
    "memory",
    "storage",
    "streams",
    "consumers",
    "maxAckPending",
    "memoryStream",
    "storageStream",
    "maxBytesRequired",
  ])
  .concat([
    "everything",
    "publish",
    "subscribe",
    "consume",
    "responses",
    "stream",
    "consumer",
    "replay",
    "role",
    "lifetime",
    "renewBefore",
  ]);

function unknownKey(parent: string, key: string): Problem {
  const nearest = nearestWord(key, KEYS);
  const remedy = nearest === undefined ? "remove it" : `did you mean "${nearest}"?`;
  return { code: "ERR_CONFIG_KEY", path: `${parent}.${key}`, message: `unknown key "${key}"`, remedy };
}
