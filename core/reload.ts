/** What a changed configuration asks of a running server: nothing, a reload, or a restart. */
import { type ConfigBlock, type ConfigValue, isBlock } from "./config-text.ts";
import { serverConfigTree } from "./server-config.ts";
import type { ServerConfigSpec } from "./server-config-spec.ts";

/** What a change asks of a running server, mildest first. */
export type ChangeAction = "none" | "reload" | "restart";

/** One changed setting and what it asks for. */
export interface ChangeReason {
  /** Setting by its NATS names, for instance `jetstream.max_file_store`. */
  readonly path: string;
  /** What it asks for. */
  readonly action: "reload" | "restart";
  /** Why, in words for the plan. */
  readonly why: string;
}

/** What a whole change asks for. */
export interface ChangePlan {
  /** The strongest of the reasons' actions. */
  readonly action: ChangeAction;
  /** Every changed setting, in the order of the configuration. */
  readonly reasons: readonly ChangeReason[];
}

interface ReloadRule {
  /** Setting, or block that holds it. */
  readonly path: string;
  /** Refines the rule by the values; absent: always a reload. */
  readonly needsRestart?: (before: ConfigValue, after: ConfigValue) => string | undefined;
}

const appearsOrGoes = (what: string) => (before: ConfigValue, after: ConfigValue) =>
  before === undefined || after === undefined ? `${what} cannot be turned on or off while the server runs` : undefined;

function shrinks(before: ConfigValue, after: ConfigValue): string | undefined {
  if (typeof before !== "number" || typeof after !== "number") return "a JetStream limit can only be raised while the server runs";
  return after < before ? "a JetStream limit can be raised, but not lowered, while the server runs" : undefined;
}

// What a running server takes over; everything else needs a restart, unknown settings included. The first rule that fits decides.
// Source: nats-server 2.15, server/reload.go, and the integration test that sends each row to a live server.
const RELOADABLE: readonly ReloadRule[] = [
  ...[
    "debug",
    "trace",
    "trace_verbose",
    "trace_headers",
    "logtime",
    "logtime_utc",
    "logfile",
    "syslog",
    "remote_syslog",
    "max_traced_msg_len",
  ].map((path) => ({ path })),
  ...["connect_error_reports", "reconnect_error_reports"].map((path) => ({ path })),
  ...["max_connections", "max_payload", "max_control_line", "ping_interval", "ping_max", "write_deadline", "no_fast_producer_stall"].map(
    (path) => ({ path }),
  ),
  ...["client_advertise", "server_tags", "server_metadata", "pid_file", "ports_file_dir", "prof_block_rate"].map((path) => ({ path })),
  { path: "tls" },
  { path: "authorization" },
  { path: "accounts", needsRestart: appearsOrGoes("accounts") },
  { path: "resolver_preload", needsRestart: appearsOrGoes("preloaded accounts") },
  ...[
    "routes",
    "pool_size",
    "compression",
    "accounts",
    "no_advertise",
    "advertise",
    "permissions",
    "authorization",
    "ping_interval",
    "ping_max",
  ].map((key) => ({ path: `cluster.${key}` })),
  { path: "cluster.tls", needsRestart: appearsOrGoes("encryption of routes") },
  { path: "jetstream.max_memory_store", needsRestart: shrinks },
  { path: "jetstream.max_file_store", needsRestart: shrinks },
  ...["meta_compact", "meta_compact_size", "meta_compact_sync"].map((key) => ({ path: `jetstream.${key}` })),
  ...["gateway.tls", "websocket.tls", "mqtt.tls", "leafnodes.tls"].map((path) => ({
    path,
    needsRestart: appearsOrGoes("encryption of this listener"),
  })),
  ...["ack_wait", "max_ack_pending", "stream_replicas", "consumer_replicas", "consumer_memory_storage", "consumer_inactive_threshold"].map(
    (key) => ({ path: `mqtt.${key}` }),
  ),
];

const BLOCKS_WITHOUT_SWITCH: ReadonlySet<string> = new Set([
  "cluster",
  "jetstream",
  "resolver",
  "websocket",
  "mqtt",
  "leafnodes",
  "gateway",
]);

/** What it takes for a server that runs with `before` to run with `after`. */
export function classifyChange(before: ServerConfigSpec, after: ServerConfigSpec): ChangePlan {
  return classifyConfigChange(serverConfigTree(before), serverConfigTree(after));
}

/**
 * Whether a server must be told twice to reload: accounts that are new in a reload and import services get no answers until the next one (nats-server 2.15.2).
 */
