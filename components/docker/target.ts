/** The `docker` target: every server is a container of one engine, on this machine or reached over SSH. */
import * as pulumi from "@pulumi/pulumi";
import { AppliedByOthers } from "../applied.ts";
import { declaredPart } from "../part.ts";
import { systemConnection } from "../system-connection.ts";
import type { Target, TargetArgs } from "../target.ts";
import { serverHosts } from "../tls/hosts.ts";
import { dockerMonitoring, withBeside } from "./beside.ts";
import { type DockerInputs, type DockerPlan, dockerUrls, planDocker, serverNames } from "./plan.ts";

const NOTHING_SECRET = { identity: { kind: "none" }, authority: "", certificates: {}, keys: {} } as const;

type CreateContainers = typeof import("./resources.ts").createContainers;

/**
 * Servers as containers. Whoever runs rendered Compose files does without the package of the containers.
 *
 * @example
 * const target = await loadDockerTarget();
 * const { servers, ready } = target.create("bus", { spec, identity, authority: ca.bundle, certificates: leaf.certificates, keys: leaf.keys, credentials }, { parent });
 */
export async function loadDockerTarget(): Promise<Target> {
  const createContainers = declaredPart() === "all" ? (await import("./resources.ts")).createContainers : undefined;
  return {
    hosts(spec) {
      const { address, publish } = spec.docker;
      const extra = [...new Set([publish, ...spec.tls.hosts])].filter((host) => !EVERY.has(host));
      return Object.fromEntries(serverNames(spec).map((node) => [node, serverHosts({ node, address, extra })]));
    },
    create(name, args, options = {}) {
      const { spec } = args;
      return {
        servers: pulumi.output(dockerUrls(spec)),
        monitorUrls: pulumi.output([]),
        serverVersion: pulumi.output(spec.cluster.version),
        ready:
          createContainers === undefined
            ? new AppliedByOthers("docker", `${name}-containers`, options)
            : runContainers(createContainers, name, args, options),
      };
    },
  };
}

function runContainers(
  createContainers: CreateContainers,
  name: string,
  { spec, bus, identity, authority, certificates, keys, system }: TargetArgs,
  options: pulumi.CustomResourceOptions,
): pulumi.Resource {
  // The containers are known at once; only what is in their files comes from other resources.
  const watched = (servers: DockerPlan) => withBeside(servers, spec, dockerMonitoring(bus));
  const plan = watched(planDocker({ spec, ...NOTHING_SECRET }));
  const whole = pulumi
    .all([pulumi.output(identity), pulumi.output(authority), pulumi.output(certificates), pulumi.output(keys)])
    .apply(([who, bundle, chains, own]) =>
      watched(planDocker({ spec, identity: who, authority: bundle, certificates: chains, keys: own } satisfies DockerInputs)),
    );
  const startSettings = pulumi.unsecret(whole.apply(({ containers }) => startDigests(containers)));
  const ca = spec.tls.clients ? { ca: authority } : {};
  const asked = systemConnection(system, { servers: dockerUrls(spec), ...ca });
  return createContainers(name, { spec, plan, files: whole.apply(({ files }) => files), startSettings, ...asked }, options);
}

const EVERY = new Set(["0.0.0.0", "::"]);

function startDigests(containers: ReturnType<typeof planDocker>["containers"]): Record<string, string> {
  return Object.fromEntries(
    containers.flatMap(({ name, labels }) => {
      const digest = labels["natsbus.start-settings"];
      return digest === undefined ? [] : [[name, digest]];
    }),
  );
}
