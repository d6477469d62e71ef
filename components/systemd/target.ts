/** The `systemd` target: every server is a hardened service of a host, local or reached over SSH. */
import * as pulumi from "@pulumi/pulumi";
import type { BusSpec } from "../../core/bus-spec.ts";
import type { Target } from "../target.ts";
import { serverHosts } from "../tls/hosts.ts";
import { packBundle, planBundle } from "./bundle.ts";
import { nodesByHost, planHostNodes } from "./host-plan.ts";
import { findProgram } from "./program.ts";
import { createHosts } from "./resources.ts";
import { readScripts } from "./scripts.ts";
import { planHostTrees } from "./tree.ts";

/**
 * Servers as services of hosts.
 *
 * @example
 * const { servers, ready } = systemdTarget.create("bus", { spec, identity, authority: ca.bundle, certificates: leaf.certificates, keys: leaf.keys }, { parent });
 */
export const systemdTarget: Target = {
  hosts(spec) {
    const hosts = planHostNodes(spec).map(({ name, host }) => {
      const extra = [host.routeAddress, ...spec.tls.hosts];
      return [name, serverHosts({ node: name, address: host.address, extra })];
    });
    return Object.fromEntries(hosts);
  },
  create(name, { spec, identity, authority, certificates, keys }, options = {}) {
    const program = pulumi.output(findProgram(spec));
    const scripts = readScripts();
    const bundles = pulumi
      .all([pulumi.output(identity), pulumi.output(authority), pulumi.output(certificates), pulumi.output(keys), program])
      .apply(([who, bundle, chains, own, found]) =>
        planHostTrees({ spec, identity: who, authority: bundle, certificates: chains, keys: own, program: found, scripts }).map((tree) =>
          packBundle(planBundle(tree)).toString("base64"),
        ),
      );
    const hosts = nodesByHost(spec).map(({ host }, index) => ({ host, bundle: bundles.apply((all) => all[index] ?? "") }));
    const ready = createHosts(
      name,
      { cluster: spec.cluster.name, hosts, program, uploads: isUploaded(spec), purge: spec.systemd.purgeOnDestroy },
      options,
    );
    return {
      servers: pulumi.output(planHostNodes(spec).map((node) => node.clientUrl)),
      monitorUrls: pulumi.output(localMonitors(spec)),
      serverVersion: pulumi.output(spec.cluster.version),
      ready,
    };
  },
};

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
