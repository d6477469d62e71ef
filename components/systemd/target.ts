/** The `systemd` target: every server is a hardened service of a host, local or reached over SSH. */
import * as pulumi from "@pulumi/pulumi";
import type { BusSpec } from "../../core/bus-spec.ts";
import { AppliedByOthers } from "../applied.ts";
import { declaredPart } from "../part.ts";
import type { Target, TargetArgs } from "../target.ts";
import { serverHosts } from "../tls/hosts.ts";
import { packBundle, planBundle } from "./bundle.ts";
import { nodesByHost, planHostNodes } from "./host-plan.ts";
import { hostProbe } from "./probe.ts";
import { findProgram } from "./program.ts";
import { readScripts } from "./scripts.ts";
import { planHostTrees } from "./tree.ts";

type CreateHosts = typeof import("./resources.ts").createHosts;

/**
 * Servers as services of hosts. Whoever installs rendered files does without the package of the commands.
 *
 * @example
 * const target = await loadSystemdTarget();
 * const { servers, ready } = target.create("bus", { spec, identity, authority: ca.bundle, certificates: leaf.certificates, keys: leaf.keys, credentials }, { parent });
 */
export async function loadSystemdTarget(): Promise<Target> {
  const createHosts = declaredPart() === "all" ? (await import("./resources.ts")).createHosts : undefined;
  return {
    hosts(spec) {
      const hosts = planHostNodes(spec).map(({ name, host }) => {
        const extra = [host.routeAddress, ...spec.tls.hosts];
        return [name, serverHosts({ node: name, address: host.address, extra })];
      });
      return Object.fromEntries(hosts);
    },
    create(name, args, options = {}) {
      const { spec } = args;
      return {
        servers: pulumi.output(planHostNodes(spec).map((node) => node.clientUrl)),
        monitorUrls: pulumi.output(localMonitors(spec)),
        serverVersion: pulumi.output(spec.cluster.version),
        ready:
          createHosts === undefined
            ? new AppliedByOthers("systemd", `${name}-hosts`, options)
            : installHosts(createHosts, name, args, options),
      };
    },
  };
}

function installHosts(
  createHosts: CreateHosts,
  name: string,
  { spec, bus, identity, authority, certificates, keys, credentials }: TargetArgs,
  options: pulumi.CustomResourceOptions,
): pulumi.Resource {
  const program = pulumi.output(findProgram(spec));
  const scripts = readScripts();
  const bundles = pulumi
    .all([
      pulumi.output(identity),
      pulumi.output(authority),
      pulumi.output(certificates),
      pulumi.output(keys),
      pulumi.output(credentials),
      program,
    ])
    .apply(([who, bundle, chains, own, users, found]) => {
      const probe = hostProbe(bus, users);
      const inputs = { spec, identity: who, authority: bundle, certificates: chains, keys: own, program: found, scripts, probe };
      return planHostTrees(inputs).map((tree) => packBundle(planBundle(tree)).toString("base64"));
    });
  const hosts = nodesByHost(spec).map(({ host, nodes }, index) => ({
    host,
    servers: nodes.map(({ name: server }) => server),
    bundle: bundles.apply((all) => all[index] ?? ""),
  }));
  const { purgeOnDestroy: purge } = spec.systemd;
  return createHosts(name, { cluster: spec.cluster.name, hosts, program, uploads: isUploaded(spec), purge }, options);
}

/** Whether this machine hands the program over: nothing else is said about where it comes from. */
function isUploaded({ systemd }: BusSpec): boolean {
  return systemd.binary.path === undefined && systemd.binary.url === undefined;
}

/** Monitors listen on their hosts' loopback, so that only those of this machine can be asked from here. */
function localMonitors(spec: BusSpec): readonly string[] {
  return planHostNodes(spec)
    .filter(({ host }) => host.via === "local")
    .map((node) => node.monitorUrl);
}
