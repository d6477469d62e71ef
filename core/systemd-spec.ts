/** The `systemd` block of a stack file with every default filled in, and the rules between its settings. */
import { isIP } from "node:net";
import type { Problem } from "./errors.ts";
import type { SystemdSettings } from "./systemd-schema.ts";

type HostSettings = SystemdSettings["hosts"][number];

/** One host with every default filled in. */
export type SystemdHost = Omit<HostSettings, "sudo" | "listen" | "routeAddress"> & {
  /** Whether commands are run by `sudo -n`. */
  readonly sudo: boolean;
  /** Address that the client and route listeners bind to. */
  readonly listen: string;
  /** Address at which the other servers reach this one. */
  readonly routeAddress: string;
};

/** Everything the `systemd` target declares; see `systemd-schema.ts` for the meaning of each key. */
export type SystemdSpec = Omit<SystemdSettings, "hosts" | "healthInterval"> & {
  /** The hosts. */
  readonly hosts: readonly SystemdHost[];
  /** How often each host checks the health of its servers, in milliseconds. */
  readonly healthIntervalMs: number;
};

/** What the rules need to know of the rest of the stack file. */
export interface SystemdContext {
  /** Whether this target is chosen; without it nothing is checked. */
  readonly chosen: boolean;
  /** Number of servers. */
  readonly servers: number;
  /** How clients prove who they are. */
  readonly auth: "jwt" | "config" | "none";
  /** Whether clients are encrypted. */
  readonly encrypted: boolean;
}

const LOOPBACK = /^(127\.|localhost$|::1$)/;
const LARGEST_PORT = 65_535;

/** Fills in what depends on other settings. */
export function resolveSystemd({ hosts, healthInterval, ...rest }: SystemdSettings): SystemdSpec {
  return { ...rest, healthIntervalMs: healthInterval, hosts: hosts.map(resolveHost) };
}

/** What is wrong between the settings of the block. */
export function systemdProblems(spec: SystemdSpec, context: SystemdContext): readonly Problem[] {
  if (!context.chosen) return [];
  return [
    ...spec.hosts.flatMap((host, index) => hostProblems(host, `systemd.hosts[${index}]`)),
    ...repeatedHosts(spec),
    ...loneRoutes(spec, context),
    ...exposure(spec, context),
    ...portProblems(spec, context),
    ...binaryProblems(spec),
    ...proxyProblems(spec, context),
    ...networkProblems(spec),
  ];
}

function resolveHost(host: HostSettings): SystemdHost {
  const { sudo, listen, routeAddress, ...rest } = host;
  return {
    ...rest,
    sudo: sudo ?? host.user !== "root",
    listen: listen ?? (host.via === "local" ? "127.0.0.1" : "0.0.0.0"),
    routeAddress: routeAddress ?? host.address,
  };
}

function hostProblems(host: SystemdHost, path: string): Problem[] {
  if (host.via === "local") {
    if (host.bastion === undefined) return [];
    return [conflict(`${path}.bastion`, "this machine is not reached through another one", "remove bastion, or set via: ssh")];
  }
  if (host.hostKey !== undefined) return [];
  const remedy = `write the line of /etc/ssh/ssh_host_ed25519_key.pub from ${host.address}, read there and not over the network`;
  return [
    {
      code: "ERR_CONFIG_MISSING",
      path: `${path}.hostKey`,
      message: "without the host's key whoever answers at that address would be given the servers' keys",
      remedy,
    },
  ];
}

function repeatedHosts(spec: SystemdSpec): Problem[] {
  return spec.hosts.flatMap((host, index) => {
    const first = spec.hosts.findIndex((other) => other.address === host.address && other.port === host.port);
    if (first === index) return [];
    return [
      conflict(
        `systemd.hosts[${index}].address`,
        `${host.address} is also systemd.hosts[${first}]`,
        "list a host once; several servers on it get consecutive ports",
      ),
    ];
  });
}

/** Servers on several hosts cannot meet on loopback. */
function loneRoutes(spec: SystemdSpec, { servers }: SystemdContext): Problem[] {
  const used = spec.hosts.slice(0, servers);
  if (used.length < 2) return [];
  return used.flatMap((host, index) => {
    const path = `systemd.hosts[${index}]`;
    if (LOOPBACK.test(host.routeAddress))
      return [
        conflict(
          `${path}.address`,
          `the servers of the other hosts cannot reach ${host.routeAddress}`,
          "give an address the other hosts reach",
        ),
      ];
    if (LOOPBACK.test(host.listen))
      return [
        conflict(
          `${path}.listen`,
          `the servers would listen on ${host.listen}, where the other hosts cannot reach them`,
          "set listen to an address of the host's network",
        ),
      ];
    return [];
  });
}

