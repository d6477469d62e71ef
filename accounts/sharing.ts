/** What an account shares, imports and leaves to others: complete values, and the same as an account's token has them. Pure. */

import { answers, type Permissions, renderDefaults } from "./roles.ts";
import type { ParsedAccount } from "./schema.ts";
import type { Json } from "./token.ts";

/** Kind of an export or import. */
export type SharedKind = "stream" | "service";

/** An export, complete. */
export interface ExportSpec {
  /** Name of its own. */
  readonly name: string;
  readonly kind: SharedKind;
  readonly subject: string;
  /** Whether an importer needs an activation. */
  readonly private: boolean;
  /** Place of the importer's public key in the subject; absent: none. */
  readonly accountTokenPosition?: number;
  readonly response: "single" | "stream" | "chunked";
  /** Time a service has, in milliseconds; absent: the server's own. */
  readonly responseThresholdMs?: number;
  readonly latency?: { readonly sampling: number | "headers"; readonly subject: string };
  readonly advertise: boolean;
  readonly allowTrace: boolean;
  readonly description?: string;
  readonly infoUrl?: string;
  /** Map keyed by account name or public key: activations up to this Unix second are refused. */
  readonly revoked: Readonly<Record<string, number>>;
}

/** An import, complete. */
export interface ImportSpec {
  /** Name of its own. */
  readonly name: string;
  readonly kind: SharedKind;
  /** Account name in this catalogue, or public key. */
  readonly from: string;
  readonly subject: string;
  /** Subject in the importing account; absent: the same. */
  readonly as?: string;
  /** Activation given by hand. A secret. */
  readonly activation?: string;
  /** Whether the export is private and of this catalogue, so that natsbus signs the activation. */
  readonly activated: boolean;
  readonly share: boolean;
  readonly allowTrace: boolean;
}

/** Target of a mapping. */
export interface MappingSpec {
  readonly subject: string;
  /** Share in percent. */
  readonly weight: number;
  readonly cluster?: string;
}

/** Everything of an account beyond limits, roles and users. Accounts and users are named, not yet keyed. */
export interface Sharing {
  readonly exports: readonly ExportSpec[];
  readonly imports: readonly ImportSpec[];
  /** Map keyed by subject. */
  readonly mappings: Readonly<Record<string, readonly MappingSpec[]>>;
  readonly defaultPermissions?: Permissions;
  readonly trace?: { readonly subject: string; readonly sampling: number };
  readonly clusterTraffic: "system" | "owner";
  readonly externalAuthorization?: {
    readonly users: readonly string[];
    readonly accounts: readonly string[];
    readonly encryptFor?: string;
  };
  /** Map keyed by user public key or `*`: credentials up to this Unix second are refused. */
  readonly revoked: Readonly<Record<string, number>>;
}

/** An account that shares nothing. */
export const NOTHING_SHARED: Sharing = { exports: [], imports: [], mappings: {}, clusterTraffic: "system", revoked: {} };

/** The sharing of a parsed account, with defaults.
 * @param isPrivate whether an import's export is a private one of the same catalogue */
export function completeSharing(account: ParsedAccount, isPrivate: (imported: ParsedAccount["imports"][string]) => boolean): Sharing {
  const { exports, imports, mappings, defaultPermissions, trace, clusterTraffic, externalAuthorization, revoked } = account;
  return {
    exports: byName(exports).map(([name, { responseThreshold, ...one }]) =>
      defined({ name, ...one, responseThresholdMs: responseThreshold }),
    ),
    imports: byName(imports).map(([name, one]) => defined({ name, ...one, activated: one.activation === undefined && isPrivate(one) })),
    mappings: Object.fromEntries(byName(mappings).map(([subject, targets]) => [subject, targets.map((target) => defined(target))])),
    ...(defaultPermissions === undefined ? {} : { defaultPermissions: completeDefaults(defaultPermissions) }),
    ...(trace === undefined ? {} : { trace }),
    clusterTraffic,
    ...(externalAuthorization === undefined ? {} : { externalAuthorization: defined(externalAuthorization) }),
    revoked,
  };
}

function completeDefaults({ publish, subscribe, responses }: NonNullable<ParsedAccount["defaultPermissions"]>): Permissions {
  return {
    publish,
    subscribe,
    ...(responses === undefined ? {} : { responses: answers(responses.max, responses.expires) }),
  };
}

