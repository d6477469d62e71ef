/** Reads the keys that sign the users of the bus's account from the state, when the passphrase is at hand. */

import type { AccountState } from "../accounts/account-model.ts";
import { applyAccount } from "../accounts/account-operations.ts";
import { BUS_ACCOUNT } from "../accounts/catalog.ts";
import type { AccountKeysState } from "../accounts/model.ts";
import { isBusError } from "../core/errors.ts";
import type { Snapshot } from "../engine/model.ts";
import { loadState } from "../engine/recorder.ts";
import { openStack } from "../engine/stack.ts";
import { unwrapSecrets } from "../engine/traversal.ts";
import type { PropertyMap } from "../engine/values.ts";
import type { AccountSigner, Context } from "../operations/verify/context.ts";
import { type PlaceOptions, stackName, startFolder } from "./session.ts";

const KEYS_TYPE = "pulumi-nodejs:dynamic/natsbus/accounts:AccountKeys";
const ACCOUNT_TYPE = "pulumi-nodejs:dynamic/natsbus/accounts:Account";

/** What signs users of the account with the streams, or why it is not at hand. Nobody is asked for a passphrase. */
export async function readSigner(options: PlaceOptions): Promise<Context["signer"]> {
  try {
    const { address, secrets } = await openStack({ directory: startFolder(options), stack: stackName(options), onNotice: () => undefined });
    return findSigner(loadState(address, secrets)) ?? { missing: `the stack has no keys of an account ${BUS_ACCOUNT}` };
  } catch (error) {
    if (isBusError(error)) return { missing: error.message };
    throw error;
  }
}

function findSigner(snapshot: Snapshot | undefined): AccountSigner | undefined {
  const bags = (type: string): PropertyMap[] =>
    (snapshot?.resources ?? [])
      .filter((entry) => entry.type === type && entry.delete !== true)
      .map((entry) => unwrapSecrets<PropertyMap>({ ...entry.inputs, ...entry.outputs }));
  const keys = bags(KEYS_TYPE).find((bag) => bag["account"] === BUS_ACCOUNT) as unknown as AccountKeysState | undefined;
  const account = bags(ACCOUNT_TYPE).find((bag) => bag["name"] === BUS_ACCOUNT) as unknown as AccountState | undefined;
  if (keys === undefined) return undefined;
  const { publicKey, roleSeeds } = keys;
  return { account: BUS_ACCOUNT, publicKey, roleSeeds, ...(account === undefined ? {} : { revoke: revoker(account) }) };
}

/** One more revocation on top of those in force, taken back by pushing the account as it was. */
function revoker({ __provider: _, ...account }: AccountState & { readonly __provider?: unknown }): NonNullable<AccountSigner["revoke"]> {
  return async (userKey) => {
    const own = { ...account.revoked[BUS_ACCOUNT], [userKey]: Math.floor(Date.now() / 1000) };
    await applyAccount({ ...account, revoked: { ...account.revoked, [BUS_ACCOUNT]: own } });
    return async () => void (await applyAccount(account));
  };
}
