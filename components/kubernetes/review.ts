/** The servers' configuration without any key or password, to be read and compared in reviews. Pure. */
import type { BusSpec } from "../../core/bus-spec.ts";
import { type ConfigBlock, type ConfigValue, isBlock, renderConfigText } from "../../core/config-text.ts";
import { serverNames } from "../../core/kubernetes-names.ts";
import { serverConfigTree } from "../../core/server-config.ts";
import { type Material, serverConfig } from "./server-files.ts";

const HIDDEN = "(hidden)";
const SECRET_KEY = /pass|token|secret|seed|nkey|^key$|^users?$|^authorization$|^xkey$/i;

/** Stands for what only exists once a stack is up, so that the same bus gives the same text everywhere. */
function placeholders({ auth }: BusSpec): Material {
  const identity = {
    kind: "operator",
    operatorJwt: "(operator)",
    systemAccount: "(system account)",
    systemAccountJwt: "(system account)",
    resolverIntervalMs: auth.resolverIntervalMs,
  } as const;
  return { identity: auth.mode === "jwt" ? identity : { kind: "none" }, authority: "", certificates: {}, keys: {}, credentials: {} };
}

/** Configuration of the first server; the others differ in names, routes and certificates only. */
export function reviewedConfig(spec: BusSpec): string {
  const [first = ""] = serverNames(spec);
  return renderConfigText(hideSecrets(serverConfigTree(serverConfig(spec, first, placeholders(spec)))));
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
