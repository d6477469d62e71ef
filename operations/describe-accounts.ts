/** Describes the accounts of a cluster with an operator as a catalogue would declare them, from their tokens. Pure. */
import { accountClaims, sameClaims } from "../accounts/claims.ts";
import { OWN_INBOX, OWN_RIGHTS } from "../accounts/roles.ts";
import { type AccountSpec, resolveAccounts } from "../accounts/spec.ts";
import { type Claims, type Json, renderSorted } from "../accounts/token.ts";
import { accountWords, scopes, shareName } from "./account-words.ts";
import type { Settings } from "./describe.ts";

/** Something about an account that its settings do not say. */
export interface AccountNote {
  /** Its name. */
  readonly name: string;
  /** What there is to know. */
  readonly text: string;
  /** Whether the account is not described because of that. */
  readonly leftOut: boolean;
}

/** Accounts in the words of a catalogue. */
export interface DescribedAccounts {
  /** Map keyed by account name; users are in none, as no server knows them. */
  readonly accounts: Readonly<Record<string, Settings>>;
  /** What the settings do not say. */
  readonly notes: readonly AccountNote[];
}

type Claim = { readonly [key: string]: Json };

/** Describes every account but the system account; what cannot be written exactly is left out with a note. */
export function describeAccounts(tokens: readonly Claims[], systemKey: string): DescribedAccounts {
  const own = tokens.filter(({ sub }) => sub !== systemKey).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const names = Object.fromEntries(own.map(({ sub, name }) => [sub, name]));
  const words = Object.fromEntries(own.map(({ name, nats }) => [name, accountWords(nats, { names })]));
  const { specs, problems } = resolveAccounts(words);
  const read = new Map(specs.map((spec) => [spec.name, spec]));
  const notes: AccountNote[] = [];
  const accounts = own.flatMap((claims): [string, Settings][] => {
    const { name } = claims;
    const wrong = problems.filter(({ path }) => isAbout(path, name)).map(({ path, message }) => `${path}: ${message}`);
    const twice = own.filter((other) => other.name === name).length > 1 ? ["another account has the same name"] : [];
    const spec = read.get(name);
    const inexact = [...wrong, ...twice, ...(spec === undefined ? [] : departures(claims, spec, own))];
    if (inexact.length > 0 || spec === undefined) {
      notes.push({ name, text: inexact.join("; "), leftOut: true });
      return [];
    }
    notes.push(...remarks(claims));
    return [[name, words[name] ?? {}]];
  });
  return { accounts: Object.fromEntries(accounts), notes };
}

/** Who may use the account is not known here, so problems with its users are none. */
function isAbout(path: string, name: string): boolean {
  return (path === `accounts.${name}` || path.startsWith(`accounts.${name}.`)) && path !== `accounts.${name}.users`;
}

/** Parts of the token that the words, read back, would write otherwise. */
function departures(live: Claims, spec: AccountSpec, all: readonly Claims[]): string[] {
  const keys = Object.fromEntries(all.map(({ name, sub }) => [name, sub]));
  const tokens = shares(live.nats["imports"]).flatMap((one) =>
    typeof one["token"] === "string" ? [[String(one["name"]), one["token"]] as const] : [],
  );
  const activated = new Set(spec.sharing.imports.filter((one) => one.activated).map(({ name }) => name));
  const foreign = tokens
    .filter(([name]) => !activated.has(name))
    .map(([name]) => `import ${name} carries an activation, which is a secret`);
  const written = accountClaims(
    {
      name: live.name,
      publicKey: live.sub,
      ...(spec.description === undefined ? {} : { description: spec.description }),
      limits: spec.limits,
      roles: Object.entries(spec.roles).map(([role, permissions]) => ({ role, permissions, publicKey: roleKey(live, role) })),
      revocations: spec.sharing.revoked,
      sharing: spec.sharing,
      sharingKeys: { accounts: keys, users: {}, activations: Object.fromEntries(tokens) },
    },
    live.iat,
  );
  const compared = comparable(live);
  if (foreign.length > 0 || sameClaims(compared, written)) return foreign;
  const parts = [...new Set([...Object.keys(compared.nats), ...Object.keys(written.nats)])];
  const differ = parts.filter((part) => !sameClaims(only(compared, part), only(written, part)));
  return [`it would be read otherwise: ${differ.length === 0 ? "expiry" : differ.join(", ")}`];
}

function only({ sub, name, iat, nats }: Claims, part: string): Claims {
  return { sub, name, iat, nats: { [part]: nats[part] ?? null } };
}

/** The token with what every role of natsbus has, names where servers need none, and without keys that are no role. */
function comparable(claims: Claims): Claims {
  const { nats } = claims;
  const named = (part: string) => shares(nats[part]);
  const keys = scopes(nats).map((scope) => ({ ...scope, template: withOwnRights(scope["template"] as Claim) }));
  return { ...claims, nats: { ...nats, signing_keys: keys, exports: named("exports"), imports: named("imports") } };
}

function shares(value: Json | undefined): Claim[] {
  const list = (Array.isArray(value) ? value : []) as readonly Claim[];
  return list.map((one, index) => ({ ...one, name: shareName(one, index) }));
}

function withOwnRights(template: Claim): Claim {
  const [publish, subscribe] = [allowed(template["pub"]), allowed(template["sub"])];
  if ([publish, subscribe].every((allow) => renderSorted(allow) === renderSorted([">"])))
    return { ...template, pub: withAllow(template["pub"], publish), sub: withAllow(template["sub"], subscribe) };
  const [pub, sub] = [withAllow(template["pub"], [...publish, OWN_RIGHTS]), withAllow(template["sub"], [...subscribe, OWN_INBOX])];
  return { ...template, pub, sub };
}

function allowed(rules: Json | undefined): readonly string[] {
  const allow = ((rules as Claim | undefined)?.["allow"] ?? []) as readonly string[];
  return allow.length === 0 ? [">"] : allow;
}

function withAllow(rules: Json | undefined, allow: readonly string[]): Claim {
  return { ...(rules as Claim | undefined), allow: [...new Set(allow)] };
}

function roleKey({ nats }: Claims, role: string): string {
  return String(scopes(nats).find((scope) => scope["role"] === role)?.["key"] ?? "");
}

/** What taking the account over changes for those who use it now. */
function remarks({ name, nats }: Claims): AccountNote[] {
  const plain = (Array.isArray(nats["signing_keys"]) ? (nats["signing_keys"] as readonly Json[]) : []).filter(
    (key) => typeof key === "string",
  );
  const more = scopes(nats).filter(
    (scope) => renderSorted(withOwnRights(scope["template"] as Claim)) !== renderSorted(withOwnRightsAsIs(scope["template"] as Claim)),
  );
  return [
    ...(plain.length === 0
      ? []
      : [{ name, text: `users signed by ${plain.join(", ")}, which is no role, are not described`, leftOut: false }]),
    ...more.map((scope) => ({
      name,
      text: `role ${String(scope["role"])} may also ask who it is and use an inbox of its own, as all roles of natsbus`,
      leftOut: false,
    })),
  ];
}

function withOwnRightsAsIs(template: Claim): Claim {
  return {
    ...template,
    pub: withAllow(template["pub"], allowed(template["pub"])),
    sub: withAllow(template["sub"], allowed(template["sub"])),
  };
}
