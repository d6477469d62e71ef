/** What `status` and `preview` tell of accounts: which servers lag or have a version that nobody can use. */
import { inboxPrefix } from "../accounts/roles.ts";
import { closeConnections } from "../connection/pool.ts";
import type { ConnectionSpec } from "../core/connection.ts";
import { isBusError } from "../core/errors.ts";
import { type AccountLook, lookAtAccounts } from "../operations/account-drift.ts";
import { resolveConnection } from "./bus-access.ts";
import type { BusPlace } from "./bus-state.ts";
import { readAccess } from "./existing-access.ts";
import type { StatusProblem } from "./reporters/status.ts";
import { openBus, type PlaceOptions } from "./session.ts";
import type { Terminal } from "./terminal.ts";

const SYSTEM_ROLE = "monitoring";
const LOOK_TIMEOUT_MS = 2_000;

/** Looks at the accounts of a stack; nothing when it has none, or nobody may or can ask. Never fails: that servers do not answer is told elsewhere. */
export async function lookAtStackAccounts(place: BusPlace): Promise<readonly AccountLook[]> {
  if (place.bus.accounts.length === 0) return [];
  try {
    const system = await systemConnection(place);
    return system === undefined ? [] : await lookAtAccounts({ ...system, timeoutMs: LOOK_TIMEOUT_MS }, place.bus.accounts);
  } catch (error) {
    if (isBusError(error)) return [];
    throw error;
  }
}

/** As problems, with what to do. */
export function accountProblems(stack: string, looks: readonly AccountLook[]): readonly StatusProblem[] {
  return looks.flatMap(({ name, drift }) =>
    drift.map((sentence) => ({
      what: `account ${name} on ${sentence}`,
      remedy: `bring the declared version to all servers with \`natsbus up --stack ${stack} --refresh\``,
    })),
  );
}

/** Tells beside a plan which servers differ: what it compares, the state, knows nothing of them. */
export async function tellAccounts(options: PlaceOptions, terminal: Terminal): Promise<void> {
  const place = await openBus(options);
  const looks = await lookAtStackAccounts(place).finally(closeConnections);
  for (const { what, remedy } of accountProblems(place.stack, looks))
    terminal.err(`${terminal.errPalette.warning("note:")} ${what}\n      ${remedy}\n`);
}

async function systemConnection(place: BusPlace): Promise<ConnectionSpec | undefined> {
  if (place.bus.existing !== undefined) return (await readAccess(place)).system;
  const user = place.bus.users.find(({ role }) => role === SYSTEM_ROLE);
  return user === undefined ? undefined : { ...(await resolveConnection(place, user.name)), inboxPrefix: inboxPrefix(user.name) };
}
