import { VERSIONS } from "./pieces.ts";

const STAGING = /^\t(k8s\.io\/[a-z-]+) => \.\/staging\//gm;

/** The staging modules of Kubernetes that its own `go.mod` replaces by folders; published, they have versions of their own. */
function stagingModules(kubernetesGoMod: string): string[] {
  return [...kubernetesGoMod.matchAll(STAGING)].map(([, module]) => String(module));
}

const published = (module: string): string => `\t${module} => ${module} v0.${VERSIONS.kubernetes.split(".").slice(1).join(".")}`;

/** A `go.mod` from which every piece builds, so that packages they share compile once. Needs the text of Kubernetes' own `go.mod`. */
export function goModule(kubernetesGoMod: string): string {
  return [
    "module natsbus/test/kubernetes",
    "go 1.26.0",
    "godebug default=go1.26",
    "require (",
    `\tk8s.io/kubernetes v${VERSIONS.kubernetes}`,
    `\tgo.etcd.io/etcd/server/v3 v${VERSIONS.etcd}`,
    `\tgithub.com/coredns/coredns v${VERSIONS.coredns}`,
    `\tgithub.com/nats-io/nats-server/v2 v${VERSIONS.nats}`,
    ")",
    "replace (",
    ...stagingModules(kubernetesGoMod).map(published),
    ")",
    "",
  ].join("\n");
}

/** What the Kubernetes programs say when asked for their version; without it they call themselves v0.0.0 and refuse newer clients. */
export function linkerFlags(): string {
  const [major, minor] = VERSIONS.kubernetes.split(".");
  const values = { gitVersion: `v${VERSIONS.kubernetes}`, gitMajor: major, gitMinor: minor, gitTreeState: "clean" };
  return ["-s -w", ...Object.entries(values).map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)].join(" ");
}
