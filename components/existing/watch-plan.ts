/** From what was seen of an existing cluster to what watches it. Pure. */
import type { ConnectionSpec } from "../../core/connection.ts";
import type { ProbeAccess } from "../../observability/probe-config.ts";
import { monitoringFacts } from "../monitoring.ts";
import { canaryLogin, planWatching } from "../process/monitoring/inputs.ts";
import type { MonitoringInputs } from "../process/monitoring/spec.ts";
import type { ResolvedBus } from "../resolved-bus.ts";
import type { ExistingAccess } from "./access.ts";
import type { WatchedServers } from "./watched.ts";

/** What is watched, and how it is reached. */
export interface ExistingWatched {
  readonly bus: ResolvedBus;
  readonly access: ExistingAccess;
  readonly watched: WatchedServers;
}

/** What the `Monitoring` resource is given.
 * @param credsFile credentials of the canary's own user; absent: the stack's login publishes */
export function planExistingWatch(
  { bus, access, watched }: ExistingWatched,
  credsFile: string | undefined,
): MonitoringInputs & { readonly access: ProbeAccess } {
  const { servers, account, encrypted } = watched;
  const monitorCa = access.connection.ca === undefined ? {} : { monitorCaFile: `${bus.spec.process.directory}/ca.pem` };
  const inputs = planWatching(bus, {
    facts: { ...monitoringFacts(bus, account), tls: encrypted },
    servers: servers.map((server) => ({ ...server, ...(server.monitorUrl?.startsWith("https:") === true ? monitorCa : {}) })),
    canary: canaryLogin(credsFile),
  });
  const { system } = access;
  return { ...inputs, access: { client: clientOf(access.connection), ...(system === undefined ? {} : { system }) } };
}

/** What a connection has beside its servers; the API's place and the patience for it are not the canary's. */
function clientOf({ servers: _servers, timeoutMs: _timeoutMs, domain: _domain, apiPrefix: _apiPrefix, ...client }: ConnectionSpec) {
  return client;
}
