/** The `process` target: every server is a process on this machine. */
import { planNodes } from "../../core/topology.ts";
import type { Target } from "../target.ts";
import { serverHosts } from "../tls/hosts.ts";
import { resolveClusterSettings } from "./cluster-spec.ts";
import { Cluster } from "./resource.ts";

/**
 * Servers as processes of this machine.
 *
 * @example
 * const { servers, ready } = processTarget.create("bus", { spec, identity, authority: ca.bundle, certificates: leaf.certificates, keys: leaf.keys }, { parent });
 */
export const processTarget: Target = {
  hosts(spec) {
    const hosts = planNodes(spec).map((node) => [node.name, serverHosts({ node: node.name, address: node.host, extra: spec.tls.hosts })]);
    return Object.fromEntries(hosts);
  },
  create(name, args, options) {
    const { spec, identity, authority, certificates, keys } = args;
    const settings = resolveClusterSettings(spec, planNodes(spec));
    const cluster = new Cluster(`${name}-cluster`, { ...settings, identity, authority, certificates, keys }, options);
    return { servers: cluster.urls, monitorUrls: cluster.monitorUrls, serverVersion: cluster.serverVersion, ready: cluster };
  },
};
