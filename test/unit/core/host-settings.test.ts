import { expect, test } from "vitest";
import { isBusError } from "../../../core/errors.ts";
import { hostSpec, type StackBlocks } from "../../support/host-bus.ts";

const KEY = `ssh-ed25519 ${"A".repeat(68)}`;
const host = (n: number, more: Record<string, unknown> = {}) => ({ address: `10.0.0.1${n}`, hostKey: KEY, ...more });
const systemd = (block: Record<string, unknown>, more: StackBlocks = {}): StackBlocks => ({ target: "systemd", systemd: block, ...more });
const docker = (block: Record<string, unknown>, more: StackBlocks = {}): StackBlocks => ({ target: "docker", docker: block, ...more });
const OPEN = { enabled: true, listen: "10.0.0.11" };

test.each<[string, StackBlocks, string]>([
  ["no host", systemd({ hosts: [] }), "systemd.hosts"],
  ["a host without its key", systemd({ hosts: [{ address: "10.0.0.1" }] }), "systemd.hosts[0].hostKey"],
  ["a key that is none", systemd({ hosts: [host(1, { hostKey: "AAAA" })] }), "systemd.hosts[0].hostKey"],
  ["a bastion without its key", systemd({ hosts: [host(1, { bastion: { address: "10.0.0.9" } })] }), "systemd.hosts[0].bastion.hostKey"],
  [
    "a bastion before this machine",
    systemd({ hosts: [{ address: "127.0.0.1", via: "local", bastion: { address: "b", hostKey: KEY } }] }),
    "systemd.hosts[0].bastion",
  ],
  ["a host twice", systemd({ hosts: [host(1), host(1)] }), "systemd.hosts[1].address"],
  ["an address with a blank", systemd({ hosts: [host(1, { address: "a b" })] }), "systemd.hosts[0].address"],
  ["an unknown way", systemd({ hosts: [host(1, { via: "telnet" })] }), "systemd.hosts[0].via"],
  ["a user name with a capital", systemd({ hosts: [host(1, { user: "Root" })] }), "systemd.hosts[0].user"],
  ["an SSH port that is none", systemd({ hosts: [host(1, { port: 0 })] }), "systemd.hosts[0].port"],
  ["an unknown key of a host", systemd({ hosts: [host(1, { adress: "x" })] }), "systemd.hosts[0].adress"],
  ["loopback among several hosts", systemd({ hosts: [host(1), host(2, { address: "127.0.0.1" })] }), "systemd.hosts[1].address"],
  ["listening on loopback among several hosts", systemd({ hosts: [host(1), host(2, { listen: "127.0.0.1" })] }), "systemd.hosts[1].listen"],
  ["no authentication on a network", systemd({ hosts: [host(1)] }, { auth: { mode: "none" } }), "auth.mode"],
  ["no encryption on a network", systemd({ hosts: [host(1)] }, { tls: { clients: false } }), "tls.clients"],
  ["port ranges that meet", systemd({ ports: { client: 4222, route: 4224 } }), "systemd.ports.route"],
  ["ports beyond the last", systemd({ ports: { client: 65_534 } }), "systemd.ports.client"],
  ["a proxy on a server's port", systemd({ proxy: { enabled: true, port: 8222 } }), "systemd.proxy.port"],
  [
    "a program named twice",
    systemd({ binary: { path: "/usr/bin/nats-server", url: "https://x/y", sha256: "a".repeat(64) } }),
    "systemd.binary.url",
  ],
  ["a download without a checksum", systemd({ binary: { url: "https://x/y" } }), "systemd.binary.sha256"],
  ["a download in clear", systemd({ binary: { url: "http://x/y", sha256: "a".repeat(64) } }), "systemd.binary.url"],
  ["a path with a quote", systemd({ binary: { path: "/usr/bin/na'ts" } }), "systemd.binary.path"],
  ["an open site without users", systemd({ proxy: OPEN }), "systemd.proxy.users"],
  ["passwords in clear", systemd({ proxy: { ...OPEN, users: { a: "$2y$05$abc" } } }), "systemd.proxy.tls"],
  ["a password instead of its hash", systemd({ proxy: { users: { a: "secret" } } }), "systemd.proxy.users.a"],
  ["a certificate without its key", systemd({ proxy: { enabled: true, certificate: "/etc/a.pem" } }), "systemd.proxy.certificate"],
  ["a network that is none", systemd({ clientNetworks: ["10.0.0.0/40"] }), "systemd.clientNetworks[0]"],
  ["a network by name", systemd({ clientNetworks: ["example.org"] }), "systemd.clientNetworks[0]"],
  ["health checks each second", systemd({ healthInterval: "1s" }), "systemd.healthInterval"],
  ["a service user with blanks", systemd({ user: "nats bus" }), "systemd.user"],
  ["an image without a version", docker({ image: "nats" }), "docker.image"],
  ["the latest image", docker({ image: "nats:latest" }), "docker.image"],
  ["a digest that is none", docker({ digest: "sha256:12" }), "docker.digest"],
  ["root as the user", docker({ user: "0:0" }), "docker.user"],
  ["an engine on plain TCP", docker({ host: "tcp://10.0.0.1:2375" }), "docker.host"],
  ["an engine elsewhere, published on its loopback", docker({ host: "ssh://a@b" }), "docker.publish"],
  ["no authentication, published", docker({ publish: "0.0.0.0" }, { auth: { mode: "none" } }), "auth.mode"],
  ["ports beyond the last published", docker({ port: 65_534 }), "docker.port"],
  [
    "a proxy on a client port",
    docker({ prometheus: { enabled: true }, exporter: { enabled: true }, proxy: { enabled: true }, proxyPort: 4223 }),
    "docker.proxyPort",
  ],
  ["Prometheus without exporters", docker({ prometheus: { enabled: true } }), "docker.exporter.enabled"],
  ["Grafana without Prometheus", docker({ grafana: { enabled: true } }), "docker.prometheus.enabled"],
  ["a proxy before nothing", docker({ proxy: { enabled: true } }), "docker.proxy.enabled"],
])("refuses %s by the path of the setting", (_, blocks, path) => {
  let failure: unknown;
  try {
    hostSpec(blocks);
  } catch (error) {
    failure = error;
  }
  if (!isBusError(failure)) throw new Error("it was accepted");
  expect(failure.problems.map((problem) => problem.path)).toContain(path);
  for (const { remedy } of failure.problems) expect(remedy.length).toBeGreaterThan(5);
});
