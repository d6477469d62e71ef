/** Users of the server configuration: nkeys and passwords, issued, kept and rotated by comparing with the set before. */
import { randomBytes } from "node:crypto";
import { hash } from "bcryptjs";
import { renderPasswordLogin } from "../core/login.ts";
import { createKey } from "../core/nats-keys.ts";
import { nextPhases, type RotationPhase } from "./rotation.ts";

/** How a user of the server configuration proves who it is. */
export type LoginKind = "nkey" | "password";

/** A login as the server configuration has it. */
export type PlainLogin = { readonly nkey: string } | { readonly user: string; readonly password: string };

/** What a set of such users is made from. */
export interface PlainUsersInputs {
  /** Map keyed by user name: kind of its login. */
  readonly users: Readonly<Record<string, LoginKind>>;
  /** Map keyed by user name: where it belongs; shown to people only. */
  readonly places: Readonly<Record<string, { readonly account: string; readonly role: string }>>;
  /** Map keyed by user name: how often its login is to have been rotated.
   * @default {} */
  readonly generations?: Readonly<Record<string, number>>;
  /** Map keyed by user name: where its rotation stands; planned by `check`. */
  readonly phases?: Readonly<Record<string, RotationPhase>>;
}

/** A set of such users with their logins. */
export interface PlainUsersState extends PlainUsersInputs {
  /** Map keyed by user name: text of its credentials file. A secret. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Map keyed by user name: its logins in force, the present one first; two during a rotation. Passwords are bcrypt hashes. A secret all the same. */
  readonly logins: Readonly<Record<string, readonly PlainLogin[]>>;
}

const PASSWORD_BYTES = 24;
// What the server's own tool takes; each step doubles the time of every login.
const BCRYPT_COST = 11;

/** The rotation of every user. */
export function planPlainPhases(inputs: PlainUsersInputs, olds: Partial<PlainUsersInputs>, now: Date): Record<string, RotationPhase> {
  const want = { generations: inputs.generations ?? {}, isNew: (name: string) => olds.users?.[name] === undefined };
  return nextPhases(Object.keys(inputs.users), want, olds.phases ?? {}, now);
}

/** Logins for every user. One about which nothing changed keeps its own; one of another kind gets a new one at once, without overlap. */
export async function issuePlainUsers(before: PlainUsersState | undefined, inputs: PlainUsersInputs, now: Date): Promise<PlainUsersState> {
  const phases = inputs.phases ?? planPlainPhases(inputs, before ?? {}, now);
  const issued = await Promise.all(
    Object.entries(inputs.users).map(async ([name, kind]) => [name, await issueOne(before, { name, kind, phase: phases[name] })] as const),
  );
  return {
    ...inputs,
    phases,
    credentials: Object.fromEntries(issued.map(([name, one]) => [name, one.credentials])),
    logins: Object.fromEntries(issued.map(([name, one]) => [name, one.logins])),
  };
}

interface Issued {
  readonly credentials: string;
  readonly logins: readonly PlainLogin[];
}

async function issueOne(
  before: PlainUsersState | undefined,
  { name, kind, phase }: { readonly name: string; readonly kind: LoginKind; readonly phase: RotationPhase | undefined },
): Promise<Issued> {
  const generation = phase?.generation ?? 0;
  const [credentials, logins] = [before?.credentials[name], before?.logins[name]];
  const [present] = logins ?? [];
  if (before === undefined || credentials === undefined || logins === undefined || present === undefined || before.users[name] !== kind)
    return issue(kind, plainName(name, generation));
  if ((before.phases?.[name]?.generation ?? 0) === generation)
    return { credentials, logins: phase?.overlapSince === undefined ? [present] : logins };
  const next = await issue(kind, plainName(name, generation));
  return { ...next, logins: [...next.logins, present] };
}

/** Two logins of one user cannot share a name in the configuration, so that every other password has one of its own. */
function plainName(name: string, generation: number): string {
  return generation % 2 === 0 ? name : `${name}~`;
}

async function issue(kind: LoginKind, user: string): Promise<Issued> {
  if (kind === "nkey") {
    const key = createKey("user");
    return { credentials: `${key.seed}\n`, logins: [{ nkey: key.publicKey }] };
  }
  const password = randomBytes(PASSWORD_BYTES).toString("base64url");
  return { credentials: renderPasswordLogin(user, password), logins: [{ user, password: await hash(password, BCRYPT_COST) }] };
}