function exposure(spec: SystemdSpec, { auth, encrypted, servers }: SystemdContext): Problem[] {
  const open = spec.hosts.slice(0, servers).find((host) => !LOOPBACK.test(host.listen));
  if (open === undefined) return [];
  const found: Problem[] = [];
  if (auth === "none")
    found.push(
      conflict(
        "auth.mode",
        `without authentication the servers would listen on ${open.listen}, where others reach them`,
        'use auth.mode "jwt"',
      ),
    );
  if (!encrypted)
    found.push(
      conflict("tls.clients", `unencrypted clients would connect over ${open.listen}, where others can listen`, "turn tls.clients on"),
    );
  return found;
}

function portProblems(spec: SystemdSpec, { servers }: SystemdContext): Problem[] {
  const each = Math.ceil(servers / spec.hosts.length);
  const { client, monitor, route, exporter, probe } = spec.ports;
  const ranges = [
    { name: "client", first: client, count: each },
    { name: "monitor", first: monitor, count: each },
    { name: "route", first: route, count: servers > 1 ? each : 0 },
    { name: "exporter", first: exporter, count: spec.exporter.enabled ? each : 0 },
    { name: "probe", first: probe, count: spec.probe.enabled ? 1 : 0 },
  ];
  const clashes = ranges.flatMap((range, index) =>
    ranges
      .slice(0, index)
      .filter((other) => range.first < other.first + other.count && other.first < range.first + range.count)
      .map((other) => {
        const message = `the ${each} servers of a host need ${each} ports each, and ${range.name} from ${range.first} meets ${other.name} from ${other.first}`;
        return { code: "ERR_PORT_CLASH", path: `systemd.ports.${range.name}`, message, remedy: "move one of the ranges" } satisfies Problem;
      }),
  );
  const proxied = spec.proxy.enabled
    ? ranges.filter(({ first, count }) => spec.proxy.port >= first && spec.proxy.port < first + count)
    : [];
  const outside = ranges.filter(({ first, count }) => first + count - 1 > LARGEST_PORT);
  return [
    ...clashes,
    ...proxied.map(
      ({ name }): Problem => ({
        code: "ERR_PORT_CLASH",
        path: "systemd.proxy.port",
        message: `port ${spec.proxy.port} is also a ${name} port`,
        remedy: "choose another port",
      }),
    ),
    ...outside.map(
      ({ name, first, count }): Problem => ({
        code: "ERR_CONFIG_VALUE",
        path: `systemd.ports.${name}`,
        message: `counting up for ${count} servers of a host reaches ${first + count - 1}; the largest port is ${LARGEST_PORT}`,
        remedy: "start lower",
      }),
    ),
  ];
}

function binaryProblems({ binary }: SystemdSpec): Problem[] {
  if (binary.path !== undefined && binary.url !== undefined)
    return [conflict("systemd.binary.url", "the program is named twice, by path and by url", "remove one of them")];
  if (binary.url !== undefined && binary.sha256 === undefined)
    return [
      conflict("systemd.binary.sha256", "what is fetched from an address must be compared with a checksum", "add the program's SHA-256"),
    ];
  return [];
}

function proxyProblems({ proxy }: SystemdSpec, { encrypted }: SystemdContext): Problem[] {
  if (!proxy.enabled) return [];
  const found: Problem[] = [];
  const isOpen = !LOOPBACK.test(proxy.listen);
  if (Object.keys(proxy.users).length > 0 && !proxy.tls && isOpen)
    found.push(conflict("systemd.proxy.tls", `passwords would be sent in clear to ${proxy.listen}`, "turn systemd.proxy.tls on"));
  if (isOpen && Object.keys(proxy.users).length === 0)
    found.push(
      conflict(
        "systemd.proxy.users",
        `anybody who reaches ${proxy.listen} could read the monitoring pages`,
        "add a user, or listen on 127.0.0.1",
      ),
    );
  if ((proxy.certificate === undefined) !== (proxy.certificateKey === undefined))
    found.push(
      conflict("systemd.proxy.certificate", "a certificate and its key belong together", "set certificate and certificateKey, or neither"),
    );
  if (proxy.tls && !encrypted && proxy.certificate === undefined)
    found.push(
      conflict(
        "systemd.proxy.certificate",
        "the site has no certificate: tls.clients is off",
        "set certificate and certificateKey, or turn tls.clients on",
      ),
    );
  return found;
}

function networkProblems(spec: SystemdSpec): Problem[] {
  return (["clientNetworks", "monitoringNetworks"] as const).flatMap((key) =>
    spec[key].flatMap((network, index): Problem[] => {
      const [address = "", bits] = network.split("/");
      const kind = isIP(address);
      const most = kind === 6 ? 128 : 32;
      if (kind !== 0 && (bits === undefined || Number(bits) <= most)) return [];
      return [
        {
          code: "ERR_CONFIG_VALUE",
          path: `systemd.${key}[${index}]`,
          message: `"${network}" is no network`,
          remedy: 'write one such as "10.0.0.0/8"',
        },
      ];
    }),
  );
}

function conflict(path: string, message: string, remedy: string): Problem {
  return { code: "ERR_CONFIG_CONFLICT", path, message, remedy };
}
