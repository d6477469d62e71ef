/** The nginx site that shows the monitoring pages below `/nats/`. Pure. */
import type { BusSpec } from "../../core/bus-spec.ts";
import { type HostNode, hostPaths } from "./host-plan.ts";

const ZONE_SIZE = "1m";
const BURST_SECONDS = 2;

/** Certificate files of the site on the host. */
export interface SiteCertificate {
  /** Certificate chain. */
  readonly certificate: string;
  /** Private key. */
  readonly key: string;
}

/** Path of the site's file; both Debian's and others' nginx read that folder. */
export function sitePath(cluster: string): string {
  return `/etc/nginx/conf.d/${hostPaths(cluster).unit}.conf`;
}

/** Path of the password file: nginx reads it at each request, as its own user, who may not look into the servers' folder. */
export function passwordPath(cluster: string): string {
  return `/etc/nginx/${hostPaths(cluster).unit}.htpasswd`;
}

/** Text of the site: `/nats/` is the host's first server, `/nats/<server>/` each of them. Reading only; nothing else is passed on. */
export function renderSite(spec: BusSpec, nodes: readonly HostNode[], files: SiteCertificate): string {
  const { proxy } = spec.systemd;
  const zone = hostPaths(spec.cluster.name).unit.replaceAll(/[^A-Za-z0-9]/g, "_");
  const first = nodes[0] as HostNode;
  const limit = proxy.requestsPerSecond;
  const lines = [
    "# Written by natsbus; changes made here are lost.",
    ...(limit === 0 ? [] : [`limit_req_zone $binary_remote_addr zone=${zone}:${ZONE_SIZE} rate=${limit}r/s;`]),
    "server {",
    `  listen ${listenText(proxy.listen, proxy.port)}${proxy.tls ? " ssl http2" : ""};`,
    `  server_name ${proxy.serverName};`,
    "  server_tokens off;",
    "  access_log off;",
    ...(proxy.tls ? tlsLines(files) : []),
    ...headerLines(proxy.tls),
    ...(limit === 0 ? [] : [`  limit_req zone=${zone} burst=${limit * BURST_SECONDS} nodelay;`, "  limit_req_status 429;"]),
    ...(Object.keys(proxy.users).length === 0
      ? []
      : ['  auth_basic "NATS monitoring";', `  auth_basic_user_file ${passwordPath(spec.cluster.name)};`]),
    ...nodes.flatMap((node) => locationLines(`/nats/${node.name}/`, node)),
    ...locationLines("/nats/", first),
    "  location / {",
    "    return 404;",
    "  }",
    "}",
  ];
  return `${lines.join("\n")}\n`;
}

/** Text of the password file. */
export function renderPasswords(users: Readonly<Record<string, string>>): string {
  return Object.entries(users)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, hash]) => `${name}:${hash}\n`)
    .join("");
}

function tlsLines({ certificate, key }: SiteCertificate): string[] {
  return [
    `  ssl_certificate ${certificate};`,
    `  ssl_certificate_key ${key};`,
    "  ssl_protocols TLSv1.2 TLSv1.3;",
    "  ssl_session_tickets off;",
  ];
}

function headerLines(tls: boolean): string[] {
  return [
    ...(tls ? ['  add_header Strict-Transport-Security "max-age=31536000" always;'] : []),
    '  add_header X-Content-Type-Options "nosniff" always;',
    '  add_header X-Frame-Options "DENY" always;',
    '  add_header Referrer-Policy "no-referrer" always;',
    `  add_header Content-Security-Policy "default-src 'none'; frame-ancestors 'none'" always;`,
    '  add_header Cache-Control "no-store" always;',
  ];
}

function locationLines(path: string, node: HostNode): string[] {
  return [
    `  location ${path} {`,
    "    limit_except GET { deny all; }",
    "    proxy_http_version 1.1;",
    "    proxy_connect_timeout 2s;",
    "    proxy_read_timeout 10s;",
    `    proxy_pass ${node.monitorUrl}/;`,
    "  }",
  ];
}

function listenText(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
