/** One server's configuration: from the spec to the tree that is compared on a change, and to the text that the server reads. */
import { type ConfigBlock, type ConfigValue, mergeConfig, renderConfigText } from "./config-text.ts";
import { assertNoProblems, type Problem } from "./errors.ts";
import type { ServerConfigSpec } from "./server-config-spec.ts";
import type { TlsFiles } from "./server-listener-spec.ts";
import { durationText, listenAddress, serverListeners, tlsBlock } from "./server-listeners.ts";

/** Settings that say the same as one natsbus writes; both in one file would leave the choice to chance. By block, `""` for the top level.
 * @see nats-server 2.15, server/opts.go */
const SYNONYMS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  "": {
    listen: ["port", "host", "net"],
    http: ["http_port", "monitor_port"],
    https: ["https_port"],
    jetstream: ["store_dir", "storedir"],
    operator: ["operators", "root", "roots", "root_operator", "root_operators"],
    system_account: ["system"],
    resolver: ["account_resolver", "accounts_resolver"],
    leafnodes: ["leaf"],
    websocket: ["ws"],
    max_connections: ["max_conn"],
    max_subscriptions: ["max_subs"],
    logfile: ["log_file"],
    logfile_size_limit: ["log_size_limit"],
    logfile_max_num: ["log_max_num"],
    pid_file: ["pidfile"],
  },
  cluster: { listen: ["port", "host", "net"], advertise: ["cluster_advertise"] },
  jetstream: {
    store_dir: ["store", "storedir"],
    max_memory_store: ["max_mem_store", "max_mem"],
    max_file_store: ["max_file"],
    sync_interval: ["sync"],
  },
};

/**
 * The configuration text of one server. Equal specs give equal text.
 * @throws ERR_SERVER_CONFIG when a value cannot be written, or `extra` holds a second name of a setting natsbus writes
 */
export function renderServerConfig(spec: ServerConfigSpec): string {
  return `# Written by natsbus; changes made here are lost. Settings belong into the stack file.\n${renderConfigText(serverConfigTree(spec))}`;
}

/**
 * The configuration of one server as a tree, `extra` laid over the rest.
 * @throws ERR_SERVER_CONFIG when `extra` holds a second name of a setting natsbus writes
 */
export function serverConfigTree(spec: ServerConfigSpec): ConfigBlock {
  const tree: ConfigBlock = {
    server_name: spec.serverName,
    server_tags: spec.tags,
    listen: listenAddress(spec.client),
    client_advertise: spec.client.advertise,
    tls: tlsBlock(spec.clientTls),
    ...monitorSettings(spec),
    cluster: clusterBlock(spec),
    jetstream: jetStreamBlock(spec),
    ...identitySettings(spec),
    ...serverListeners(spec),
    ...limitSettings(spec),
    ...loggingSettings(spec),
    pid_file: spec.pidFile,
  };
  if (spec.extra === undefined) return tree;
  assertNoProblems(extraProblems(spec.extra));
  return mergeConfig(tree, spec.extra as ConfigBlock);
}

/** What is wrong with further settings: second names of settings that natsbus writes, each with its path below `serverConfig`. */
export function extraProblems(extra: Readonly<Record<string, unknown>>): readonly Problem[] {
  return Object.entries(SYNONYMS).flatMap(([block, names]) => {
    const own = block === "" ? extra : entryOf(extra, block);
    if (typeof own !== "object" || own === null) return [];
    return Object.keys(own).flatMap((key): Problem[] => {
      const written = Object.entries(names).find(([, others]) => others.includes(key.toLowerCase()))?.[0];
      if (written === undefined) return [];
      const path = ["serverConfig", block, key].filter((part) => part !== "").join(".");
      const remedy = `use ${written}, or the stack file's own key`;
      return [
        {
          code: "ERR_SERVER_CONFIG",
          path,
          message: `natsbus writes this setting as ${written}; the server would take either of two`,
          remedy,
        },
      ];
    });
  });
}

function entryOf(settings: Readonly<Record<string, unknown>>, name: string): unknown {
  return Object.entries(settings).find(([key]) => key.toLowerCase() === name)?.[1];
}

function monitorSettings(spec: ServerConfigSpec): ConfigBlock {
  if (spec.monitor === undefined) return {};
  return { [spec.monitor.tls ? "https" : "http"]: listenAddress(spec.monitor) };
}

function clusterBlock(spec: ServerConfigSpec): ConfigValue {
  const { cluster } = spec;
  if (cluster === undefined) return undefined;
  const verified: TlsFiles | undefined = cluster.tls === undefined ? undefined : { ...cluster.tls, verify: true };
  return {
    name: cluster.name,
    listen: listenAddress(cluster),
    advertise: cluster.advertise,
    no_advertise: cluster.noAdvertise,
    pool_size: cluster.poolSize,
    compression: cluster.compression,
    tls: tlsBlock(verified),
    routes: cluster.routes,
  };
}

function jetStreamBlock(spec: ServerConfigSpec): ConfigValue {
  const { jetstream } = spec;
  if (jetstream === undefined) return undefined;
  const { syncInterval } = jetstream;
  return {
    store_dir: jetstream.storeDirectory,
    max_memory_store: jetstream.maxMemoryBytes,
    max_file_store: jetstream.maxStorageBytes,
    domain: jetstream.domain,
    unique_tag: jetstream.uniqueTag,
    sync_interval: typeof syncInterval === "number" ? durationText(syncInterval) : syncInterval,
  };
}

function identitySettings(spec: ServerConfigSpec): ConfigBlock {
  const { identity } = spec;
  if (identity.kind === "none") return {};
  if (identity.kind === "accounts") {
    return { accounts: identity.accounts as ConfigBlock, system_account: identity.systemAccount, no_auth_user: identity.noAuthUser };
  }
  const { resolver } = identity;
  return {
    operator: identity.operatorJwt,
    system_account: identity.systemAccount,
    resolver: {
      type: "full",
      dir: resolver.directory,
      allow_delete: resolver.allowDelete,
      interval: durationText(resolver.intervalMs),
      limit: resolver.limit,
    },
    resolver_preload: Object.fromEntries(Object.entries(resolver.preload).sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function limitSettings(spec: ServerConfigSpec): ConfigBlock {
  const { limits, lameDuck } = spec;
  return {
    max_connections: limits.maxConnections,
    max_payload: limits.maxPayloadBytes,
    max_pending: limits.maxPendingBytes,
    max_subscriptions: limits.maxSubscriptions,
    ping_interval: durationText(limits.pingIntervalMs),
    ping_max: limits.maxPingsOut,
    write_deadline: durationText(limits.writeDeadlineMs),
    lame_duck_duration: durationText(lameDuck.durationMs),
    lame_duck_grace_period: durationText(lameDuck.gracePeriodMs),
  };
}

function loggingSettings(spec: ServerConfigSpec): ConfigBlock {
  const { file, level, maxFileSizeBytes, keepFiles } = spec.logging;
  const levels = { debug: level !== "info", trace: level === "trace", logtime: true, logtime_utc: true };
  return file === undefined ? levels : { ...levels, logfile: file, logfile_size_limit: maxFileSizeBytes, logfile_max_num: keepFiles };
}
