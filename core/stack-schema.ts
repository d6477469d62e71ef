/** The schema of everything under `natsbus:` in `Pulumi.<stack>.yaml`. The editor schema and the configuration reference are generated from it. */
import { z } from "zod";
import { dockerSchema } from "./docker-schema.ts";
import { existingSchema } from "./existing-spec.ts";
import { kubernetesSchema } from "./kubernetes-schema.ts";
import { monitoringSchema } from "./monitoring-schema.ts";
import { count, duration, name, overrides, size } from "./setting-kinds.ts";
import { systemdSchema } from "./systemd-schema.ts";
import { verifySchema } from "./verify-schema.ts";

const port = z.union([z.int().min(1).max(65_535), z.array(z.int().min(1).max(65_535)).min(1)]);

function ports(description: string) {
  return port.meta({
    description,
    title: "port or ports",
    allowed: "a port from 1 to 65535 (the first server's; the next servers get the next ports), or a list with one port a server",
  });
}

const cluster = z.strictObject({
  name: name("cluster", "Name of the cluster. Never change it while the bus holds data.")
    .optional()
    .meta({ defaultText: "`<project>-<stack>`" }),
  servers: count("Number of servers. Three keep working when one is lost; one is for trials.", 1, 32).default(3),
  version: z
    .string()
    .regex(/^\d+\.\d+\.\d+$/)
    .meta({ description: "Version of nats-server.", title: "version", allowed: 'three numbers such as "2.15.2", from 2.12 to 2.15' })
    .default("2.15.2"),
});

const process = z.strictObject({
  directory: z
    .string()
    .min(1)
    .meta({
      description: "Runtime folder of the servers: configuration, certificates, data, logs. Relative to the project.",
      allowed: "a folder below the project, or an absolute path",
    })
    .optional()
    .meta({ defaultText: "`.natsbus/<stack>`" }),
  host: z
    .string()
    .regex(/^[0-9A-Za-z._:-]+$/)
    .meta({
      description:
        "Address that the client and route listeners bind to. The monitor listener binds to loopback, and to this address with `monitorTls`.",
      allowed: "an address or a host name",
    })
    .default("127.0.0.1"),
  ports: z
    .strictObject({
      client: ports("Ports that clients connect to.").default(4222),
      monitor: ports("Ports of the monitoring pages (`/varz`, `/jsz`, `/healthz`).").default(8222),
      route: ports("Ports that servers connect to each other on.").default(6222),
    })
    .meta({ description: "Ports of the servers. A taken port is an error, never a silent move." })
    .prefault({}),
  binary: z
    .string()
    .min(1)
    .meta({ description: "Path of the nats-server to run.", allowed: "the path of an executable file" })
    .optional()
    .meta({ defaultText: "found on `PATH`, in the cache, or fetched" }),
  monitorTls: z.boolean().meta({ description: "Whether the monitor ports speak HTTPS." }).default(false),
});

const logging = z.strictObject({
  level: z
    .enum(["info", "debug", "trace"])
    .meta({ description: "What the servers log. `trace` logs every protocol line, payloads included." })
    .default("info"),
  maxFileSize: size("Size at which a server's log file is rotated.", { min: "1MiB" }).prefault("64MiB"),
  keepFiles: count("Rotated log files kept beside the current one.", 1, 1000).default(5),
});

const jetstream = z.strictObject({
  maxMemory: size("Memory for memory streams, each server.").prefault("128MB"),
  maxStorage: size("Disk for file streams, each server.", { min: "1MiB" }).prefault("512MB"),
  deletionPolicy: z
    .enum(["retain", "delete"])
    .meta({
      description:
        "What happens to a stream, consumer, bucket or store that is taken out of the program, and names no policy of its own: it stays on the servers, or is deleted with its messages. Destroying a bus removes its servers and all data in either case.",
    })
    .default("retain"),
  domain: name("domain", "JetStream domain, for buses joined by leaf nodes.").optional().meta({ defaultText: "none" }),
  uniqueTag: z
    .string()
    .regex(/^[^\s]+$/)
    .meta({
      description: "Prefix of server tags; replicas of one stream go to servers that differ in the tag with this prefix.",
      allowed: 'a tag prefix such as "az:"',
    })
    .optional()
    .meta({ defaultText: "none" }),
  syncInterval: z
    .union([z.literal("always"), duration("", { min: "1s" })])
    .meta({
      description: "How often written data is flushed to disk; `always` flushes before each answer, which is slow and survives power loss.",
      title: "duration",
      allowed: '"always", or a duration such as "30s" from 1s',
    })
    .optional()
    .meta({ defaultText: "the server's own, `2m`" }),
});

const limits = z.strictObject({
  maxConnections: count("Client connections, each server.", 1, 10_000_000).default(65_536),
  maxPayload: size("Largest message. Above 8 MiB latency suffers for everybody.", { min: "1KiB", max: "64MiB" }).prefault("1MiB"),
  maxPending: size("Bytes that may wait for one slow client before it is cut.", { min: "1MiB" }).prefault("64MiB"),
  maxSubscriptions: count("Subscriptions, each connection.", 1, 100_000_000).optional().meta({ defaultText: "no limit" }),
  pingInterval: duration("How often a silent client is pinged.", { min: "1s", max: "1h" }).prefault("2m"),
  maxPingsOut: count("Unanswered pings after which a client is cut.", 1, 100).default(2),
  writeDeadline: duration("Longest time for one write to a client.", { min: "100ms", max: "5m" }).prefault("10s"),
  memory: size("Soft memory limit of each server (`GOMEMLIMIT`).", { min: "32MiB" }).optional().meta({ defaultText: "none" }),
  cpu: z
    .number()
    .min(0.1)
    .max(1024)
    .meta({ description: "Cores each server may use; a local process gets this rounded up (`GOMAXPROCS`)." })
    .optional()
    .meta({ defaultText: "all" }),
});

