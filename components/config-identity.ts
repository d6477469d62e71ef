/** The identities of a bus whose users stand in the server configuration. */
import * as pulumi from "@pulumi/pulumi";
import { ADMIN_USER } from "../accounts/catalog.ts";
import { PROVISIONER } from "../accounts/identity.ts";
import { CredentialsFiles, PlainUsers } from "../accounts/resource.ts";
import type { AccountSpec } from "../accounts/spec.ts";
import { configModeIdentity, withProvisioner } from "./config-accounts.ts";
import type { Identity, IdentityContext } from "./identity-model.ts";
import type { ResolvedBus } from "./resolve.ts";

/** Makes the logins, and what every server's configuration says about them; there is nothing to push afterwards. */
export function createConfigIdentity({ spec, accounts: declared }: ResolvedBus, { name, options, bundle }: IdentityContext): Identity {
  const accounts = withProvisioner(declared);
  const logins = new PlainUsers(
    `${name}-logins`,
    { ...plainUsers(accounts), ...generationsOf(accounts, spec.auth.rotations.users) },
    options,
  );
  const { directory } = spec.process;
  const credentials = logins.credentials.apply(({ [PROVISIONER]: _own, ...others }) => others);
  const files = new CredentialsFiles(`${name}-files`, { directory, credentials, ca: bundle }, options);
  const target = logins.logins.apply((known) => configModeIdentity(accounts, known));
  const admin = logins.credentials.apply((texts) => texts[ADMIN_USER] ?? "");
  // Hashes of passwords are no secret worth the name, but nobody's business either.
  const own = logins.credentials.apply((texts) => texts[PROVISIONER] ?? "");
  return { target: pulumi.secret(target), admin, files: files.files, credentials, system: own, push: () => [] };
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
