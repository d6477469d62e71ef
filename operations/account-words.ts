/** An account's claims in the words of a catalogue. Pure. What it says is checked by whoever uses it: the words are read back and compared. */

import { OWN_INBOX, OWN_RIGHTS } from "../accounts/roles.ts";
import { CONNECTION_TYPES } from "../accounts/spec.ts";
import type { Json } from "../accounts/token.ts";
import { renderDuration, renderSize } from "../core/units.ts";

type Claim = { readonly [key: string]: Json };
type Settings = Readonly<Record<string, unknown>>;

const NO_LIMIT = -1;
const EVERYTHING = ">";
const NS_PER_MS = 1_000_000;
const COUNTS = { conn: "connections", leaf: "leafNodes", subs: "subscriptions", imports: "imports", exports: "exports" };
const SIZES = { payload: "payload", data: "data" };
const STREAM_COUNTS = { streams: "streams", consumer: "consumers", max_ack_pending: "maxAckPending" };
const STREAM_SIZES = {
  mem_storage: "memory",
  disk_storage: "storage",
  mem_max_stream_bytes: "memoryStream",
  disk_max_stream_bytes: "storageStream",
};

/** Accounts and what stands for their keys. */
export interface AccountNames {
  /** Map keyed by public key: account name. */
  readonly names: Readonly<Record<string, string>>;
}

/** Settings of an account, without users, which no server knows. */
export function accountWords(nats: Claim, { names }: AccountNames): Settings {
  const limits = limitWords(record(nats["limits"]));
  const roles = Object.fromEntries(scopes(nats).map((scope) => [text(scope["role"]), roleWords(record(scope["template"]))]));
  const nameOf = (key: Json | undefined) => names[text(key)] ?? text(key);
  return withoutEmpty({
    description: nats["description"],
    limits,
    roles,
    exports: byName(nats["exports"], (one) => exportWords(one, nameOf)),
    imports: byName(nats["imports"], (one) => importWords(one, nameOf)),
    mappings: Object.fromEntries(
      Object.entries(record(nats["mappings"])).map(([subject, targets]) => [subject, list(targets).map(mappingWords)]),
    ),
    defaultPermissions: defaultWords(record(nats["default_permissions"])),
    trace: traceWords(record(nats["trace"])),
    clusterTraffic: nats["cluster_traffic"] || undefined,
    externalAuthorization: authorizationWords(record(nats["authorization"]), nameOf),
    revoked: instants(record(nats["revocations"])),
  });
}

/** Roles as an account's claims list them; plain signing keys are none. */
export function scopes(nats: Claim): readonly Claim[] {
  return list(nats["signing_keys"]).flatMap((key) => (typeof key === "string" ? [] : [record(key)]));
}

/** Name of the n-th export or import, which servers do not ask for. */
export function shareName(one: Claim, index: number): string {
  const name = text(one["name"]);
  return name === "" ? `${text(one["type"])}-${index + 1}` : name;
}

function limitWords(limits: Claim): Settings {
  return withoutEmpty({
    ...pick(limits, COUNTS, count),
    ...pick(limits, SIZES, size),
    wildcardExports: limits["wildcards"] === true ? undefined : false,
    disallowBearer: limits["disallow_bearer"] || undefined,
    jetstream: streamWords(limits),
  });
}

function streamWords(limits: Claim): Settings | false | undefined {
  const tiers = Object.entries(record(limits["tiered_limits"]));
  if (tiers.length > 0) return { tiers: Object.fromEntries(tiers.map(([tier, one]) => [tier, withoutEmpty(storeWords(record(one)))])) };
  const has = (key: string) => typeof limits[key] === "number" && limits[key] !== 0;
  return has("mem_storage") || has("disk_storage") ? withoutEmpty(storeWords(limits)) : false;
}

function storeWords(limits: Claim): Settings {
  return {
    ...pick(limits, STREAM_COUNTS, count),
    ...pick(limits, STREAM_SIZES, size),
    maxBytesRequired: limits["max_bytes_required"] || undefined,
  };
}

function roleWords(template: Claim): Settings {
  const [publish, subscribe] = [rules(template["pub"]), rules(template["sub"])];
  const isFree = [publish, subscribe].every(({ allow }) => allow.length === 1 && allow[0] === EVERYTHING);
  const times = list(template["times"]).map((one) => ({ from: record(one)["start"], to: record(one)["end"] }));
  const types = list(template["allowed_connection_types"]).map(
    (type) => Object.entries(CONNECTION_TYPES).find(([, wire]) => wire === type)?.[0] ?? type,
  );
  return withoutEmpty({
    ...(isFree ? { everything: true } : { publish: others(publish.allow, OWN_RIGHTS), subscribe: others(subscribe.allow, OWN_INBOX) }),
    denyPublish: publish.deny,
    denySubscribe: subscribe.deny,
    ...responseWords(record(template["resp"])),
    ...pick(template, { subs: "subscriptions" }, count),
    ...pick(template, SIZES, size),
    sources: template["src"],
    times,
    timeZone: template["times_location"] || undefined,
    bearer: template["bearer_token"] || undefined,
    proxyRequired: template["proxy_required"] || undefined,
    connections: types,
  });
}

