/** What the identity resources that need no server do when Pulumi asks. */
import { isDeepStrictEqual } from "node:util";
import { reporting } from "../core/reporting.ts";
import { isUnknown } from "../core/unknown.ts";
import type { Refusal } from "./account-operations.ts";
import {
  type CredentialFilesInputs,
  type CredentialFilesState,
  readCredentialFiles,
  removeCredentialFiles,
  wantedDigests,
  writeCredentialFiles,
} from "./credential-files.ts";
import { createAccountKeys, createOperator, updateAccountKeys, updateOperator } from "./identity.ts";
import type { AccountKeysInputs, AccountKeysState, OperatorInputs, OperatorState, UsersInputs, UsersState } from "./model.ts";
import { issueUsers, planUsers } from "./users.ts";

/** Operations of the operator resource. */
export const operator = {
  /** Whether roles or names changed. */
  diff: (olds: OperatorState, news: OperatorInputs): { changes: boolean } => ({
    changes: differs(olds, news, ["name", "systemAccount", "systemRoles"]),
  }),
  /** Makes all keys. */
  create(inputs: OperatorInputs): { id: string; outs: OperatorState } {
    const state = createOperator(inputs, new Date());
    return { id: state.publicKey, outs: state };
  },
  /** Makes the keys of new roles, drops those of lost ones. */
  update: (olds: OperatorState, news: OperatorInputs): { outs: OperatorState } => ({ outs: updateOperator(olds, news) }),
};

/** Operations of the account keys resource. */
export const accountKeys = {
  /** Whether the roles changed. */
  diff: (olds: AccountKeysState, news: AccountKeysInputs): { changes: boolean } => ({ changes: differs(olds, news, ["account", "roles"]) }),
  /** Makes all keys. */
  create(inputs: AccountKeysInputs): { id: string; outs: AccountKeysState } {
    const state = createAccountKeys(inputs);
    return { id: state.publicKey, outs: state };
  },
  /** Makes the keys of new roles, drops those of lost ones. */
  update: (olds: AccountKeysState, news: AccountKeysInputs): { outs: AccountKeysState } => ({ outs: updateAccountKeys(olds, news) }),
};

/** Operations of the users resource. */
export const users = {
  /** Plans every user's validity, so that a preview shows renewals. */
  check(olds: Partial<UsersInputs>, news: UsersInputs): { inputs: UsersInputs; failures: Refusal[] } {
    if (isUnknown(news.users)) return { inputs: news, failures: [] };
    return { inputs: { ...news, validity: planUsers(news, olds.validity ?? {}, new Date()) }, failures: roleFailures(news) };
  },
  /** Whether any credentials have to be issued or revoked. */
  diff: (olds: UsersState, news: UsersInputs): { changes: boolean } => ({
    changes: isUnknown(news) || differs(olds, news, ["users", "accounts", "validity"]),
  }),
  /** Issues all credentials. */
  create: (inputs: UsersInputs): { id: string; outs: UsersState } => ({ id: "users", outs: issueUsers(undefined, inputs, new Date()) }),
  /** Issues what is new or due, keeps the rest. */
  update: (olds: UsersState, news: UsersInputs): { outs: UsersState } => ({ outs: issueUsers(olds, news, new Date()) }),
};

/** Operations of the credentials files resource. */
export const credentialFiles = reporting({
  /** Whether a file has to be written or removed: the inputs changed, or a file was seen missing, changed or open to others. */
  async diff(olds: CredentialFilesState, news: CredentialFilesInputs): Promise<{ changes: boolean; replaces: string[] }> {
    const replaces = olds.directory === news.directory ? [] : ["directory"];
    return { changes: isUnknown(news) || replaces.length > 0 || !isDeepStrictEqual(olds.digests, wantedDigests(news)), replaces };
  },
  /** Writes all files. */
  async create(inputs: CredentialFilesInputs): Promise<{ id: string; outs: CredentialFilesState }> {
    return { id: inputs.directory, outs: await writeCredentialFiles(inputs) };
  },
  /** Writes what changed, removes what is no longer wanted. */
  update: async (olds: CredentialFilesState, news: CredentialFilesInputs): Promise<{ outs: CredentialFilesState }> => ({
    outs: await writeCredentialFiles(news, olds),
  }),
  /** Looks at the files. */
  read: async (id: string, state: CredentialFilesState): Promise<{ id: string; props: CredentialFilesState }> => ({
    id,
    props: await readCredentialFiles(state),
  }),
  /** Removes the files. */
  delete: (state: CredentialFilesState): Promise<void> => removeCredentialFiles(state),
});

function roleFailures(inputs: UsersInputs): Refusal[] {
  if (isUnknown(inputs.accounts)) return [];
  return Object.entries(inputs.users).flatMap(([name, user]) => {
    if (inputs.accounts[user.account]?.roleSeeds[user.role] !== undefined) return [];
    return [
      {
        property: `users.${name}.role`,
        reason: `account ${user.account} has no role ${user.role}; choose one it has, or add it [ERR_ACCOUNT_ARGS]`,
      },
    ];
  });
}

function differs<T extends object>(olds: T, news: T, keys: readonly (keyof T)[]): boolean {
  return keys.some((key) => isUnknown(news[key]) || !isDeepStrictEqual(olds[key], news[key]));
}
