/** What runs beside the servers when it is asked for: Prometheus, Alertmanager, Grafana, and a reverse proxy in front of them. Pure. */
import type { BusSpec } from "../../core/bus-spec.ts";
import { type RenderedFile, renderMonitoringFiles } from "../../observability/writers/files.ts";
import { monitoringChoices, monitoringFacts } from "../monitoring.ts";
import type { ResolvedBus } from "../resolved-bus.ts";
import { type ContainerFile, type ContainerPlan, type DockerPlan, INSIDE, imageName, labelsOf, serverNames } from "./plan.ts";

const PORTS = { prometheus: 9090, alertmanager: 9093, grafana: 3000, proxy: 8080 } as const;
const NOBODY = "65534:65534";
const MEMORY = 512 * 1024 * 1024;

/** Address of Prometheus on the bus's network, for Grafana's data source. */
const PROMETHEUS_URL = `http://prometheus:${PORTS.prometheus}`;

/** Address of Alertmanager on the bus's network. */
const ALERTMANAGER = `alertmanager:${PORTS.alertmanager}`;

/** Folder in which Grafana finds the dashboards. */
const GRAFANA_FOLDER = "/etc/grafana/dashboards";

/** Files for what watches the bus in containers: as the stack file says, with the exporters that run beside the servers.
 * @throws ERR_CONFIG_VALUE when a route names a receiver that does not exist */
export function dockerMonitoring(bus: ResolvedBus): readonly RenderedFile[] {
  const { spec } = bus;
  const choices = monitoringChoices(bus);
  const exporters = serverNames(spec).map((name) => ({ name, address: `${name}:${INSIDE.exporter}` }));
  const alertmanagers = spec.docker.alertmanager.enabled ? [ALERTMANAGER] : [];
  return renderMonitoringFiles(monitoringFacts(bus), {
    ...choices,
    probe: false,
    scrape: { ...choices.scrape, exporters, alertmanagers },
    grafanaFolder: GRAFANA_FOLDER,
    prometheusUrl: PROMETHEUS_URL,
  });
}

/** The plan with everything beside the servers that the stack file asks for.
 * @param monitoring files of `renderMonitoringFiles` */
export function withBeside(plan: DockerPlan, spec: BusSpec, monitoring: readonly RenderedFile[]): DockerPlan {
  const { prometheus, alertmanager, grafana, proxy } = spec.docker;
  const chosen = [
    { on: prometheus.enabled, container: prometheusContainer(spec) },
    { on: alertmanager.enabled, container: alertmanagerContainer(spec) },
    { on: grafana.enabled, container: grafanaContainer(spec) },
    { on: proxy.enabled, container: proxyContainer(spec) },
  ].filter(({ on }) => on);
  const folders = {
    ...(prometheus.enabled ? { prometheus: filesBelow(monitoring, "prometheus/") } : {}),
    ...(alertmanager.enabled ? { alertmanager: filesBelow(monitoring, "alertmanager/") } : {}),
    ...(grafana.enabled ? { grafana: filesBelow(monitoring, "grafana/") } : {}),
    ...(proxy.enabled ? { proxy: [{ path: "nginx.conf", content: proxyConfig(spec) }] } : {}),
  };
  return { ...plan, containers: [...plan.containers, ...chosen.map(({ container }) => container)], files: { ...plan.files, ...folders } };
}

function filesBelow(files: readonly RenderedFile[], folder: string): ContainerFile[] {
  return files.filter(({ path }) => path.startsWith(folder)).map(({ path, content }) => ({ path: path.slice(folder.length), content }));
}

function prometheusContainer(spec: BusSpec): ContainerPlan {
  return {
    ...beside(spec, "prometheus"),
    command: [
      "--config.file=/etc/prometheus/prometheus.yml",
      "--storage.tsdb.path=/prometheus",
      "--storage.tsdb.retention.time=15d",
      ...outsideUrl(spec, "prometheus"),
    ],
    mounts: [
      { kind: "files", folder: "prometheus", target: "/etc/prometheus" },
      { kind: "volume", volume: `${spec.cluster.name}-prometheus`, target: "/prometheus" },
    ],
  };
}

function alertmanagerContainer(spec: BusSpec): ContainerPlan {
  return {
    ...beside(spec, "alertmanager"),
    command: [
      "--config.file=/etc/alertmanager/alertmanager.yml",
      "--storage.path=/alertmanager",
      // It is alone, and would look for a private address to tell others.
      "--cluster.listen-address=",
      ...outsideUrl(spec, "alertmanager"),
    ],
    // Receivers name files with their secrets; they are read where they lie, and never become part of what is rendered.
    mounts: [
      { kind: "files", folder: "alertmanager", target: "/etc/alertmanager" },
      ...secretFiles(spec.monitoring.alerting).map((path) => ({ kind: "host", path, target: path }) as const),
    ],
    memoryFolders: ["/alertmanager"],
  };
}

