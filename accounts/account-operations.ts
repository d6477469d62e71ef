/** What the account resource does when Pulumi asks. */
import { isDeepStrictEqual } from "node:util";
import { BusError } from "../core/errors.ts";
import { publicKeyOf } from "../core/nats-keys.ts";
import { progress } from "../core/progress.ts";
import { reporting } from "../core/reporting.ts";
import { isUnknown } from "../core/unknown.ts";
import type { AccountInputs, AccountState } from "./account-model.ts";
import { renderActivations } from "./activation.ts";
import { accountClaims, normaliseClaims } from "./claims.ts";
import { deletionRequest } from "./deletion.ts";
import { accountDrift } from "./drift.ts";
import { hasJetStream } from "./limits.ts";
import { natsAccountPort } from "./nats-port.ts";
import type { AccountPort } from "./port.ts";
import { lookUpAccount, observeAccount, type PlacedAccount, reconcileAccount } from "./reconcile.ts";
import type { SignedClaims } from "./token.ts";

const LOOK_TIMEOUT_MS = 2_000;

/** A refusal as Pulumi shows it: which property, and why. */
export interface Refusal {
  /** Property path. */
  readonly property: string;
  /** What is wrong and what to do, with the error code. */
  readonly reason: string;
}

/** Refuses, in previews too, what would hide or orphan the account's streams. */
export function checkAccount(olds: Partial<AccountInputs>, news: AccountInputs): { inputs: AccountInputs; failures: Refusal[] } {
  const failures: Refusal[] = [];
  const was = olds.publicKey;
  if (was !== undefined && !isUnknown([was, news.publicKey]) && was !== news.publicKey) {
    const reason = `account ${news.name} would get another identity, and its streams would stay behind in the old one; keep the account's keys, or give the new account another name [ERR_ACCOUNT_REPLACE]`;
    failures.push({ property: "publicKey", reason });
  }
  if (olds.limits !== undefined && !isUnknown([olds.limits, news.limits]) && hasJetStream(olds.limits) && !hasJetStream(news.limits)) {
    const reason = `account ${news.name} would lose JetStream: its streams stay on disk but cannot be reached, also after it is back; keep limits.jetstream, or move the streams first [ERR_ACCOUNT_JETSTREAM]`;
    failures.push({ property: "limits.jetstream", reason });
  }
  return { inputs: news, failures };
}

/**
 * As {@link checkAccount}; also refuses, in previews too, to let go of another account of the bus that holds streams, as the servers say now.
 */
export async function checkAccounts(
  olds: Partial<AccountInputs>,
  news: AccountInputs,
): Promise<{ inputs: AccountInputs; failures: Refusal[] }> {
  const { inputs, failures } = checkAccount(olds, news);
  return { inputs, failures: [...failures, ...(await lostStreams(olds, news))] };
}

async function lostStreams({ companions = {}, connection, servers = [] }: Partial<AccountInputs>, news: AccountInputs): Promise<Refusal[]> {
  const gone = Object.entries(companions).filter(([account]) => news.companions !== undefined && news.companions[account] === undefined);
  if (gone.length === 0 || connection === undefined || isUnknown([gone, connection])) return [];
  const port = natsAccountPort({ ...connection, timeoutMs: LOOK_TIMEOUT_MS });
  const refusals = gone.map(async ([account, key]): Promise<Refusal[]> => {
    // Of servers that do not answer nobody knows what they hold.
    const streams = await port.countStreams(key, servers.length).catch(() => undefined);
    if (streams === 0) return [];
    const what = streams === undefined ? "may hold streams, and not every server says" : `holds ${streams} streams`;
    const reason = `account ${account} ${what}: without its keys, which would go with it, nobody could reach them any more; delete the streams first, or keep the account [ERR_ACCOUNT_IN_USE]`;
    return [{ property: `companions.${account}`, reason }];
  });
  return (await Promise.all(refusals)).flat();
}

/** Whether the account has to be pushed: its inputs changed, or the servers were seen with something else. */
export function diffAccount(olds: AccountState, { companions: _are, ...wanted }: AccountInputs): { changes: boolean } {
  // In the preview of a change elsewhere the connection may not be known yet; most likely it stays what it is.
  const news = isUnknown(wanted.connection) ? { ...wanted, connection: olds.connection } : wanted;
  if (isUnknown(news)) return { changes: true };
  const { issuedAt, inForce, drift = [], companions: _were, ...before } = withoutProvider(olds);
  if (drift.length > 0) return { changes: true };
  if (!isDeepStrictEqual(before, withoutProvider(news))) return { changes: true };
  return { changes: !isDeepStrictEqual(inForce, normaliseClaims(accountClaims(specOf(news), issuedAt))) };
}

