/** From a catalogue and a stack's changes to complete accounts, with every problem found on the way. Pure. */
import type { z } from "zod";
import type { Problem } from "../core/errors.ts";
import { ERROR_CODES, type ErrorCode } from "../core/errors.ts";
import { nameProblem, subjectCovers } from "../core/names.ts";
import { nearestWord } from "../core/nearest.ts";
import type { AccountArgs } from "./args.ts";
import type { AccountLimits } from "./claims.ts";
import { PROVISIONER } from "./identity.ts";
import { resolveLimits } from "./limits.ts";
import { mergeAccounts, type Overrides } from "./merge.ts";
import { type Permissions, resolvePermissions, type UserLimits } from "./roles.ts";
import { findAccountProblems } from "./rules.ts";
import { accountSchema, type ParsedAccount, type ParsedRole } from "./schema.ts";
import { completeSharing, type Sharing } from "./sharing.ts";
import { findSharingProblems } from "./sharing-rules.ts";

/** A user, complete. */
export interface UserSpec {
  /** Role in the user's account. */
  readonly role: string;
  /** How long credentials are good for, in milliseconds; 0 is for ever. */
  readonly lifetimeMs: number;
  /** Time before the end from which on they are renewed, in milliseconds. */
  readonly renewBeforeMs: number;
  /** Tags; absent: none. */
  readonly tags?: readonly string[];
  /** Kind of its login in the server configuration; absent: not said. */
  readonly login?: "nkey" | "password";
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
  /** What it shares, imports, maps and leaves to others. */
  readonly sharing: Sharing;
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
  const scope = { root, complete: parsed.length === merged.length };
  problems.push(...findAccountProblems(parsed, scope), ...findSharingProblems(parsed, scope));
  const all = Object.fromEntries(parsed);
  return { specs: parsed.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, account]) => complete(name, account, all)), problems };
}

// Without this role in the pushed account, natsbus would cut its own connection for good.
const NATSBUS_ITSELF = { [PROVISIONER]: { everything: true } };

function complete(name: string, account: ParsedAccount, all: Readonly<Record<string, ParsedAccount>>): AccountSpec {
  const { description, system, limits, users } = account;
  const own = Object.entries(users).flatMap(([user, { rights }]) => (rights === undefined ? [] : [[user, rights] as const]));
  const roles = { ...account.roles, ...Object.fromEntries(own), ...(system ? NATSBUS_ITSELF : {}) };
  return {
    name,
    system,
    ...(description === undefined ? {} : { description }),
    limits: resolveLimits(limits, system),
    roles: Object.fromEntries(Object.entries(roles).map(([role, intent]) => [role, completeRole(intent)])),
    users: Object.fromEntries(Object.entries(users).map(([user, args]) => [user, completeUser(user, args)])),
    sharing: completeSharing(account, ({ from, kind, subject }) => isPrivateExport(all[from], kind, subject)),
  };
}

/** Whether the first export that covers an import needs an activation. */
function isPrivateExport(exporter: ParsedAccount | undefined, kind: "stream" | "service", subject: string): boolean {
  const found = Object.values(exporter?.exports ?? {}).find((one) => one.kind === kind && subjectCovers(one.subject, subject));
  return found?.private === true;
}

function completeRole(role: ParsedRole): Permissions {
  const { responseTime, ...intent } = role;
  const limits = limitsOf(role);
  return {
    ...resolvePermissions({ ...intent, ...(responseTime === undefined ? {} : { responseMs: responseTime }) }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  };
}

function limitsOf(role: ParsedRole): UserLimits {
  const { sources, times, timeZone, subscriptions, payload, data, bearer, proxyRequired, connections } = role;
  return {
    ...(sources === undefined ? {} : { sources: [...new Set(sources)].sort() }),
    ...(times === undefined ? {} : { times }),
    ...(timeZone === undefined ? {} : { timeZone }),
    ...(subscriptions === undefined ? {} : { subscriptions }),
    ...(payload === undefined ? {} : { payloadBytes: payload }),
    ...(data === undefined ? {} : { dataBytes: data }),
    ...(bearer === true ? { bearer } : {}),
    ...(proxyRequired === true ? { proxyRequired } : {}),
    ...(connections === undefined ? {} : { connectionTypes: connections.map((kind) => CONNECTION_TYPES[kind]).sort() }),
  };
}

/** Ways to connect, in our words and in those of tokens. */
export const CONNECTION_TYPES = {
  standard: "STANDARD",
  websocket: "WEBSOCKET",
  leafnode: "LEAFNODE",
  "leafnode-websocket": "LEAFNODE_WS",
  mqtt: "MQTT",
  "mqtt-websocket": "MQTT_WS",
  "in-process": "IN_PROCESS",
} as const;

function completeUser(name: string, user: ParsedAccount["users"][string]): UserSpec {
  const lifetimeMs = user.lifetime;
  const role = user.rights === undefined ? (user.role ?? name) : name;
  const times = { lifetimeMs, renewBeforeMs: user.renewBefore ?? Math.floor(lifetimeMs / 3) };
  const login = user.login === undefined ? {} : { login: user.login };
  return { role, ...times, ...login, ...(user.tags.length === 0 ? {} : { tags: [...new Set(user.tags)].sort() }) };
}

function describeIssue(issue: z.core.$ZodIssue, root: string): Problem[] {
  const path = [root, ...issue.path.map(String)].join(".");
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(path, key));
  if (issue.code === "invalid_key") return issue.issues.flatMap((inner) => describeIssue(inner, path));
  if (issue.code === "invalid_union") {
    // The alternative that got further than the first look is the one that was meant.
    const meant = issue.errors.find((branch) => branch.some((inner) => inner.path.length > 0 || inner.code === "unrecognized_keys"));
    if (meant !== undefined) return meant.flatMap((inner) => describeIssue(inner, path));
  }
  const code: unknown = issue.code === "custom" ? issue.params?.["code"] : undefined;
  const known = typeof code === "string" && code in ERROR_CODES ? (code as ErrorCode) : "ERR_ACCOUNT_ARGS";
  return [{ code: known, path, message: issue.message, remedy: "correct it, or remove it for the default" }];
}

const KEYS = `
description system limits roles users connections leafNodes subscriptions payload data imports exports wildcardExports
disallowBearer jetstream tiers memory storage streams consumers maxAckPending memoryStream storageStream maxBytesRequired
everything publish subscribe denyPublish denySubscribe consume responses responseTime stream consumer replay role lifetime renewBefore
rights login tags sources times timeZone from to bearer proxyRequired
kind subject private accountTokenPosition response responseThreshold latency sampling advertise allowTrace infoUrl revoked
as activation share mappings weight cluster defaultPermissions allow deny max expires trace clusterTraffic
externalAuthorization accounts encryptFor
`
  .trim()
  .split(/\s+/);

function unknownKey(parent: string, key: string): Problem {
  const nearest = nearestWord(key, KEYS);
  const remedy = nearest === undefined ? "remove it" : `did you mean "${nearest}"?`;
  return { code: "ERR_CONFIG_KEY", path: `${parent}.${key}`, message: `unknown key "${key}"`, remedy };
}
