/** The nftables table of a bus on one host: guards the servers' ports and touches nothing else. Pure. */
import { isIP } from "node:net";
import type { BusSpec } from "../../core/bus-spec.ts";
import { type HostNode, hostAddresses, namedHosts } from "./host-plan.ts";
import { runsProbe } from "./probe.ts";
import { tableName } from "./units.ts";

/** Chains before this priority belong to the system's own filter; ours speaks first, and only about our ports. */
const PRIORITY = "filter - 10";

const FAMILIES = [
  { version: 4, suffix: "4", type: "ipv4_addr", match: "ip" },
  { version: 6, suffix: "6", type: "ipv6_addr", match: "ip6" },
] as const;

/**
 * Text for `nft -f`. It makes the table anew in one transaction; other tables are never read, flushed or changed.
 */
export function renderFirewall(spec: BusSpec, nodes: readonly HostNode[]): string {
  const table = tableName(spec.cluster.name);
  const { clientNetworks, monitoringNetworks, exporter, proxy } = spec.systemd;
  // Hosts given by name cannot be told from others: then the servers' own certificates guard the routes.
  const hosts = hostAddresses(spec);
  const routes = namedHosts(spec).some((host) => host !== "localhost") ? ["0.0.0.0/0", "::/0"] : hosts;
  const guards: readonly Guard[] = [
    { what: "clients", ports: nodes.map((node) => node.ports.client), sources: [...hosts, ...clientNetworks] },
    { what: "routes", ports: spec.cluster.servers > 1 ? nodes.map((node) => node.ports.route) : [], sources: routes },
    { what: "monitor", ports: nodes.map((node) => node.ports.monitor), sources: [] },
    {
      what: "exporters",
      ports: exporter.enabled ? nodes.map((node) => node.ports.exporter) : [],
      sources: [...hosts, ...monitoringNetworks],
    },
    { what: "probe", ports: runsProbe(spec) ? [spec.systemd.ports.probe] : [], sources: [...hosts, ...monitoringNetworks] },
    { what: "site", ports: proxy.enabled ? [proxy.port] : [], sources: monitoringNetworks },
  ];
  const used = guards.filter(({ ports }) => ports.length > 0);
  return `# Written by natsbus; changes made here are lost.
# The first two lines make sure that the table exists and is empty, whatever was there before.
table inet ${table}
delete table inet ${table}
table inet ${table} {
${used.flatMap(setLines).join("")}  chain input {
    type filter hook input priority ${PRIORITY}; policy accept;
    iif lo accept
    ct state established,related accept
${used.flatMap(ruleLines).join("")}  }
}
`;
}

/** Ports and who may reach them. */
interface Guard {
  readonly what: string;
  readonly ports: readonly number[];
  readonly sources: readonly string[];
}

function setLines(guard: Guard): string[] {
  return FAMILIES.flatMap((family) => {
    const elements = sourcesOf(guard, family);
    if (elements.length === 0) return [];
    const body = `type ${family.type}; flags interval; auto-merge; elements = { ${elements.join(", ")} }`;
    return [`  set ${guard.what}${family.suffix} { ${body}; }\n`];
  });
}

function ruleLines(guard: Guard): string[] {
  const ports = `tcp dport { ${guard.ports.join(", ")} }`;
  const accepts = FAMILIES.filter((family) => sourcesOf(guard, family).length > 0).map(
    ({ match, suffix }) => `    ${ports} ${match} saddr @${guard.what}${suffix} accept\n`,
  );
  return [...accepts, `    ${ports} drop comment "${guard.what} from elsewhere"\n`];
}

function sourcesOf({ sources }: Guard, { version }: (typeof FAMILIES)[number]): string[] {
  const own = sources.filter((source) => isIP(source.split("/", 1)[0] ?? "") === version);
  return [...new Set(own)];
}
