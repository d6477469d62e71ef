/** What the servers' configuration says about accounts whose users stand in it. Pure. */
import { renderAccountsBlock } from "../accounts/config-block.ts";
import { PROVISIONER } from "../accounts/identity.ts";
import type { AccountSpec } from "../accounts/spec.ts";
import type { ServerIdentity } from "./server-plan.ts";

/** Map keyed by user name: the logins in force. */
export type Logins = Parameters<typeof renderAccountsBlock>[1];

/** The accounts with the user that natsbus itself connects as. */
export function withProvisioner(accounts: readonly AccountSpec[]): readonly AccountSpec[] {
  const own = { [PROVISIONER]: { role: PROVISIONER, lifetimeMs: 0, renewBeforeMs: 0 } };
  return accounts.map((account) => (account.system ? { ...account, users: { ...account.users, ...own } } : account));
}

/** Who may connect, once the logins are made.
 * @param accounts those of {@link withProvisioner} */
export function configModeIdentity(accounts: readonly AccountSpec[], logins: Logins): ServerIdentity {
  const system = accounts.find((account) => account.system);
  const systemAccount = system === undefined ? {} : { systemAccount: system.name };
  return { kind: "accounts", accounts: renderAccountsBlock(accounts, logins), ...systemAccount };
}
