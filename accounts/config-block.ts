/** Accounts and users as the server configuration has them, for servers without an operator. Pure. */
import { subjectCovers } from "../core/names.ts";
import { durationText } from "../core/server-listeners.ts";
import type { JetStreamLimits } from "./claims.ts";
import type { PlainLogin } from "./plain-users.ts";
import type { Permissions, SubjectRules } from "./roles.ts";
import type { ExportSpec, ImportSpec, Sharing } from "./sharing.ts";
import type { AccountSpec } from "./spec.ts";

/** A part of a server configuration. */
type Block = { readonly [key: string]: unknown };

/**
 * The `accounts` block of a server configuration.
 * @param logins map keyed by user name: its logins in force
 */
export function renderAccountsBlock(
  accounts: readonly AccountSpec[],
  logins: Readonly<Record<string, readonly PlainLogin[]>>,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(accounts.map((account) => [account.name, renderAccount(account, { accounts, logins })]));
}

interface Context {
  readonly accounts: readonly AccountSpec[];
  readonly logins: Readonly<Record<string, readonly PlainLogin[]>>;
}

function renderAccount(account: AccountSpec, context: Context): Block {
  const { limits, sharing, system } = account;
  const exports = sharing.exports.flatMap((one) => renderExport(one, account.name, context) ?? []);
  return {
    users: Object.entries(account.users).flatMap(([user, { role }]) =>
      (context.logins[user] ?? []).map((login) => renderUser(login, user, account.roles[role])),
    ),
    ...(system || limits.jetstream === undefined ? {} : { jetstream: renderJetStream(limits.jetstream, sharing) }),
    ...renderLimits(account),
    ...(exports.length === 0 ? {} : { exports }),
    ...(sharing.imports.length === 0 ? {} : { imports: sharing.imports.map(renderImport) }),
    ...(Object.keys(sharing.mappings).length === 0 ? {} : { mappings: renderMappings(sharing) }),
    ...(sharing.defaultPermissions === undefined ? {} : { default_permissions: renderPermissions(sharing.defaultPermissions, "") }),
    ...(sharing.trace === undefined ? {} : { msg_trace: { dest: sharing.trace.subject, sampling: `${sharing.trace.sampling}%` } }),
  };
}

function renderUser(login: PlainLogin, name: string, role: Permissions | undefined): Block {
  const { limits = {} } = role ?? {};
  return {
    ...login,
    ...(role === undefined ? {} : { permissions: renderPermissions(role, name) }),
    ...(limits.connectionTypes === undefined ? {} : { allowed_connection_types: limits.connectionTypes }),
    ...(limits.proxyRequired === undefined ? {} : { proxy_required: true }),
  };
}

function renderPermissions({ publish, subscribe, responses }: Permissions, user: string): Block {
  return {
    ...renderRules("publish", publish, user),
    ...renderRules("subscribe", subscribe, user),
    ...(responses === undefined
      ? {}
      : { allow_responses: { max: responses.max, expires: responses.expiresMs < 0 ? "-1ms" : durationText(responses.expiresMs) } }),
  };
}

function renderRules(key: "publish" | "subscribe", rules: SubjectRules, user: string): Block {
  // Only signed roles have templates; here the name is known already.
  const named = (subjects: readonly string[]) => subjects.map((subject) => subject.replaceAll("{{name()}}", user));
  const lists = {
    ...(rules.allow.length > 0 ? { allow: named(rules.allow) } : {}),
    ...(rules.deny.length > 0 ? { deny: named(rules.deny) } : {}),
  };
  return Object.keys(lists).length === 0 ? {} : { [key]: lists };
}

/** Without limits the servers' own hold. */
function renderLimits({ limits }: AccountSpec): Block {
  const given = {
    max_connections: limits.connections,
    max_leafnodes: limits.leafNodes,
    max_subscriptions: limits.subscriptions,
    max_payload: limits.payloadBytes,
  };
  const set = Object.entries(given).filter(([, value]) => value >= 0);
  return set.length === 0 ? {} : { limits: Object.fromEntries(set) };
}

function renderJetStream(limits: JetStreamLimits, { clusterTraffic }: Sharing): unknown {
  const given = {
    max_memory: limits.memoryBytes,
    max_store: limits.storageBytes,
    max_streams: limits.streams,
    max_consumers: limits.consumers,
    max_ack_pending: limits.maxAckPending,
    mem_max_stream_bytes: limits.memoryStreamBytes,
    disk_max_stream_bytes: limits.storageStreamBytes,
  };
  const set = Object.entries(given).filter(([, value]) => value >= 0);
  const block = {
    ...Object.fromEntries(set),
    ...(limits.maxBytesRequired ? { max_bytes_required: true } : {}),
    ...(clusterTraffic === "owner" ? { cluster_traffic: clusterTraffic } : {}),
  };
  return Object.keys(block).length === 0 ? "enabled" : block;
}

/** A private export names its importers; without any it is left out, as an empty list would not mean nobody. */
function renderExport(one: ExportSpec, exporter: string, { accounts }: Context): Block | undefined {
  const importers = accounts.filter(({ sharing }) =>
    sharing.imports.some(
      (imported) => imported.from === exporter && imported.kind === one.kind && subjectCovers(one.subject, imported.subject),
    ),
  );
  if (one.private && importers.length === 0) return undefined;
  return {
    [one.kind]: one.subject,
    ...(one.private ? { accounts: importers.map(({ name }) => name) } : {}),
    ...(one.accountTokenPosition === undefined ? {} : { account_token_position: one.accountTokenPosition }),
    ...(one.response === "single" ? {} : { response_type: one.response }),
    ...(one.responseThresholdMs === undefined ? {} : { response_threshold: durationText(one.responseThresholdMs) }),
    ...(one.latency === undefined
      ? {}
      : {
          latency: { sampling: one.latency.sampling === "headers" ? "headers" : `${one.latency.sampling}%`, subject: one.latency.subject },
        }),
    ...(one.allowTrace ? { allow_trace: true } : {}),
  };
}

function renderImport(one: ImportSpec): Block {
  return {
    [one.kind]: { account: one.from, subject: one.subject },
    ...(one.as === undefined ? {} : { to: one.as }),
    ...(one.share ? { share: true } : {}),
    ...(one.allowTrace ? { allow_trace: true } : {}),
  };
}

function renderMappings({ mappings }: Sharing): Block {
  const targets = Object.entries(mappings).map(([subject, list]) => [
    subject,
    list.map(({ subject: destination, weight, cluster }) => ({
      destination,
      weight: `${weight}%`,
      ...(cluster === undefined ? {} : { cluster }),
    })),
  ]);
  return Object.fromEntries(targets) as Block;
}
