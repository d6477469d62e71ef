/** Rules between the settings of one stack file, found as soon as it is read. Rules that need the streams are in `rules.ts`. */
import type { BusSpec } from "./bus-spec.ts";
import { dockerProblems } from "./docker-spec.ts";
import type { ErrorCode, Problem } from "./errors.ts";
import { existingProblems, existingSchema, watchingProblems } from "./existing-spec.ts";
import { kubernetesProblems } from "./kubernetes-rules.ts";
import { findPortClashes, LARGEST_PORT, type PortClaim } from "./ports.ts";
import { extraProblems } from "./server-config.ts";
import { systemdProblems } from "./systemd-spec.ts";
import { renderDuration, renderSize } from "./units.ts";

/** Problems between settings: folders, ports, times. */
export function resolutionProblems(spec: BusSpec): readonly Problem[] {
  return [
    ...directoryProblems(spec),
    ...existingRules(spec),
    ...portListProblems(spec),
    ...portClashProblems(spec),
    ...timeProblems(spec),
    ...monitorProblems(spec),
    ...sizeProblems(spec),
    ...kubernetesProblems(spec),
    ...extraProblems(spec.serverConfig),
    ...systemdProblems(spec.systemd, chosenContext(spec, "systemd")),
    ...dockerProblems(spec.docker, chosenContext(spec, "docker")),
  ];
}

/** What the rules of one target need to know of the rest. */
function chosenContext(spec: BusSpec, target: BusSpec["target"]) {
  return { chosen: spec.target === target, servers: spec.cluster.servers, auth: spec.auth.mode, encrypted: spec.tls.clients };
}

/** Every port the process target listens on, with the setting that asks for it. */
export function portClaims(spec: BusSpec): readonly PortClaim[] {
  const kinds = ["client", "monitor", "route"] as const;
  // Servers that run elsewhere listen where they do.
  const servers = (spec.target === "existing" ? [] : kinds).flatMap((kind) =>
    spec.process.ports[kind].map((port, index) => ({ port, path: `process.ports.${kind}`, owner: `n${index + 1} ${kind}` })),
  );
  const watchers = spec.monitoring.enabled ? Object.entries(spec.monitoring.ports) : [];
  return [...servers, ...watchers.map(([owner, port]) => ({ port, path: `monitoring.ports.${owner}`, owner }))];
}

function existingRules({ target, existing, auth, monitoring, cluster }: BusSpec): readonly Problem[] {
  if (target === "existing") {
    const block = existing ?? existingSchema.parse({});
    return [...existingProblems(block, auth.mode), ...(monitoring.enabled ? watchingProblems(block, cluster.servers) : [])];
  }
  if (existing === undefined) return [];
  return [
    conflict(
      "existing",
      `an existing cluster is described, and the target is "${target}"`,
      'set the target to "existing", or remove the block',
    ),
  ];
}

function directoryProblems(spec: BusSpec): readonly Problem[] {
  const { directory } = spec.process;
  const path = "process.directory";
  const parts = directory.split(/[/\\]/).filter((part) => part !== "" && part !== ".");
  const remedy = 'name a folder of its own for this stack, for instance ".natsbus/dev", or remove the setting';
  if (parts.length === 0 || parts.includes(".."))
    return [conflict(path, `"${directory}" is not a folder of its own; destroy removes what is in it`, remedy)];
  const isState = parts[0] === ".natsbus" && (parts.length === 1 || parts[1] === "state");
  return isState ? [conflict(path, `"${directory}" holds Pulumi's state, which destroy would remove`, remedy)] : [];
}

function portListProblems(spec: BusSpec): readonly Problem[] {
  const { servers } = spec.cluster;
  return (["client", "monitor", "route"] as const).flatMap((kind) => {
    const ports = spec.process.ports[kind];
    const path = `process.ports.${kind}`;
    if (ports.length !== servers)
      return [
        conflict(
          path,
          `${ports.length} ports are listed for ${servers} servers`,
          "list one port a server, or give only the first server's port",
        ),
      ];
    const outside = ports.find((port) => port > LARGEST_PORT);
    if (outside === undefined) return [];
    return [
      problem(
        "ERR_CONFIG_VALUE",
        path,
        `counting up for ${servers} servers reaches ${outside}; the largest port is ${LARGEST_PORT}`,
        "start lower",
      ),
    ];
  });
}

function portClashProblems(spec: BusSpec): readonly Problem[] {
  return findPortClashes(portClaims(spec)).map((group) => {
    const owners = group.map((claim) => claim.owner).join(" and ");
    const path = group.at(-1)?.path ?? "process.ports";
    return problem(
      "ERR_PORT_CLASH",
      path,
      `port ${group[0]?.port} is asked for by ${owners}`,
      "move one of the port ranges so that no two listeners share a port",
    );
  });
}

function timeProblems(spec: BusSpec): readonly Problem[] {
  const { tls, lameDuck } = spec;
  const found: Problem[] = [];
  const shorter = (early: number, late: number, path: string, other: string) => {
    if (early < late) return;
    found.push(
      conflict(path, `${renderDuration(early)} is not shorter than ${other}, ${renderDuration(late)}`, `make it shorter than ${other}`),
    );
  };
  shorter(tls.renewBeforeMs, tls.validityMs, "tls.renewBefore", "tls.validity");
  shorter(tls.authorityRenewBeforeMs, tls.authorityValidityMs, "tls.authorityRenewBefore", "tls.authorityValidity");
  shorter(tls.validityMs, tls.authorityValidityMs + 1, "tls.validity", "tls.authorityValidity");
  shorter(lameDuck.gracePeriodMs, lameDuck.durationMs, "lameDuck.gracePeriod", "lameDuck.duration");
  return found;
}

function monitorProblems(spec: BusSpec): readonly Problem[] {
  if (!spec.process.monitorTls || spec.tls.clients) return [];
  return [
    conflict(
      "process.monitorTls",
      "HTTPS for the monitor ports uses the clients' certificates, and tls.clients is off",
      "turn tls.clients on, or monitorTls off",
    ),
  ];
}

function sizeProblems(spec: BusSpec): readonly Problem[] {
  const { limits, jetstream } = spec;
  const found: Problem[] = [];
  if (limits.maxPendingBytes < limits.maxPayloadBytes) {
    const message = `${renderSize(limits.maxPendingBytes)} is less than one message may have, limits.maxPayload ${renderSize(limits.maxPayloadBytes)}`;
    found.push(conflict("limits.maxPending", message, "make it at least limits.maxPayload"));
  }
  if (limits.memoryBytes !== undefined && limits.memoryBytes <= jetstream.maxMemoryBytes) {
    const message = `${renderSize(limits.memoryBytes)} leaves nothing beside jetstream.maxMemory, ${renderSize(jetstream.maxMemoryBytes)}`;
    found.push(conflict("limits.memory", message, "make it clearly larger than jetstream.maxMemory, or lower that"));
  }
  return found;
}

function conflict(path: string, message: string, remedy: string): Problem {
  return problem("ERR_CONFIG_CONFLICT", path, message, remedy);
}

function problem(code: ErrorCode, path: string, message: string, remedy: string): Problem {
  return { code, path, message, remedy };
}
