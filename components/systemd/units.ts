/** The units of a bus on one host. Pure. */
import type { BusSpec } from "../../core/bus-spec.ts";
import { addressRules, HARDENING, SYSTEM_CALLS } from "./hardening.ts";
import { type HostNode, type HostPaths, hostAddresses, hostPaths, JOURNAL, namedHosts } from "./host-plan.ts";
import type { UnitFile, UnitSection } from "./unit-file.ts";

const DOCUMENTATION = "https://docs.nats.io";
const STOP_MARGIN_S = 15;
const SPARE_FILES = 8_192;
/** Part of the memory limit that Go may fill before it collects harder; the rest is for what Go does not count. */
const GO_SHARE = 0.9;
const EXPORTER_FLAGS =
  "-addr {address} -port {port} -varz -connz -healthz -healthz_js_enabled_only -jsz=all -accstatz -prefix=nats -use_internal_server_name";

/** What the units of one host are made from. */
export interface HostUnits {
  /** The whole bus. */
  readonly spec: BusSpec;
  /** The servers of this host. */
  readonly nodes: readonly HostNode[];
  /** Whether a probe watches this host's servers. */
  readonly probe: boolean;
  /** Path of nats-server on the host. */
  readonly program: string;
}

/** Every unit of one host, in the order in which they matter. */
export function planUnits(host: HostUnits): readonly UnitFile[] {
  const { spec, nodes } = host;
  const paths = hostPaths(spec.cluster.name);
  return [
    ...nodes.map((node) => serverUnit(host, node, paths)),
    healthService(host, paths),
    healthTimer(spec, paths),
    ...(spec.systemd.firewall ? [firewallUnit(spec, paths)] : []),
    ...(spec.systemd.exporter.enabled ? nodes.map((node) => exporterUnit(spec, node, paths)) : []),
    ...(host.probe ? [probeUnit(spec, paths)] : []),
  ];
}

/** File name of a server's unit. */
export function serverUnitName(cluster: string, node: string): string {
  return `${hostPaths(cluster).unit}-${node}.service`;
}

function serverUnit({ spec, program }: HostUnits, node: HostNode, paths: HostPaths): UnitFile {
  const { name } = node;
  const folder = `${paths.config}/${name}`;
  const { durationMs } = spec.lameDuck;
  return {
    name: serverUnitName(spec.cluster.name, name),
    sections: {
      Unit: {
        Description: `NATS server ${name} of ${spec.cluster.name}`,
        Documentation: DOCUMENTATION,
        Wants: "network-online.target",
        After: "network-online.target",
        StartLimitIntervalSec: 120,
        StartLimitBurst: 10,
      },
      Service: {
        Type: "exec",
        User: spec.systemd.user,
        Group: spec.systemd.user,
        WorkingDirectory: `${paths.data}/${name}`,
        // What the server is started with is kept for as long as it runs, so that a later change is known to need a restart or not.
        RuntimeDirectory: `natsbus/${spec.cluster.name}/${name}`,
        RuntimeDirectoryMode: "0750",
        ExecStartPre: `/bin/cp ${folder}/start-settings \${RUNTIME_DIRECTORY}/start-settings`,
        ExecStart: `${program} --config ${folder}/nats.conf`,
        ExecReload: "/bin/kill -HUP $MAINPID",
        // Lame duck: the server hands over its leaderships, then sends its clients away.
        KillSignal: "SIGUSR2",
        KillMode: "mixed",
        SendSIGHUP: false,
        TimeoutStartSec: 30,
        TimeoutStopSec: Math.ceil(durationMs / 1000) + STOP_MARGIN_S,
        Restart: "always",
        RestartSec: 2,
        SyslogIdentifier: `nats-${name}`,
        LogNamespace: JOURNAL,
        LimitNOFILE: spec.limits.maxConnections + SPARE_FILES,
        LimitCORE: 0,
        ...resourceLimits(spec),
        ...HARDENING,
        ...serverAddresses(spec),
        SystemCallFilter: SYSTEM_CALLS,
        ReadWritePaths: `${paths.data}/${name}`,
      },
      Install: { WantedBy: "multi-user.target" },
    },
  };
}

function resourceLimits({ limits }: BusSpec): UnitSection {
  const { memoryBytes, cpu } = limits;
  const environment = [
    ...(memoryBytes === undefined ? [] : [`GOMEMLIMIT=${Math.floor(memoryBytes * GO_SHARE)}`]),
    ...(cpu === undefined ? [] : [`GOMAXPROCS=${Math.max(1, Math.ceil(cpu))}`]),
  ];
  return {
    TasksMax: 4096,
    ...(memoryBytes === undefined ? {} : { MemoryMax: memoryBytes, MemorySwapMax: 0 }),
    ...(cpu === undefined ? {} : { CPUQuota: `${Math.round(cpu * 100)}%` }),
    ...(environment.length === 0 ? {} : { Environment: environment }),
  };
}

/** The hosts of the bus and the networks of its clients. Hosts given by name cannot be listed, and then the firewall guards alone. */
function serverAddresses(spec: BusSpec, more = spec.systemd.clientNetworks): UnitSection {
  const allowed = [...hostAddresses(spec), ...more];
  if (namedHosts(spec).some((host) => host !== "localhost")) return { RestrictAddressFamilies: "AF_INET AF_INET6" };
  return addressRules(allowed);
}

