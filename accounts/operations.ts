/** What the identity resources that need no server do when Pulumi asks. */
import { isDeepStrictEqual } from "node:util";
import { BusError } from "../core/errors.ts";
import { publicKeyOf } from "../core/nats-keys.ts";
import { progress } from "../core/progress.ts";
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
import { keepSeed } from "./kept-seed.ts";
import type { AccountKeysInputs, AccountKeysState, OperatorInputs, OperatorState, UsersInputs, UsersState } from "./model.ts";
import { issuePlainUsers, type PlainUsersInputs, type PlainUsersState, planPlainPhases } from "./plain-users.ts";
import { nextPhase, type RotationPhase } from "./rotation.ts";
import { issueUsers, planUserPhases, planUsers } from "./users.ts";

/** Operations of the operator resource. */
export const operator = {
  /** Plans the rotation of the signing key, so that a preview shows it. */
  check: (olds: Partial<OperatorInputs>, news: OperatorInputs): { inputs: OperatorInputs; failures: Refusal[] } =>
    withPhase(olds, news, "name"),
  /** Whether roles, names or the signing key change. */
  diff: (olds: OperatorState, news: OperatorInputs): { changes: boolean } => ({
    changes: differs(olds, news, ["name", "systemAccount", "systemRoles", "phase"]),
  }),
  /** Makes all keys. */
  create(inputs: OperatorInputs): { id: string; outs: OperatorState } {
    const state = createOperator(inputs, new Date());
    return { id: state.publicKey, outs: state };
  },
  /** Makes the keys of new roles, drops those of lost ones. */
  update: (olds: OperatorState, news: OperatorInputs): { outs: OperatorState } => ({ outs: updateOperator(olds, news, new Date()) }),
};

/** Operations of the account keys resource. */
export const accountKeys = reporting({
  /** Plans the rotation of the signing keys, so that a preview shows it. */
  check: async (olds: Partial<AccountKeysInputs>, news: AccountKeysInputs): Promise<{ inputs: AccountKeysInputs; failures: Refusal[] }> =>
    withPhase(olds, news, "account"),
  /**
   * Whether the roles or the signing keys change.
   * @throws ERR_ACCOUNT_REPLACE when another key is given: what the account holds would stay behind in the old one
   */
  async diff(olds: AccountKeysState, news: AccountKeysInputs): Promise<{ changes: boolean }> {
    assertSameAccount(olds, news);
    return { changes: differs(olds, news, ["account", "roles", "phase", "keptIn"]) };
  },
  /** Makes all keys. */
  async create(inputs: AccountKeysInputs): Promise<{ id: string; outs: AccountKeysState }> {
    const state = createAccountKeys(inputs);
    return { id: state.publicKey, outs: state };
  },
  /** Makes the keys of new roles, drops those of lost ones. */
  update: async (olds: AccountKeysState, news: AccountKeysInputs): Promise<{ outs: AccountKeysState }> => ({
    outs: updateAccountKeys(olds, news),
  }),
  /** Keeps the seed where it is to be kept: without it nobody could ever reach what the account holds. */
  async delete({ account, keptIn, seed }: AccountKeysState): Promise<void> {
    if (keptIn === undefined) return;
    await keepSeed(keptIn, seed);
    progress(`account ${account} stays on the servers; its key is kept in ${keptIn}, a secret`);
  },
});

/** Operations of the users resource. */
export const users = {
  /** Plans every user's validity, so that a preview shows renewals. */
  check(olds: Partial<UsersInputs>, news: UsersInputs): { inputs: UsersInputs; failures: Refusal[] } {
    if (isUnknown(news.users)) return { inputs: news, failures: [] };
    const now = new Date();
    const plan = { validity: planUsers(news, olds.validity ?? {}, now), phases: planUserPhases(news, olds, now) };
    return { inputs: { ...news, ...plan }, failures: roleFailures(news) };
  },
  /** Whether any credentials have to be issued or revoked. */
  diff: (olds: UsersState, news: UsersInputs): { changes: boolean } => ({
    changes:
      isUnknown(news) || differs(olds, news, ["users", "accounts", "validity"]) || !isDeepStrictEqual(olds.phases ?? {}, news.phases ?? {}),
  }),
  /** Issues all credentials. */
  create: (inputs: UsersInputs): { id: string; outs: UsersState } => ({ id: "users", outs: issueUsers(undefined, inputs, new Date()) }),
  /** Issues what is new or due, keeps the rest. */
  update: (olds: UsersState, news: UsersInputs): { outs: UsersState } => ({ outs: issueUsers(olds, news, new Date()) }),
};

/** Operations of the resource of users in the server configuration. */
export const plainUsers = {
  /** Plans every user's rotation, so that a preview shows it. */
  check(olds: Partial<PlainUsersInputs>, news: PlainUsersInputs): { inputs: PlainUsersInputs; failures: Refusal[] } {
    return { inputs: { ...news, phases: planPlainPhases(news, olds, new Date()) }, failures: [] };
  },
  /** Whether any login has to be made, rotated or ended. */
  diff: (olds: PlainUsersState, news: PlainUsersInputs): { changes: boolean } => ({
    changes: differs(olds, news, ["users", "places", "phases"]),
  }),
  /** Makes all logins. */
  create: async (inputs: PlainUsersInputs): Promise<{ id: string; outs: PlainUsersState }> => ({
    id: "users",
    outs: await issuePlainUsers(undefined, inputs, new Date()),
  }),
  /** Makes what is new or rotated, keeps the rest. */
  update: async (olds: PlainUsersState, news: PlainUsersInputs): Promise<{ outs: PlainUsersState }> => ({
    outs: await issuePlainUsers(olds, news, new Date()),
  }),
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

interface Rotated {
  readonly generation?: number;
  readonly phase?: RotationPhase;
}

/** The inputs with the phase of their rotation. @param made property that is known as soon as anything was made */
function withPhase<T extends Rotated>(olds: Partial<T>, news: T, made: keyof T): { inputs: T; failures: Refusal[] } {
  const phase = nextPhase(olds.phase, { generation: news.generation ?? 0, isNew: olds[made] === undefined }, new Date());
  return { inputs: phase === undefined ? news : { ...news, phase }, failures: [] };
}

function assertSameAccount(olds: AccountKeysState, { account, givenSeed }: AccountKeysInputs): void {
  if (givenSeed === undefined || isUnknown(givenSeed) || publicKeyOf(givenSeed) === olds.publicKey) return;
  throw new BusError(
    "ERR_ACCOUNT_REPLACE",
    `account ${account} has the key ${olds.publicKey}, and the seed that is given is another one's`,
    {
      path: `existing.accounts.${account}`,
      remedy: "give that key's seed, or none, or give the new account another name",
    },
  );
}

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
