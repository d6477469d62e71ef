/** The schema of `natsbus:systemd`: the hosts, and what is set up on each beside the servers. */
import { z } from "zod";
import { duration } from "./setting-kinds.ts";

const ADDRESS = /^[0-9A-Za-z._:-]+$/;
const NETWORK = /^([0-9]{1,3}(\.[0-9]{1,3}){3}|[0-9A-Fa-f:]+)(\/[0-9]{1,3})?$/;
const ACCOUNT = /^[a-z_][a-z0-9_-]{0,30}$/;
const HOST_KEY = /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,2}( .*)?$/;
const ABSOLUTE = /^\/[^\0\n'"\\ ]*$/;
const PASSWORD_HASH = /^\$(2[aby]|5|6|apr1)\$[./A-Za-z0-9$=]+$/;

function address(description: string) {
  return z.string().regex(ADDRESS).meta({ description, title: "address", allowed: "an address or a host name" });
}

function port(description: string) {
  return z.int().min(1).max(65_535).meta({ description });
}

function account(description: string) {
  return z.string().regex(ACCOUNT).meta({ description, title: "user name", allowed: "a user name: lower-case letters, digits, _ and -" });
}

function hostPath(description: string) {
  return z.string().regex(ABSOLUTE).meta({ description, title: "path", allowed: "an absolute path without blanks, quotes or backslashes" });
}

function hostKey(description: string) {
  return z.string().regex(HOST_KEY).meta({
    description,
    title: "public key",
    allowed: "a line such as `ssh-ed25519 AAAA…`, as in the host's /etc/ssh/ssh_host_ed25519_key.pub",
  });
}

function networks(description: string) {
  return z
    .array(z.string().regex(NETWORK))
    .meta({ description, title: "list of networks", allowed: 'a list of addresses and networks such as "10.0.0.0/8" or "fd00::/8"' });
}

function privateKeyFile(description: string) {
  return z
    .string()
    .min(1)
    .meta({ description, allowed: "the path of a private key on this machine" })
    .optional()
    .meta({ defaultText: "the running SSH agent" });
}

const bastion = z.strictObject({
  address: address("Address of the host in between."),
  port: port("Its SSH port.").default(22),
  user: account("User to log in as there.").default("root"),
  privateKeyFile: privateKeyFile("Private key for it."),
  hostKey: hostKey("Its public host key; any other is refused."),
});

const host = z.strictObject({
  address: address("Address of the host, for SSH, for clients and for the other servers."),
  via: z.enum(["ssh", "local"]).meta({ description: "How the host is reached: over SSH, or it is this machine." }).default("ssh"),
  port: port("Its SSH port.").default(22),
  user: account("User to log in as.").default("root"),
  privateKeyFile: privateKeyFile("Private key of that user."),
  hostKey: hostKey("Public host key; a host that shows any other is refused.").optional(),
  sudo: z
    .boolean()
    .meta({ description: "Whether commands are run by `sudo -n`; the user must be allowed to without a password." })
    .optional()
    .meta({ defaultText: "yes unless `user` is root" }),
  bastion: bastion.meta({ description: "Host in between." }).optional(),
  listen: address("Address that the client and route listeners bind to.")
    .optional()
    .meta({ defaultText: "`127.0.0.1` for this machine, else `0.0.0.0`" }),
  routeAddress: address("Address at which the other servers reach this one.").optional().meta({ defaultText: "`address`" }),
});

const ports = z.strictObject({
  client: port("Port that clients connect to.").default(4222),
  monitor: port("Port of the monitoring pages, on loopback.").default(8222),
  route: port("Port that servers connect to each other on.").default(6222),
  exporter: port("Port of the exporter.").default(7777),
  probe: port("Port of the probe's metrics and page, one a host.").default(7799),
});

const binary = z.strictObject({
  path: hostPath("nats-server that is installed on the hosts already; it is used as it is.").optional().meta({ defaultText: "none" }),
  url: z
    .string()
    .regex(/^https:\/\/\S+$/)
    .meta({ description: "Address of the program itself (not an archive), fetched by each host.", allowed: "an https address" })
    .optional()
    .meta({ defaultText: "none" }),
  sha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/)
    .meta({ description: "Its SHA-256; needed with `url`.", allowed: "64 hexadecimal digits" })
    .optional()
    .meta({ defaultText: "of the program that this machine would run" }),
});