/** What names stand for when an account's token is written. */
export interface SharingKeys {
  /** Map keyed by account name: public key. */
  readonly accounts: Readonly<Record<string, string>>;
  /** Map keyed by user name: public keys in force, two during a rotation. */
  readonly users: Readonly<Record<string, readonly string[]>>;
  /** Map keyed by import name: activation token. */
  readonly activations: Readonly<Record<string, string>>;
}

/** The part of an account's claims that `sharing` decides. */
export function renderSharing(sharing: Sharing, keys: SharingKeys): { readonly [key: string]: Json } {
  const { exports, imports, mappings, defaultPermissions, trace, clusterTraffic } = sharing;
  return {
    ...(exports.length === 0 ? {} : { exports: exports.map((one) => renderExport(one, keys)) }),
    ...(imports.length === 0 ? {} : { imports: imports.map((one) => renderImport(one, keys)) }),
    ...(Object.keys(mappings).length === 0 ? {} : { mappings: renderMappings(mappings) }),
    default_permissions: defaultPermissions === undefined ? { pub: {}, sub: {} } : renderDefaults(defaultPermissions),
    ...(trace === undefined ? {} : { trace: { dest: trace.subject, sampling: trace.sampling } }),
    ...(clusterTraffic === "system" ? {} : { cluster_traffic: clusterTraffic }),
    ...renderAuthorization(sharing.externalAuthorization, keys),
  };
}

function renderExport(one: ExportSpec, keys: SharingKeys): { readonly [key: string]: Json } {
  const revoked = Object.entries(one.revoked).map(([account, until]) => [keyOf(account, keys), until] as const);
  return {
    name: one.name,
    subject: one.subject,
    type: one.kind,
    ...(one.private ? { token_req: true } : {}),
    ...(revoked.length === 0 ? {} : { revocations: Object.fromEntries(revoked) }),
    ...(one.kind === "service" ? { response_type: RESPONSE[one.response] } : {}),
    ...(one.responseThresholdMs === undefined ? {} : { response_threshold: one.responseThresholdMs * 1_000_000 }),
    ...(one.latency === undefined ? {} : { service_latency: { sampling: one.latency.sampling, results: one.latency.subject } }),
    ...(one.accountTokenPosition === undefined ? {} : { account_token_position: one.accountTokenPosition }),
    ...(one.advertise ? { advertise: true } : {}),
    ...(one.allowTrace ? { allow_trace: true } : {}),
    ...(one.description === undefined ? {} : { description: one.description }),
    ...(one.infoUrl === undefined ? {} : { info_url: one.infoUrl }),
  };
}

const RESPONSE = { single: "Singleton", stream: "Stream", chunked: "Chunked" } as const;

function renderImport(one: ImportSpec, keys: SharingKeys): { readonly [key: string]: Json } {
  const token = one.activation ?? keys.activations[one.name];
  return {
    name: one.name,
    subject: one.subject,
    account: keyOf(one.from, keys),
    ...(token === undefined ? {} : { token }),
    ...(one.as === undefined ? {} : { local_subject: one.as }),
    type: one.kind,
    ...(one.share ? { share: true } : {}),
    ...(one.allowTrace ? { allow_trace: true } : {}),
  };
}

function renderMappings(mappings: Sharing["mappings"]): { readonly [key: string]: Json } {
  const entries = Object.entries(mappings).map(([subject, targets]) => [
    subject,
    targets.map((target) => ({
      subject: target.subject,
      weight: target.weight,
      ...(target.cluster === undefined ? {} : { cluster: target.cluster }),
    })),
  ]);
  return Object.fromEntries(entries) as { readonly [key: string]: Json };
}

function renderAuthorization(callout: Sharing["externalAuthorization"], keys: SharingKeys): { readonly [key: string]: Json } {
  if (callout === undefined) return {};
  const { users, accounts, encryptFor } = callout;
  return {
    authorization: {
      auth_users: users.flatMap((user) => keys.users[user] ?? [user]).sort(),
      ...(accounts.length === 0 ? {} : { allowed_accounts: accounts.map((account) => keyOf(account, keys)).sort() }),
      ...(encryptFor === undefined ? {} : { xkey: encryptFor }),
    },
  };
}

/** Public key of a named account; keys and `*` stand for themselves. */
function keyOf(account: string, keys: SharingKeys): string {
  return keys.accounts[account] ?? account;
}

function byName<T>(record: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
}

type Defined<T> = { [K in keyof T as undefined extends T[K] ? never : K]: T[K] } & {
  [K in keyof T as undefined extends T[K] ? K : never]?: Exclude<T[K], undefined>;
};

function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}
