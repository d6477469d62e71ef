/** The schema of `natsbus:docker`: the engine, the images, and what is published. */
import { z } from "zod";

const IMAGE = /^[a-z0-9]([a-z0-9._:/-]*[a-z0-9])?$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const ADDRESS = /^[0-9A-Za-z._:-]+$/;

function image(what: string, preset: string) {
  return z
    .string()
    .regex(IMAGE)
    .meta({ description: `Image of ${what}.`, title: "image", allowed: "an image name with a tag, such as `nats:2.15.2-alpine`" })
    .default(preset);
}

function digest() {
  return z
    .string()
    .regex(DIGEST)
    .meta({
      description: "Digest of that image; then only this very image is run.",
      title: "digest",
      allowed: "`sha256:` and 64 hexadecimal digits",
    })
    .optional()
    .meta({ defaultText: "none" });
}

const port = (description: string, preset: number) => z.int().min(1).max(65_535).meta({ description }).default(preset);

const part = (what: string, preset: string) =>
  z.strictObject({
    enabled: z
      .boolean()
      .meta({ description: `Whether ${what} runs beside the servers.` })
      .default(false),
    image: image(what, preset),
    digest: digest(),
  });

/** Schema of the block. */
export const dockerSchema = z.strictObject({
  host: z
    .string()
    .regex(/^(unix|ssh|tcp):\/\/\S+$/)
    .meta({ description: "The Docker engine.", allowed: "an address such as `unix:///var/run/docker.sock` or `ssh://user@host`" })
    .optional()
    .meta({ defaultText: "the engine of this machine" }),
  sshOptions: z
    .array(z.string().min(1))
    .meta({
      description: "Options for the `ssh` program, for `ssh://` engines.",
      title: "list of texts",
      allowed: "a list of options of ssh",
    })
    .default(["-o", "StrictHostKeyChecking=yes"]),
  image: z
    .string()
    .regex(IMAGE)
    .meta({
      description: "Image of nats-server; it needs `wget` for the health check.",
      title: "image",
      allowed: "an image name with a tag",
    })
    .optional()
    .meta({ defaultText: "`nats:<version>-alpine`" }),
  digest: digest(),
  address: z
    .string()
    .regex(ADDRESS)
    .meta({
      description: "Address of the engine's machine at which clients reach the servers.",
      title: "address",
      allowed: "an address or a host name",
    })
    .default("127.0.0.1"),
  publish: z
    .string()
    .regex(ADDRESS)
    .meta({ description: "Address on which the client ports are published.", title: "address", allowed: "an address" })
    .default("127.0.0.1"),
  port: port("Published client port of the first server; the next servers get the next ones.", 4222),
  user: z
    .string()
    .regex(/^[1-9]\d{0,9}:[1-9]\d{0,9}$/)
    .meta({ description: "User and group that the servers run as.", allowed: "two numbers other than 0, such as `10001:10001`" })
    .default("10001:10001"),
  exporter: part("the exporter, one a server,", "natsio/prometheus-nats-exporter:0.20.1")
    .meta({ description: "prometheus-nats-exporter." })
    .prefault({}),
  prometheus: part("Prometheus", "prom/prometheus:v3.5.0").meta({ description: "Prometheus with the bus's rules." }).prefault({}),
  alertmanager: part("Alertmanager", "prom/alertmanager:v0.28.1").meta({ description: "Alertmanager with the bus's routes." }).prefault({}),
  grafana: part("Grafana", "grafana/grafana:12.1.1").meta({ description: "Grafana with the bus's dashboards." }).prefault({}),
  proxy: part("a reverse proxy for the monitoring pages", "nginx:1.29-alpine")
    .meta({ description: "nginx in front of Prometheus, Alertmanager and Grafana." })
    .prefault({}),
  proxyPort: port("Published port of the reverse proxy.", 8080),
  removeVolumes: z
    .boolean()
    .meta({ description: "Whether `destroy` removes the servers' volumes with their streams. Otherwise they stay." })
    .default(false),
});

/** What the schema resolves the block to. */
export type DockerSettings = z.output<typeof dockerSchema>;
