/** What a test cluster is built from, with pinned versions; Renovate's custom manager reads the marked lines. */
export const VERSIONS = {
  kubernetes: "1.37.2", // renovate: datasource=go depName=k8s.io/kubernetes
  etcd: "3.7.0", // renovate: datasource=go depName=go.etcd.io/etcd/server/v3
  coredns: "1.15.0", // renovate: datasource=go depName=github.com/coredns/coredns
  nats: "2.15.2", // renovate: datasource=go depName=github.com/nats-io/nats-server/v2
} as const;

/** A program to build: its name, the Go package that holds it. */
export interface Piece {
  readonly name: string;
  readonly package: string;
}

const kubernetesProgram = (name: string): Piece => ({ name, package: `k8s.io/kubernetes/cmd/${name}` });

/** Enough for a real API server that stores objects: validation, admission, server-side dry-run; nothing runs. */
export const API_PIECES: readonly Piece[] = [kubernetesProgram("kube-apiserver"), { name: "etcd", package: "go.etcd.io/etcd/server/v3" }];

/** What a node with running pods needs on top of {@link API_PIECES}. */
export const NODE_PIECES: readonly Piece[] = [
  ...["kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"].map(kubernetesProgram),
  { name: "nats-server", package: "github.com/nats-io/nats-server/v2" },
  { name: "coredns", package: "./coredns" },
  { name: "pause", package: "./pause" },
];

/** Programs of the distribution that a node needs, by name or path, with the Debian package that brings them. */
export const DISTRIBUTION_PROGRAMS: Readonly<Record<string, string>> = {
  containerd: "containerd",
  runc: "runc",
  iptables: "iptables",
  "/usr/lib/cni/bridge": "containernetworking-plugins",
};

/** Image the servers run from; any name will do, because it is put into the node and never pulled. */
export const NATS_IMAGE = `docker.io/library/nats:${VERSIONS.nats}-alpine`;

/** Image of the probe in the node. */
export const PROBE_IMAGE = { repository: "test.local/natsbus-probe", tag: "1" } as const;

/** Image of CoreDNS in the node. */
export const COREDNS_IMAGE = `test.local/coredns:${VERSIONS.coredns}`;
