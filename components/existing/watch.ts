/** What watches an existing cluster, on the machine where `up` runs: the same processes as on the process target. */
import * as pulumi from "@pulumi/pulumi";
import type { ConnectionSpec } from "../../core/connection.ts";
import type { ProbeAccess } from "../../observability/probe-config.ts";
import { monitoringFacts } from "../monitoring.ts";
import { CANARY_USER } from "../monitoring-catalogue.ts";
import { canaryLogin, planWatching } from "../process/monitoring/inputs.ts";
import { Monitoring } from "../process/monitoring/resource.ts";
import type { MonitoringInputs } from "../process/monitoring/spec.ts";
import type { ResolvedBus } from "../resolved-bus.ts";
import type { ExistingAccess } from "./access.ts";
import type { WatchedServers } from "./watched.ts";

/** What is watched, and with what. */
export interface ExistingWatch {
  readonly bus: ResolvedBus;
  readonly access: ExistingAccess;
  readonly watched: WatchedServers;
  /** Map keyed by user name: path of its credentials file; without the canary's user the stack's own login publishes. */
  readonly credentials: pulumi.Input<Readonly<Record<string, string>>>;
}

/** Creates it. */
export function watchExisting(name: string, watch: ExistingWatch, options: pulumi.CustomResourceOptions): void {
  const probe = pulumi.output(watch.credentials).apply((files) => planExistingWatch(watch, files[CANARY_USER]).probe);
  const { directory, facts, choices, ports, access } = planExistingWatch(watch, undefined);
  // Only the probe is told the credentials: the rest is known in every preview.
  new Monitoring(name, { directory, facts, choices, ports, probe, access: pulumi.secret(access) }, options);
}

/** What the `Monitoring` resource is given. Pure. */
export function planExistingWatch(
  { bus, access, watched }: Omit<ExistingWatch, "credentials">,
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