export function needsSecondReload(before: ServerConfigSpec | undefined, after: ServerConfigSpec): boolean {
  const known = accountsOf(before);
  return Object.entries(accountsOf(after)).some(([name, account]) => !(name in known) && importsServices(account));
}

function accountsOf(spec: ServerConfigSpec | undefined): Readonly<Record<string, unknown>> {
  const accounts = spec === undefined ? undefined : serverConfigTree(spec)["accounts"];
  return isBlock(accounts) ? accounts : {};
}

function importsServices(account: unknown): boolean {
  const imports = isBlock(account as ConfigValue) ? (account as ConfigBlock)["imports"] : undefined;
  return Array.isArray(imports) && imports.some((one) => isBlock(one as ConfigValue) && "service" in (one as ConfigBlock));
}

/** As {@link classifyChange}, for configuration trees. */
export function classifyConfigChange(before: ConfigBlock, after: ConfigBlock): ChangePlan {
  const reasons = changedSettings("", before, after).map(judge);
  const strongest = reasons.some((reason) => reason.action === "restart") ? "restart" : "reload";
  return { action: reasons.length === 0 ? "none" : strongest, reasons };
}

/** What a server read when it started and cannot take over later; for places that compare without knowing the settings behind it. */
export interface StartSettings {
  /** Equal for two configurations exactly when the second needs no restart, but for {@link atLeast}. */
  readonly text: string;
  /** Map keyed by setting: number that may grow without a restart, but not shrink. */
  readonly atLeast: Readonly<Record<string, number>>;
}

/** The part of a configuration that needs a restart when it changes: the same decision as {@link classifyChange}, for a comparison made elsewhere. */
export function startSettings(spec: ServerConfigSpec): StartSettings {
  const atLeast: Record<string, number> = {};
  const text = canonical(startTree("", serverConfigTree(spec), atLeast));
  return { text, atLeast };
}

function startTree(path: string, block: ConfigBlock, atLeast: Record<string, number>): ConfigBlock {
  const entries = Object.entries(block).flatMap(([key, value]): [string, ConfigValue][] => {
    const kept = startValue(path === "" ? key : `${path}.${key}`, value, atLeast);
    return kept === undefined ? [] : [[key, kept]];
  });
  return Object.fromEntries(entries);
}

/** The part of a setting that needs a restart; `undefined` when there is none. */
function startValue(path: string, value: ConfigValue, atLeast: Record<string, number>): ConfigValue {
  const rule = ruleOf(path);
  if (value === undefined || value === null || (rule !== undefined && rule.needsRestart === undefined)) return undefined;
  if (isBlock(value) && !isRuled(path)) return startTree(path, value, atLeast);
  if (rule === undefined) return value;
  if (rule.needsRestart === shrinks && typeof value === "number") atLeast[path] = value;
  return "present";
}

interface ChangedSetting {
  readonly path: string;
  readonly before: ConfigValue;
  readonly after: ConfigValue;
}

function changedSettings(path: string, before: ConfigBlock, after: ConfigBlock): ChangedSetting[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return keys.flatMap((key) => {
    const below = path === "" ? key : `${path}.${key}`;
    const was = before[key] ?? undefined;
    const is = after[key] ?? undefined;
    if (isBlock(was) && isBlock(is) && !isRuled(below)) return changedSettings(below, was, is);
    return canonical(was) === canonical(is) ? [] : [{ path: below, before: was, after: is }];
  });
}

/** Blocks that one rule judges as a whole; a single name inside would mean nothing to the reader. */
function isRuled(path: string): boolean {
  return path === "accounts" || path === "resolver_preload" || path.endsWith("tls");
}

function judge(change: ChangedSetting): ChangeReason {
  const { path } = change;
  if (BLOCKS_WITHOUT_SWITCH.has(path)) return { path, action: "restart", why: `${path} cannot be turned on or off while the server runs` };
  const rule = ruleOf(path);
  if (rule === undefined) return { path, action: "restart", why: "the server reads this setting only when it starts" };
  const refusal = rule.needsRestart?.(change.before, change.after);
  return refusal === undefined
    ? { path, action: "reload", why: "the running server takes this over" }
    : { path, action: "restart", why: refusal };
}

/** The rule for a setting or a block; the first one that fits. */
function ruleOf(path: string): ReloadRule | undefined {
  return RELOADABLE.find((candidate) => path === candidate.path || path.startsWith(`${candidate.path}.`));
}

/** Text that is equal for values the server treats as equal: key order does not count. */
function canonical(value: ConfigValue): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isBlock(value)) return JSON.stringify(value) ?? "";
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined && entry !== null);
  return `{${entries
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, entry]) => `${JSON.stringify(key)}:${canonical(entry)}`)
    .join(",")}}`;
}
