/** What accounts written into the server configuration cannot have: servers know it from signed accounts only. Pure. */
import type { Problem } from "../core/errors.ts";
import type { UserLimits } from "./roles.ts";
import type { AccountSpec } from "./spec.ts";

/** Everything of the accounts that needs `auth.mode: jwt`. */
export function findConfigModeProblems(accounts: readonly AccountSpec[]): Problem[] {
  return accounts.flatMap((account) => {
    const path = `accounts.${account.name}`;
    return [
      ...limitProblems(account, path),
      ...sharingProblems(account, accounts, path),
      ...roleProblems(account, path),
      ...userProblems(account, path),
    ];
  });
}

/** Everything that only the server configuration can have. */
export function findSignedModeProblems(accounts: readonly AccountSpec[]): Problem[] {
  return accounts.flatMap(({ name, users, roles }) => [...loginProblems(users, name), ...queueProblems(roles, name)]);
}

function loginProblems(users: AccountSpec["users"], account: string): Problem[] {
  return Object.entries(users)
    .filter(([, { login }]) => login !== undefined)
    .map(([user]) => ({
      code: "ERR_CONFIG_CONFLICT" as const,
      path: `accounts.${account}.users.${user}.login`,
      message: "users of signed accounts have credentials, never a password or a bare key",
      remedy: "remove it, or use auth.mode config",
    }));
}

/** In a list with a template, which is where every user's own inbox stands, servers drop what has a queue group, and refuse the user when it is denied (seen on 2.15.2). */
function queueProblems(roles: AccountSpec["roles"], account: string): Problem[] {
  return Object.entries(roles).flatMap(([role, { subscribe }]) =>
    [subscribe.allow, subscribe.deny].flatMap((list) => {
      const lost = list.some((subject) => subject.includes("{{")) ? list.filter((subject) => subject.includes(" ")) : [];
      return lost.map((subject) => ({
        code: "ERR_CONFIG_CONFLICT" as const,
        path: `accounts.${account}.roles.${role}`,
        message: `servers do not heed the queue group of "${subject}" in the rights of signed users`,
        remedy: "leave the queue group out, or use auth.mode config",
      }));
    }),
  );
}

function limitProblems({ limits, system }: AccountSpec, path: string): Problem[] {
  const found: Problem[] = [];
  if (limits.tiers !== undefined)
    found.push(only(`${path}.limits.jetstream.tiers`, "limits by tier", "give limits for all replica counts together"));
  if (limits.disallowBearer) found.push(only(`${path}.limits.disallowBearer`, "bearer tokens", "remove it"));
  if (limits.dataBytes >= 0) found.push(only(`${path}.limits.data`, "a limit of bytes in total", "remove it"));
  for (const key of ["imports", "exports"] as const)
    if (limits[key] >= 0) found.push(only(`${path}.limits.${key}`, `a limit of ${key}`, "remove it"));
  return system && limits.jetstream !== undefined
    ? [...found, only(`${path}.limits.jetstream`, "JetStream of the system account", "remove it")]
    : found;
}

function sharingProblems({ sharing }: AccountSpec, accounts: readonly AccountSpec[], path: string): Problem[] {
  const found: Problem[] = [];
  for (const one of sharing.exports) {
    if (Object.keys(one.revoked).length > 0)
      found.push(
        only(
          `${path}.exports.${one.name}.revoked`,
          "revoked activations",
          "remove the import instead: private exports name their importers",
        ),
      );
  }
  for (const one of sharing.imports) {
    const at = `${path}.imports.${one.name}`;
    if (one.activation !== undefined)
      found.push(only(`${at}.activation`, "an activation", "make the exporter an account of this catalogue"));
    if (accounts.every(({ name }) => name !== one.from))
      found.push(only(`${at}.from`, "an account by its public key", "name an account of this catalogue"));
  }
  if (sharing.externalAuthorization !== undefined)
    found.push(
      only(`${path}.externalAuthorization`, "a service for logins in one account", "write authorization.auth_callout under serverConfig"),
    );
  if (Object.keys(sharing.revoked).length > 0) found.push(only(`${path}.revoked`, "revoked credentials", "rotate or remove the users"));
  return found;
}

const UNKNOWN_LIMITS: Readonly<Partial<Record<keyof UserLimits, string>>> = {
  sources: "sources",
  times: "times",
  timeZone: "timeZone",
  subscriptions: "subscriptions",
  payloadBytes: "payload",
  dataBytes: "data",
  bearer: "bearer",
};

function roleProblems({ roles }: AccountSpec, path: string): Problem[] {
  return Object.entries(roles).flatMap(([name, { limits = {}, publish, subscribe }]) => {
    const at = `${path}.roles.${name}`;
    const found = Object.keys(limits).flatMap((key) => {
      const setting = UNKNOWN_LIMITS[key as keyof UserLimits];
      return setting === undefined ? [] : [only(`${at}.${setting}`, `${setting} of a user`, "remove it, or limit the account")];
    });
    const subjects = [publish, subscribe].flatMap(({ allow, deny }) => [...allow, ...deny]);
    const template = subjects.find((subject) => subject.replaceAll("{{name()}}", "").includes("{{"));
    return template === undefined ? found : [...found, only(at, `the template "${template}"`, "write the subject out, or use {{name()}}")];
  });
}

function userProblems({ users }: AccountSpec, path: string): Problem[] {
  return Object.entries(users).flatMap(([name, user]) => {
    const at = `${path}.users.${name}`;
    const found: Problem[] = [];
    if (user.lifetimeMs > 0)
      found.push(only(`${at}.lifetime`, "credentials that end by themselves", "remove it, and rotate the user when it is time"));
    if (user.tags !== undefined) found.push(only(`${at}.tags`, "tags", "remove them"));
    if (name.endsWith("~")) found.push(only(at, "a user whose name ends with ~, as second logins do", "choose another name"));
    return found;
  });
}

function only(path: string, what: string, remedy: string): Problem {
  return {
    code: "ERR_AUTH_MODE",
    path,
    message: `the server configuration knows no ${what.replace(/^(a|an|the) /, "")}; auth.mode jwt does`,
    remedy,
  };
}
