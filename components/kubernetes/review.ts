/** The servers' configuration without any key or password, to be read and compared in reviews. Pure. */
import type { AccountSpec } from "../../accounts/spec.ts";
import type { BusSpec } from "../../core/bus-spec.ts";
import { type ConfigBlock, type ConfigValue, isBlock, renderConfigText } from "../../core/config-text.ts";
import { serverNames } from "../../core/kubernetes-names.ts";
import { serverConfigTree } from "../../core/server-config.ts";
import { configModeIdentity, type Logins, withProvisioner } from "../config-accounts.ts";
import type { ResolvedBus } from "../resolved-bus.ts";
import type { ServerIdentity } from "../server-plan.ts";
import { type Material, serverConfig } from "./server-files.ts";

/** What a review is about: the bus, and the accounts that may stand in its configuration. */
export type ReviewedBus = Pick<ResolvedBus, "spec" | "accounts" | "streams">;

const HIDDEN = "(hidden)";
// `prev_key` and its like are the keys of the encryption on disk.
const SECRET_KEY = /pass|secret|seed|nkey|(^|_)(token|key|ek)$|^xkey$/i;
const URL_LOGIN = /(?<=^[a-z-]+:\/\/)[^/@\s]+(?=@)/;

/** Configuration of the first server; the others differ in names, routes and certificates only. */
export function reviewedConfig({ spec, accounts }: Omit<ReviewedBus, "streams">): string {
  const [first = ""] = serverNames(spec);
  // The stack file's own settings are the only ones that may hold a secret: whatever natsbus makes is a placeholder here.
  const open = { ...spec, serverConfig: hideSecrets(spec.serverConfig as ConfigBlock) };
  return renderConfigText(hideLogins(serverConfigTree(serverConfig(open, first, placeholders({ spec, accounts })))) as ConfigBlock);
}

/** Stands for what only exists once a stack is up, so that the same bus gives the same text everywhere. */
function placeholders({ spec, accounts }: Omit<ReviewedBus, "streams">): Material {
  return { identity: placeholderIdentity(spec, accounts), authority: "", certificates: {}, keys: {}, credentials: {} };
}

function placeholderIdentity({ auth }: BusSpec, accounts: readonly AccountSpec[]): ServerIdentity {
  if (auth.mode === "none") return { kind: "none" };
  if (auth.mode === "config") {
    const all = withProvisioner(accounts);
    return configModeIdentity(all, placeholderLogins(all));
  }
  return {
    kind: "operator",
    operatorJwt: "(operator)",
    systemAccount: "(system account)",
    systemAccountJwt: "(system account)",
    resolverIntervalMs: auth.resolverIntervalMs,
  };
}

/** One login a user: what belongs to a rotation is no part of what is declared. */
function placeholderLogins(accounts: readonly AccountSpec[]): Logins {
  const users = accounts.flatMap((account) => Object.entries(account.users));
  return Object.fromEntries(
    users.map(([user, { login }]) => [user, [login === "password" ? { user, password: HIDDEN } : { nkey: `(key of ${user})` }]]),
  );
}

function hideSecrets(block: ConfigBlock): ConfigBlock {
  return Object.fromEntries(Object.entries(block).map(([key, value]) => [key, SECRET_KEY.test(key) ? hidden(value) : hideInside(value)]));
}

function hideInside(value: ConfigValue): ConfigValue {
  if (Array.isArray(value)) return (value as readonly ConfigValue[]).map(hideInside);
  return isBlock(value) ? hideSecrets(value) : value;
}

function hidden(value: ConfigValue): ConfigValue {
  return value === undefined || value === null ? value : HIDDEN;
}

/** Takes names and passwords out of URLs, of routes and of remotes alike. */
function hideLogins(value: ConfigValue): ConfigValue {
  if (typeof value === "string") return value.replace(URL_LOGIN, HIDDEN);
  if (Array.isArray(value)) return (value as readonly ConfigValue[]).map(hideLogins);
  return isBlock(value) ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, hideLogins(inner)])) : value;
}