/** Brings the account to all servers; also what an update does. */
export async function applyAccount(inputs: AccountInputs): Promise<{ id: string; outs: AccountState }> {
  progress(`account ${inputs.name}: pushing to ${inputs.servers.length} servers`);
  const claims = await reconcileAccount(portOf(inputs), specOf(inputs), () => new Date());
  return { id: inputs.publicKey, outs: stateOf(inputs, claims) };
}

/** The account as the servers have it now, and which of them have another version than was brought to them; `id` is empty when no server has it. */
export async function readAccount(state: AccountState): Promise<{ id: string; props?: AccountState }> {
  const { claims, seen } = await lookUpAccount(portOf(state), state);
  if (claims === undefined) return { id: "" };
  const { drift: _before, ...known } = state;
  const drift = accountDrift(seen, { ...state, signers: [publicKeyOf(state.signingSeed)] }, new Date());
  return { id: state.publicKey, props: { ...stateOf(known, claims), ...(drift.length === 0 ? {} : { drift }) } };
}

/**
 * Forgets the account, and removes it from the servers if its `deletionPolicy` says so.
 * @throws ERR_ACCOUNT_IN_USE when it still has streams, which nobody could reach any more
 */
export async function deleteAccount(state: AccountState): Promise<void> {
  if (state.deletionPolicy !== "delete") return;
  const port = portOf(state);
  if ((await observeAccount(port, state)) === undefined) return;
  const streams = await port.countStreams(state.publicKey, state.servers.length);
  if (streams === undefined) {
    throw new BusError(
      "ERR_ACCOUNT_UNREACHABLE",
      `account ${state.name} was not deleted: not every server says whether it holds streams of it`,
      {
        remedy: "start what does not run and repeat",
      },
    );
  }
  if (streams > 0) {
    throw new BusError("ERR_ACCOUNT_IN_USE", `account ${state.name} still has ${streams} streams and was not deleted`, {
      remedy: "delete the streams first, or set deletionPolicy to retain",
    });
  }
  const answers = await port.remove(deletionRequest(state.publicKey, state.signingSeed, new Date()), state.servers.length);
  const refused = answers.filter((answer) => answer.refusal !== undefined).map((answer) => `${answer.server}: ${answer.refusal}`);
  if (refused.length > 0 || answers.length < state.servers.length) {
    // A server that missed the deletion would give the account back to the others.
    throw new BusError(
      "ERR_ACCOUNT_PUSH",
      `account ${state.name} is not deleted on every server: ${refused.join("; ") || "not all answered"}`,
      {
        remedy: 'see "natsbus status" and repeat',
      },
    );
  }
}

/** Operations of the account resource, as its provider calls them. */
export const account = reporting({
  check: checkAccounts,
  diff: diffAccount,
  create: applyAccount,
  read: readAccount,
  delete: deleteAccount,
});

function specOf(inputs: AccountInputs): PlacedAccount {
  const { name, publicKey, description, limits, servers, signingSeed, sharing, accountKeys = {}, userKeys = {} } = inputs;
  const roles = Object.entries(inputs.roles).flatMap(([role, permissions]) =>
    [inputs.roleKeys[role] ?? "", inputs.retiringRoleKeys?.[role]].flatMap((key) =>
      key === undefined ? [] : [{ role, permissions, publicKey: key }],
    ),
  );
  const body = { name, publicKey, limits, roles, servers, signingSeed, revocations: { ...sharing?.revoked, ...inputs.revoked[name] } };
  const activations = renderActivations(sharing?.imports ?? [], publicKey, inputs.exporterSeeds ?? {}, unixSeconds());
  return {
    ...body,
    ...(description === undefined ? {} : { description }),
    ...(sharing === undefined ? {} : { sharing, sharingKeys: { accounts: accountKeys, users: userKeys, activations } }),
  };
}

function unixSeconds(): number {
  return Math.floor(Date.now() / 1000);
}

function stateOf(inputs: AccountInputs, claims: SignedClaims): AccountState {
  return { ...inputs, issuedAt: claims.iat, inForce: normaliseClaims(claims) };
}

function portOf(inputs: AccountInputs): AccountPort {
  return natsAccountPort(inputs.connection);
}

/** The provider's own text travels along with the properties. */
function withoutProvider<T extends object>(properties: T): T {
  const { __provider, ...rest } = properties as T & { __provider?: unknown };
  return rest as T;
}