const auth = z.strictObject({
  mode: z
    .enum(["jwt", "config", "none"])
    .meta({
      description:
        "How clients prove who they are. `jwt`: operator, accounts and users as signed documents. `config`: users in the server configuration. `none`: everybody may do everything; for trials on this machine.",
    })
    .default("jwt"),
  operator: name("account", "Name of the operator.").optional().meta({ defaultText: "`<project>`" }),
  resolverInterval: duration(
    "How often a server compares its accounts with the others'. A server that was away works with old accounts until then.",
    { min: "1s", max: "1h" },
  ).prefault("15s"),
  rotations: z
    .strictObject({
      operator: count("The operator's signing key.", 0, 1_000_000).default(0),
      accounts: z
        .record(z.string(), count("", 0, 1_000_000))
        .meta({ description: "An account's signing keys, by account.", title: "numbers by name" })
        .default({}),
      users: z
        .record(z.string(), count("", 0, 1_000_000))
        .meta({ description: "A user's credentials, by user.", title: "numbers by name" })
        .default({}),
    })
    .meta({
      description:
        "How often keys and credentials are to have been rotated. `natsbus rotate` counts up: the next `up` issues a second one and hands it out, the one after ends the first.",
    })
    .prefault({}),
});

const tls = z.strictObject({
  clients: z
    .boolean()
    .meta({ description: "Whether client connections must be encrypted. Routes between servers always are." })
    .default(true),
  handshakeFirst: z
    .boolean()
    .meta({
      description:
        "Whether a client starts with the TLS handshake instead of waiting for the server's greeting. Every client must be told.",
    })
    .default(false),
  validity: duration("Lifetime of a server certificate.", { min: "1h" }).prefault("365d"),
  renewBefore: duration("Time before its end at which `up` renews a server certificate.", { min: "1m" }).prefault("30d"),
  authorityValidity: duration("Lifetime of the certificate authority.", { min: "1h" }).prefault("3650d"),
  authorityRenewBefore: duration("Time before its end at which the authority is succeeded by a new one; both are trusted meanwhile.", {
    min: "1m",
  }).prefault("365d"),
  hosts: z
    .array(z.string().regex(/^[0-9A-Za-z.*:_-]+$/))
    .meta({
      description: "Further host names and addresses for every server certificate.",
      title: "list of names",
      allowed: "a list of host names and addresses",
    })
    .default([]),
});

const lameDuck = z.strictObject({
  duration: duration(
    "Time over which a leaving server sends its clients away. The server asks for at least 30 seconds; with few clients it is done sooner.",
    { min: "30s", max: "1h" },
  ).prefault("30s"),
  gracePeriod: duration("Time a leaving server waits, refusing new clients, before it sends the first one away.", {
    min: "1ms",
    max: "1h",
  }).prefault("10s"),
});

/** The whole schema; keys are those of `Pulumi.<stack>.yaml` without `natsbus:`. */
export const stackSchema = z.strictObject({
  target: z
    .enum(["process", "kubernetes", "docker", "systemd", "existing"])
    .meta({ description: "Where the servers run." })
    .default("process"),
  cluster: cluster.meta({ description: "The cluster as a whole." }).prefault({}),
  process: process.meta({ description: "The `process` target: every server is a process on this machine." }).prefault({}),
  kubernetes: kubernetesSchema.meta({ description: "The `kubernetes` target: the servers are pods of a StatefulSet." }).prefault({}),
  docker: dockerSchema.meta({ description: "The `docker` target: every server is a container of one engine." }).prefault({}),
  systemd: systemdSchema.meta({ description: "The `systemd` target: every server is a hardened service of a host." }).prefault({}),
  existing: existingSchema
    .meta({ description: "The `existing` target: a cluster that runs already, of any origin. Only what lives inside is reconciled." })
    .optional()
    .meta({ defaultText: "none" }),
  logging: logging.meta({ description: "What each server logs." }).prefault({}),
  jetstream: jetstream.meta({ description: "JetStream of each server." }).prefault({}),
  limits: limits.meta({ description: "What each server allows its clients and takes for itself." }).prefault({}),
  auth: auth.meta({ description: "How clients prove who they are." }).prefault({}),
  tls: tls.meta({ description: "Certificates and where they are used." }).prefault({}),
  lameDuck: lameDuck.meta({ description: "How a server leaves." }).prefault({}),
  monitoring: monitoringSchema.meta({ description: "Rules, dashboards, alert routes, and what runs them." }).prefault({}),
  verify: verifySchema.meta({ description: "Limits that `natsbus verify` holds the bus against." }).prefault({}),
  streams: overrides("Changes to the streams of `streams/catalog.ts`, and further streams, by name.").default({}),
  keyValue: overrides("Changes to the key-value buckets of the catalogue, and further buckets, by name.").default({}),
  objectStores: overrides("Changes to the object stores of the catalogue, and further stores, by name.").default({}),
  accounts: overrides("Changes to the accounts, roles and users of `accounts/catalog.ts`, and further accounts, by name.").default({}),
  serverConfig: z
    .record(z.string(), z.unknown())
    .meta({
      description:
        "nats-server settings that natsbus has no key for, by their NATS names; sizes as plain numbers of bytes. Laid over everything above, so they win; `null` removes a setting.",
      title: "block",
      allowed: "a block of nats-server settings",
    })
    .default({}),
});

/** What the schema resolves a stack file to. */
export type StackSettings = z.output<typeof stackSchema>;
