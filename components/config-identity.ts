/** The identities of a bus whose users stand in the server configuration. */
import * as pulumi from "@pulumi/pulumi";
import { ADMIN_USER } from "../accounts/catalog.ts";
import { renderAccountsBlock } from "../accounts/config-block.ts";
import { PROVISIONER } from "../accounts/identity.ts";
import { CredentialsFiles, PlainUsers } from "../accounts/resource.ts";
import type { AccountSpec } from "../accounts/spec.ts";
import type { Identity, IdentityContext } from "./identity-model.ts";
import type { ResolvedBus } from "./resolve.ts";
import type { ServerIdentity } from "./server-plan.ts";

/** Makes the logins, and what every server's configuration says about them; there is nothing to push afterwards. */
export function createConfigIdentity({ spec, accounts: declared }: ResolvedBus, { name, options, bundle }: IdentityContext): Identity {
  const accounts = declared.map(withProvisioner);
  const logins = new PlainUsers(
    `${name}-logins`,
    { ...plainUsers(accounts), ...generationsOf(accounts, spec.auth.rotations.users) },
    options,
  );
  const { directory } = spec.process;
  const credentials = logins.credentials.apply(({ [PROVISIONER]: _own, ...others }) => others);
  const files = new CredentialsFiles(`${name}-files`, { directory, credentials, ca: bundle }, options);
  const system = accounts.find((account) => account.system);
  const target = logins.logins.apply(
    (known): ServerIdentity => ({
      kind: "accounts",
      accounts: renderAccountsBlock(accounts, known),
      ...(system === undefined ? {} : { systemAccount: system.name }),
    }),
  );
  const admin = logins.credentials.apply((texts) => texts[ADMIN_USER] ?? "");
  // Hashes of passwords are no secret worth the name, but nobody's business either.
  const own = logins.credentials.apply((texts) => texts[PROVISIONER] ?? "");
  return { target: pulumi.secret(target), admin, files: files.files, credentials, system: own, push: () => [] };
}

/** The system account with the user that natsbus itself connects as. */
function withProvisioner(account: AccountSpec): AccountSpec {
  if (!account.system) return account;
  return { ...account, users: { ...account.users, [PROVISIONER]: { role: PROVISIONER, lifetimeMs: 0, renewBeforeMs: 0 } } };
}

function plainUsers(accounts: readonly AccountSpec[]) {
  const users = accounts.flatMap(({ name, users: own }) => Object.entries(own).map(([user, spec]) => ({ user, account: name, spec })));
  return {
    users: Object.fromEntries(users.map(({ user, spec }) => [user, spec.login ?? ("nkey" as const)])),
    places: Object.fromEntries(users.map(({ user, account, spec }) => [user, { account, role: spec.role }])),
  };
}

function generationsOf(accounts: readonly AccountSpec[], generations: Readonly<Record<string, number>>) {
  const known = new Set(accounts.flatMap(({ users }) => Object.keys(users)));
  const own = Object.entries(generations).filter(([user]) => known.has(user));
  return own.length === 0 ? {} : { generations: Object.fromEntries(own) };
}
