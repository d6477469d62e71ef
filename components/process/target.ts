/** The `process` target: every server is a process on this machine. */
import * as pulumi from "@pulumi/pulumi";
import { clientUrls, planNodes } from "../../core/topology.ts";
import { CANARY_USER } from "../monitoring-catalogue.ts";
import type { Target } from "../target.ts";
import { serverHosts } from "../tls/hosts.ts";
import { resolveClusterSettings } from "./cluster-spec.ts";
import { planMonitoring } from "./monitoring/inputs.ts";
import { Monitoring } from "./monitoring/resource.ts";
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
    const nodes = planNodes(spec);
    const settings = resolveClusterSettings(spec, nodes);
    const cluster = new Cluster(`${name}-cluster`, { ...settings, identity, authority, certificates, keys }, options);
    // The plan knows the addresses; an output of the cluster would be unknown, and with it everything inside, in each preview of a changed cluster.
    const servers = pulumi.output(clientUrls(nodes));
    const monitorUrls = pulumi.output(nodes.map((node) => node.monitorUrl));
    return { servers, monitorUrls, serverVersion: cluster.serverVersion, ready: cluster };
  },
  watch(name, { bus, credentials }, options) {
    const probe = pulumi.output(credentials).apply((files) => planMonitoring(bus, files[CANARY_USER]).probe);
    const { directory, facts, choices, ports } = planMonitoring(bus, undefined);
    // Only the probe is told the credentials: the rest is known in every preview.
    new Monitoring(name, { directory, facts, choices, ports, probe }, options);
  },
};