function responseWords(response: Claim): Settings {
  if (response["max"] === undefined) return {};
  return { responses: response["max"], responseTime: renderDuration(Number(response["ttl"] ?? 0) / NS_PER_MS) };
}

function exportWords(one: Claim, nameOf: (key: Json | undefined) => string): Settings {
  const kinds: Record<string, string> = { Stream: "stream", Chunked: "chunked" };
  const latency = record(one["service_latency"]);
  const threshold = Number(one["response_threshold"] ?? 0);
  return withoutEmpty({
    kind: one["type"],
    subject: one["subject"],
    private: one["token_req"] || undefined,
    accountTokenPosition: one["account_token_position"] || undefined,
    response: kinds[text(one["response_type"])],
    responseThreshold: threshold === 0 ? undefined : renderDuration(threshold / NS_PER_MS),
    latency: latency["results"] === undefined ? undefined : { sampling: latency["sampling"], subject: latency["results"] },
    advertise: one["advertise"] || undefined,
    allowTrace: one["allow_trace"] || undefined,
    description: one["description"],
    infoUrl: one["info_url"],
    revoked: Object.fromEntries(Object.entries(instants(record(one["revocations"]))).map(([key, at]) => [nameOf(key), at])),
  });
}

function importWords(one: Claim, nameOf: (key: Json | undefined) => string): Settings {
  return withoutEmpty({
    kind: one["type"],
    from: nameOf(one["account"]),
    subject: one["subject"],
    as: one["local_subject"],
    share: one["share"] || undefined,
    allowTrace: one["allow_trace"] || undefined,
  });
}

function mappingWords(target: Json): Settings {
  const { subject, weight, cluster } = record(target);
  return withoutEmpty({ subject, weight: weight === 100 ? undefined : weight, cluster });
}

function defaultWords(permissions: Claim): Settings {
  const response = record(permissions["resp"]);
  const responses =
    response["max"] === undefined ? undefined : { max: response["max"], expires: renderDuration(Number(response["ttl"] ?? 0) / NS_PER_MS) };
  return withoutEmpty({
    publish: withoutEmpty({ ...rules(permissions["pub"]) }),
    subscribe: withoutEmpty({ ...rules(permissions["sub"]) }),
    responses,
  });
}

function traceWords(trace: Claim): Settings {
  return withoutEmpty({ subject: trace["dest"], sampling: trace["sampling"] === 100 ? undefined : trace["sampling"] });
}

function authorizationWords(one: Claim, nameOf: (key: Json) => string): Settings {
  return withoutEmpty({
    users: list(one["auth_users"]),
    accounts: list(one["allowed_accounts"]).map(nameOf),
    encryptFor: one["xkey"] || undefined,
  });
}

/** Subjects of one direction; none allowed means that all are. */
function rules(given: Json | undefined): { readonly allow: readonly string[]; readonly deny: readonly string[] } {
  const { allow, deny } = record(given);
  return { allow: list(allow).map(text), deny: list(deny).map(text) };
}

/** Subjects beside the one that every role has. */
function others(allow: readonly string[], own: string): readonly string[] {
  return allow.length === 0 ? [EVERYTHING] : allow.filter((subject) => subject !== own);
}

function byName(shares: Json | undefined, words: (one: Claim) => Settings): Settings {
  return Object.fromEntries(list(shares).map((one, index) => [shareName(record(one), index), words(record(one))]));
}

function pick(from: Claim, keys: Readonly<Record<string, string>>, words: (value: Json | undefined) => unknown): Settings {
  return Object.fromEntries(Object.entries(keys).map(([key, name]) => [name, words(from[key])]));
}

/** Unlimited needs no word; a limit that is left out is 0 to a server. */
function count(value: Json | undefined): number | undefined {
  return value === NO_LIMIT ? undefined : Number(value ?? 0);
}

function size(value: Json | undefined): string | undefined {
  return value === NO_LIMIT ? undefined : renderSize(Number(value ?? 0));
}

function instants(until: Claim): Record<string, string> {
  return Object.fromEntries(Object.entries(until).map(([key, seconds]) => [key, new Date(Number(seconds) * 1000).toISOString()]));
}

function withoutEmpty(settings: Settings): Settings {
  return Object.fromEntries(
    Object.entries(settings).filter(([key, value]) => (key === "jetstream" ? value !== undefined : !isEmpty(value))),
  );
}

function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === "") return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function record(value: Json | undefined): Claim {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Claim) : {};
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
