/** The `docker` target: every server is a container of one engine, on this machine or reached over SSH. */
import * as pulumi from "@pulumi/pulumi";
import type { Target } from "../target.ts";
import { serverHosts } from "../tls/hosts.ts";
import { type DockerInputs, dockerUrls, planDocker, serverNames } from "./plan.ts";
import { createContainers } from "./resources.ts";

const NOTHING_SECRET = { identity: { kind: "none" }, authority: "", certificates: {}, keys: {} } as const;

/**
 * Servers as containers.
 *
 * @example
 * const { servers, ready } = dockerTarget.create("bus", { spec, identity, authority: ca.bundle, certificates: leaf.certificates, keys: leaf.keys }, { parent });
 */
export const dockerTarget: Target = {
  hosts(spec) {
    const { address, publish } = spec.docker;
    const hosts = serverNames(spec).map((node) => [
      node,
      serverHosts({ node, address, extra: [...new Set([publish, ...spec.tls.hosts])].filter((host) => !EVERY.has(host)) }),
    ]);
    return Object.fromEntries(hosts);
  },
  create(name, { spec, identity, authority, certificates, keys }, options = {}) {
    // The containers are known at once; only what is in their files comes from other resources.
    const plan = planDocker({ spec, ...NOTHING_SECRET });
    const whole = pulumi
      .all([pulumi.output(identity), pulumi.output(authority), pulumi.output(certificates), pulumi.output(keys)])
      .apply(([who, bundle, chains, own]) =>
        planDocker({ spec, identity: who, authority: bundle, certificates: chains, keys: own } satisfies DockerInputs),
      );
    const startSettings = pulumi.unsecret(whole.apply(({ containers }) => startDigests(containers)));
    const ready = createContainers(name, { spec, plan, files: whole.apply(({ files }) => files), startSettings }, options);
    return {
      servers: pulumi.output(dockerUrls(spec)),
      monitorUrls: pulumi.output([]),
      serverVersion: pulumi.output(spec.cluster.version),
      ready,
    };
  },
};

const EVERY = new Set(["0.0.0.0", "::"]);

function startDigests(containers: ReturnType<typeof planDocker>["containers"]): Record<string, string> {
  return Object.fromEntries(
    containers.flatMap(({ name, labels }) => {
      const digest = labels["natsbus.start-settings"];
      return digest === undefined ? [] : [[name, digest]];
    }),
  );
}
