import { expect, test } from "vitest";
import type { ClusterFacts } from "../../../../components/kubernetes/cluster-facts.ts";
import { planKubernetes } from "../../../../components/kubernetes/plan.ts";
import { clusterProblems } from "../../../../components/kubernetes/preflight.ts";
import { kubernetesSpec } from "../../../support/kubernetes-spec.ts";

const FACTS: ClusterFacts = {
  namespace: { deleting: false },
  groups: ["apps", "policy", "networking.k8s.io", "autoscaling"],
  storageClasses: [
    { name: "standard", grows: true, isDefault: true },
    { name: "local", grows: false, isDefault: false },
  ],
  priorityClasses: ["high"],
  secrets: {},
  claims: [],
};

const claim = (storage: string, storageClass = "standard") => ({ claims: [{ name: "nats-js-nats-0", storage, storageClass }] });
const EXISTING = { certificates: { source: "existing", secret: "bus-tls" } };

type Case = readonly [name: string, kubernetes: object, facts: Partial<ClusterFacts>, code: string, path: string, message: RegExp];

const cases: readonly Case[] = [
  [
    "namespace in deletion",
    {},
    { namespace: { deleting: true } },
    "ERR_KUBERNETES_OBJECT",
    "kubernetes.namespace",
    /natsbus-test" is being deleted/,
  ],
  [
    "no namespace, and none declared",
    { createNamespace: false },
    { namespace: undefined },
    "ERR_KUBERNETES_OBJECT",
    "kubernetes.namespace",
    /no namespace/,
  ],
  [
    "unknown storage class",
    { storage: { className: "fast" } },
    {},
    "ERR_KUBERNETES_OBJECT",
    "kubernetes.storage.className",
    /no storage class "fast"; the cluster has standard, local/,
  ],
  [
    "no default storage class",
    {},
    { storageClasses: [{ name: "local", grows: false, isDefault: false }] },
    "ERR_KUBERNETES_OBJECT",
    "kubernetes.storage.className",
    /no default one/,
  ],
  [
    "claim shrink",
    { storage: { size: "1GiB" } },
    claim("2Gi"),
    "ERR_STORAGE",
    "kubernetes.storage.size",
    /has 2Gi, and a claim cannot shrink to 1GiB/,
  ],
  [
    "claim that cannot grow",
    { storage: { size: "4GiB" } },
    claim("2Gi", "local"),
    "ERR_STORAGE",
    "kubernetes.storage.size",
    /cannot grow.*local/,
  ],
  [
    "unknown priority class",
    { scheduling: { priorityClass: "top" } },
    {},
    "ERR_KUBERNETES_OBJECT",
    "kubernetes.scheduling.priorityClass",
    /"top".*high/,
  ],
  ["no TLS Secret", EXISTING, {}, "ERR_KUBERNETES_OBJECT", "kubernetes.certificates.secret", /no Secret "bus-tls"/],
  [
    "TLS Secret without key",
    EXISTING,
    { secrets: { "bus-tls": ["tls.crt", "ca.crt"] } },
    "ERR_KUBERNETES_OBJECT",
    "kubernetes.certificates.secret",
    /has no tls\.key; it has tls\.crt, ca\.crt/,
  ],
  [
    "no encryption key",
    { encryption: { secret: "k" } },
    { secrets: { k: [] } },
    "ERR_KUBERNETES_OBJECT",
    "kubernetes.encryption.secret",
    /has no key; it has nothing/,
  ],
  [
    "cert-manager not installed",
    { certificates: { source: "cert-manager", issuer: "ca" } },
    {},
    "ERR_KUBERNETES_OBJECT",
    "kubernetes.certificates.source",
    /Certificate objects \(cert-manager\.io\)/,
  ],
];

function problemsOf(kubernetes: object, facts: Partial<ClusterFacts>) {
  const spec = kubernetesSpec({ kubernetes });
  return clusterProblems(spec, { ...FACTS, ...facts }, planKubernetes(spec));
}

test.each(cases)("%s is told at preview", (...row) => {
  const [, kubernetes, facts, code, path, message] = row;
  const problems = problemsOf(kubernetes, facts);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatchObject({ code, path });
  expect(problems[0]?.message).toMatch(message);
  expect(problems[0]?.remedy).toMatch(/\b(wait|make|name|set|keep|complete|install)\b/);
});

test.each([
  ["a cluster that has everything", {}, {}],
  ["a claim of the wanted size", { storage: { size: "2GiB" } }, claim("2Gi")],
  ["a claim that may grow", { storage: { size: "4GiB" } }, claim("2Gi")],
  ["no storage class where none is needed", { storage: { ephemeral: true } }, { storageClasses: [] }],
  ["certificates as they should be", EXISTING, { secrets: { "bus-tls": ["tls.crt", "tls.key", "ca.crt"] } }],
])("%s is fine", (_name, kubernetes, facts) => {
  expect(problemsOf(kubernetes, facts)).toEqual([]);
});