const proxy = z.strictObject({
  enabled: z.boolean().meta({ description: "Whether nginx shows the monitoring pages below `/nats/`." }).default(false),
  listen: address("Address nginx listens on.").default("127.0.0.1"),
  port: port("Port nginx listens on.").default(8080),
  serverName: z
    .string()
    .regex(/^[0-9A-Za-z.*_-]+$/)
    .meta({ description: "Host name of the site.", allowed: "a host name, or _ for any" })
    .default("_"),
  tls: z.boolean().meta({ description: "Whether the site speaks HTTPS, with security headers." }).default(false),
  certificate: hostPath("Certificate chain on the host.").optional().meta({ defaultText: "the certificate of the host's first server" }),
  certificateKey: hostPath("Private key on the host.").optional().meta({ defaultText: "the key of the host's first server" }),
  requestsPerSecond: z
    .int()
    .min(0)
    .max(100_000)
    .meta({ description: "Requests an address may make in a second; 0: any number." })
    .default(10),
  users: z
    .record(z.string().regex(/^[0-9A-Za-z._-]+$/), z.string().regex(PASSWORD_HASH))
    .meta({
      description: "Who may look, by name, with a password hash as `htpasswd -nB NAME` prints it. None: nobody is asked.",
      title: "text by name",
      allowed: "a block of password hashes by name",
    })
    .default({}),
});

const program = (what: string, path: string) =>
  z.strictObject({
    enabled: z
      .boolean()
      .meta({ description: `Whether the ${what} runs on each host.` })
      .default(false),
    path: hostPath(`The ${what}'s program on the hosts.`).default(path),
  });

/** Schema of the block. */
export const systemdSchema = z.strictObject({
  hosts: z
    .array(host)
    .min(1)
    .max(32)
    .meta({
      description: "The hosts. Servers are dealt to them in turn, so that three servers on three hosts get one each.",
      title: "list of hosts",
      allowed: "a list of blocks with address, via, port, user, privateKeyFile, hostKey, sudo, bastion, listen and routeAddress",
    })
    .default([{ address: "127.0.0.1", via: "local", port: 22, user: "root" }]),
  ports: ports.meta({ description: "Ports on each host; the second server of a host gets the next ones." }).prefault({}),
  user: account("User that the servers run as; made when it is missing.").default("natsbus"),
  binary: binary.meta({ description: "Where the nats-server program comes from." }).prefault({}),
  clientNetworks: networks("Networks that clients may come from, beside the hosts themselves.").default([]),
  monitoringNetworks: networks("Networks that may read the exporters and the site of nginx.").default([]),
  firewall: z.boolean().meta({ description: "Whether an nftables table of its own guards the servers' ports." }).default(true),
  proxy: proxy.meta({ description: "nginx in front of the monitoring pages." }).prefault({}),
  exporter: program("exporter", "/usr/local/bin/prometheus-nats-exporter")
    .meta({ description: "prometheus-nats-exporter, one a server." })
    .prefault({}),
  probe: program("probe", "/usr/local/bin/natsbus")
    .meta({ description: "The project's own probe, one a host; `monitoring.enabled` turns it on too." })
    .prefault({}),
  healthInterval: duration("How often each host checks the health of its servers.", { min: "10s", max: "1d" }).prefault("5m"),
  purgeOnDestroy: z
    .boolean()
    .meta({ description: "Whether `destroy` removes the servers' data too. Otherwise it stays on the hosts." })
    .default(false),
});

/** What the schema resolves the block to. */
export type SystemdSettings = z.output<typeof systemdSchema>;