function healthService({ spec }: HostUnits, paths: HostPaths): UnitFile {
  return {
    name: `${paths.unit}-health.service`,
    sections: {
      Unit: { Description: `Health of the NATS servers of ${spec.cluster.name}`, Documentation: DOCUMENTATION },
      Service: {
        Type: "oneshot",
        User: spec.systemd.user,
        Group: spec.systemd.user,
        ExecStart: `${paths.programs}/health.sh ${paths.config}`,
        TimeoutStartSec: 60,
        SyslogIdentifier: "nats-health",
        LogNamespace: JOURNAL,
        MemoryMax: "64M",
        ...HARDENING,
        ...addressRules([]),
        SystemCallFilter: SYSTEM_CALLS,
      },
    },
  };
}

function healthTimer(spec: BusSpec, paths: HostPaths): UnitFile {
  const seconds = spec.systemd.healthIntervalMs / 1000;
  return {
    name: `${paths.unit}-health.timer`,
    sections: {
      Unit: { Description: `Health of the NATS servers of ${spec.cluster.name}, every ${seconds} s` },
      Timer: { OnActiveSec: `${seconds}s`, OnUnitActiveSec: `${seconds}s`, AccuracySec: "1s", Unit: `${paths.unit}-health.service` },
      Install: { WantedBy: "timers.target" },
    },
  };
}

/** The table is loaded before the servers listen; stopping the unit removes it and nothing else. */
function firewallUnit(spec: BusSpec, paths: HostPaths): UnitFile {
  return {
    name: `${paths.unit}-firewall.service`,
    sections: {
      Unit: {
        Description: `Firewall of the NATS servers of ${spec.cluster.name}`,
        Documentation: DOCUMENTATION,
        Wants: "network-pre.target",
        Before: "network-pre.target",
        DefaultDependencies: false,
        Conflicts: "shutdown.target",
        After: "local-fs.target nftables.service",
      },
      Service: {
        Type: "oneshot",
        RemainAfterExit: true,
        ExecStart: `/usr/sbin/nft -f ${paths.config}/firewall.nft`,
        ExecReload: `/usr/sbin/nft -f ${paths.config}/firewall.nft`,
        ExecStop: `/usr/sbin/nft delete table inet ${tableName(spec.cluster.name)}`,
        ...HARDENING,
        PrivateUsers: false,
        CapabilityBoundingSet: "CAP_NET_ADMIN",
        RestrictAddressFamilies: "AF_NETLINK",
        SystemCallFilter: ["@system-service"],
      },
      Install: { WantedBy: "multi-user.target" },
    },
  };
}

/** Name of the nftables table of a bus. */
export function tableName(cluster: string): string {
  return `natsbus_${cluster.replaceAll("-", "_")}`;
}

function exporterUnit(spec: BusSpec, node: HostNode, paths: HostPaths): UnitFile {
  const { exporter, monitoringNetworks, user } = spec.systemd;
  const address = monitoringNetworks.length === 0 ? "127.0.0.1" : node.host.listen;
  const flags = EXPORTER_FLAGS.replace("{address}", address).replace("{port}", String(node.ports.exporter));
  const server = serverUnitName(spec.cluster.name, node.name);
  return {
    name: `${paths.unit}-${node.name}-exporter.service`,
    sections: {
      Unit: { Description: `Exporter of NATS server ${node.name} of ${spec.cluster.name}`, After: server, PartOf: server },
      Service: {
        Type: "exec",
        User: user,
        Group: user,
        ExecStart: `${exporter.path} ${flags} ${node.monitorUrl}`,
        Restart: "always",
        RestartSec: 5,
        SyslogIdentifier: `nats-${node.name}-exporter`,
        LogNamespace: JOURNAL,
        MemoryMax: "128M",
        ...HARDENING,
        ...addressRules(monitoringNetworks),
        SystemCallFilter: SYSTEM_CALLS,
      },
      Install: { WantedBy: "multi-user.target" },
    },
  };
}

/** The probe is a Node program: it makes machine code while it runs, which the others may not. */
function probeUnit(spec: BusSpec, paths: HostPaths): UnitFile {
  const { probe, user } = spec.systemd;
  return {
    name: `${paths.unit}-probe.service`,
    sections: {
      Unit: {
        Description: `Probe of the NATS servers of ${spec.cluster.name}`,
        After: "network-online.target",
        Wants: "network-online.target",
      },
      Service: {
        Type: "exec",
        User: user,
        Group: user,
        ExecStart: `${probe.path} probe --config ${paths.config}/probe.json`,
        Restart: "always",
        RestartSec: 5,
        SyslogIdentifier: "nats-probe",
        LogNamespace: JOURNAL,
        MemoryMax: "256M",
        ...HARDENING,
        MemoryDenyWriteExecute: false,
        ...serverAddresses(spec, spec.systemd.monitoringNetworks),
        SystemCallFilter: SYSTEM_CALLS,
      },
      Install: { WantedBy: "multi-user.target" },
    },
  };
}