function secretFiles(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  const found = Object.entries(value).flatMap(([key, inner]) =>
    key === "file" && typeof inner === "string" ? [inner] : secretFiles(inner),
  );
  return [...new Set(found)];
}

function grafanaContainer(spec: BusSpec): ContainerPlan {
  const environment = {
    GF_PATHS_PROVISIONING: "/etc/grafana/provisioning",
    GF_PATHS_DATA: "/var/lib/grafana",
    GF_ANALYTICS_REPORTING_ENABLED: "false",
  };
  return {
    ...beside(spec, "grafana"),
    environment: { ...environment, GF_SERVER_SERVE_FROM_SUB_PATH: "true", GF_SERVER_ROOT_URL: "%(protocol)s://%(domain)s/grafana/" },
    mounts: [{ kind: "files", folder: "grafana", target: "/etc/grafana" }],
    memoryFolders: ["/var/lib/grafana", "/var/log/grafana", "/tmp"],
  };
}

function proxyContainer(spec: BusSpec): ContainerPlan {
  const { prometheus, alertmanager, grafana, publish, proxyPort } = spec.docker;
  const after = Object.entries({ prometheus, alertmanager, grafana }).flatMap(([name, { enabled }]) => (enabled ? [name] : []));
  return {
    ...beside(spec, "proxy"),
    entrypoint: ["nginx", "-e", "stderr", "-c", "/etc/natsbus/nginx.conf", "-g", "daemon off;"],
    command: [],
    mounts: [{ kind: "files", folder: "proxy", target: "/etc/natsbus" }],
    memoryFolders: ["/tmp"],
    ports: [{ address: publish, outside: proxyPort, inside: PORTS.proxy }],
    after,
  };
}

/** Behind the proxy a page has to know its own address, or its links lead elsewhere. */
function outsideUrl(spec: BusSpec, name: "prometheus" | "alertmanager"): string[] {
  const { proxy, address, proxyPort } = spec.docker;
  return proxy.enabled ? [`--web.external-url=http://${address}:${proxyPort}/${name}/`, "--web.route-prefix=/"] : [];
}

function beside(spec: BusSpec, name: "prometheus" | "alertmanager" | "grafana" | "proxy"): ContainerPlan {
  return {
    name,
    image: imageName(spec.docker[name]),
    user: NOBODY,
    command: [],
    environment: {},
    labels: labelsOf(spec, name),
    mounts: [],
    memoryFolders: [],
    ports: [],
    capabilities: [],
    memoryBytes: MEMORY,
    cpus: 1,
    processes: 512,
    stopSeconds: 30,
    once: false,
    after: [],
  };
}

function proxyConfig(spec: BusSpec): string {
  const { prometheus, alertmanager, grafana } = spec.docker;
  const sites = [
    ...(prometheus.enabled ? [{ path: "/prometheus/", to: PROMETHEUS_URL, keepsPath: false }] : []),
    ...(alertmanager.enabled ? [{ path: "/alertmanager/", to: `http://${ALERTMANAGER}`, keepsPath: false }] : []),
    ...(grafana.enabled ? [{ path: "/grafana/", to: `http://grafana:${PORTS.grafana}`, keepsPath: true }] : []),
  ];
  const locations = sites.map(proxyLocation).join("");
  return `# Written by natsbus; changes made here are lost.
pid /tmp/nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  server_tokens off;
  # A name is asked for again, or a container that was replaced would be looked for at its old address.
  resolver 127.0.0.11 ipv6=off valid=5s;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  server {
    listen ${PORTS.proxy};
    add_header X-Content-Type-Options "nosniff" always;
    add_header Referrer-Policy "no-referrer" always;
${locations}    location / { return 404; }
  }
}
`;
}

/** An address in a variable is resolved at each request and not once at the start, when its container may not be there yet. */
function proxyLocation({ path, to, keepsPath }: { readonly path: string; readonly to: string; readonly keepsPath: boolean }): string {
  const rewrite = keepsPath ? "" : ` rewrite ^${path}(.*)$ /$1 break;`;
  return `    location ${path} { set $to ${to};${rewrite} proxy_pass $to; proxy_set_header Host $http_host; }\n`;
}
