/** What must hold between accounts, roles and users. Pure. */
import type { Problem } from "../core/errors.ts";
import { renderDuration } from "../core/units.ts";
import { PROVISIONER } from "./identity.ts";
import type { ParsedAccount } from "./schema.ts";

type Named = readonly (readonly [string, ParsedAccount])[];

/** Every broken rule.
 * @param context.root where the accounts stand in the user's file
 * @param context.complete whether these are all accounts; false when some could not be read, which may be the one that is missed */
export function findAccountProblems(accounts: Named, context: { readonly root: string; readonly complete: boolean }): Problem[] {
  const { root } = context;
  return [
    ...systemProblems(accounts, context),
    ...accounts.flatMap(([name, account]) => userProblems(account, `${root}.${name}`)),
    ...accounts.flatMap(([name, account]) => ownerProblems(name, account, root)),
    ...repeatedUsers(accounts, root),
  ];
}

function systemProblems(accounts: Named, { root, complete }: { readonly root: string; readonly complete: boolean }): Problem[] {
  const system = accounts.filter(([, account]) => account.system);
  const problems = system.flatMap(([name, account]): Problem[] => [
    ...(account.limits.jetstream
      ? [problem(`${root}.${name}.limits.jetstream`, "the system account cannot have JetStream", "remove it")]
      : []),
    ...(PROVISIONER in account.roles
      ? [problem(`${root}.${name}.roles.${PROVISIONER}`, "natsbus keeps this role for itself", "choose another name")]
      : []),
  ]);
  if (system.length === 1 || (system.length === 0 && !complete)) return problems;
  const names = system.map(([name]) => name).join(", ");
  const what = system.length === 0 ? "no account is the system account" : `${names} are all marked as the system account`;
  return [...problems, problem(root, `${what}; exactly one must be`, 'set "system: true" in one account')];
}

function userProblems(account: ParsedAccount, path: string): Problem[] {
  const roles = Object.keys(account.roles);
  return Object.entries(account.users).flatMap(([name, user]) => {
    const role = user.role ?? name;
    const found: Problem[] = [...rightsProblems(account, name, path)];
    if (user.rights === undefined && !roles.includes(role))
      found.push(
        problem(
          `${path}.users.${name}.role`,
          `there is no role "${role}"; the account has ${roles.join(", ") || "none"}`,
          "choose one of them",
        ),
      );
    if (user.renewBefore !== undefined && user.lifetime > 0 && user.renewBefore >= user.lifetime) {
      const times = `renewal ${renderDuration(user.renewBefore)} before the end does not fit into a lifetime of ${renderDuration(user.lifetime)}`;
      found.push(problem(`${path}.users.${name}.renewBefore`, times, "renew later, or let the credentials live longer"));
    }
    return found;
  });
}

/** Rights of a user's own make a role of its name. */
function rightsProblems({ roles, users }: ParsedAccount, name: string, path: string): Problem[] {
  const { rights, role } = users[name] ?? {};
  if (rights === undefined) return [];
  if (role !== undefined)
    return [problem(`${path}.users.${name}.rights`, "the user has both a role and rights of its own", "keep one of them")];
  if (roles[name] === undefined) return [];
  return [
    problem(`${path}.users.${name}.rights`, `there is a role "${name}", and rights of the user's own would be one too`, "rename one"),
  ];
}

/** Streams are made with a user of their account, so one must be able to. */
function ownerProblems(name: string, account: ParsedAccount, root: string): Problem[] {
  if (account.system || account.limits.jetstream === false) return [];
  const able = Object.entries(account.users).some(
    ([user, { role, rights }]) => (rights ?? account.roles[role ?? user])?.everything === true,
  );
  const remedy = 'keep the user "admin", or give another user a role with "everything: true"';
  return able ? [] : [problem(`${root}.${name}.users`, "no user may do everything, so nobody could make this account's streams", remedy)];
}

function repeatedUsers(accounts: Named, root: string): Problem[] {
  const holders = Map.groupBy(
    accounts.flatMap(([account, { users }]) => Object.keys(users).map((user) => ({ account, user }))),
    ({ user }) => user,
  );
  return [...holders.values()].flatMap((group) =>
    group
      .slice(1)
      .map(({ account, user }) =>
        problem(
          `${root}.${account}.users.${user}`,
          `user "${user}" is in ${group[0]?.account} too; credentials files are named after users`,
          "give it another name",
        ),
      ),
  );
}

function problem(path: string, message: string, remedy: string): Problem {
  return { code: "ERR_ACCOUNT_ARGS", path, message, remedy };
}
