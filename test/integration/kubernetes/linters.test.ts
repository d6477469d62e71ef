import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Manifest } from "../../../components/kubernetes/manifest.ts";
import { manifestYaml } from "../../../components/kubernetes/render.ts";
import {
  KITCHEN_SINK,
  kubernetesBus,
  kubernetesSpec,
  objectsOf,
  stackFile,
  WATCHED,
  watchedObjectsOf,
} from "../../support/kubernetes-spec.ts";
import { type Finding, manifestLinters } from "../../support/manifest-linters.ts";

interface Accepted {
  readonly ids: readonly string[];
  /** Objects it is accepted for. */
  readonly objects: RegExp;
  /** Why it stays. */
  readonly reason: string;
}

const EVERY_POD = /^(StatefulSet|Deployment) /;

const ACCEPTED: readonly Accepted[] = [
  {
    ids: ["container-security-context-user-group-id", "CKV_K8S_40"],
    objects: EVERY_POD,
    reason: "1000 is above the system's users; no pod mounts anything of its node, and the volumes of running buses belong to this group",
  },
  {
    ids: ["container-ephemeral-storage-request-and-limit"],
    objects: EVERY_POD,
    reason:
      "a limit would evict a server for its logs; the root file systems are read-only, every emptyDir has a size, and patches can set one",
  },
  {
    ids: ["container-image-pull-policy", "CKV_K8S_15", "CKV_K8S_43"],
    objects: EVERY_POD,
    reason: "a server must start again while the registry is down; tags are exact, and every image takes a digest and a pull policy",
  },
  {
    ids: ["pod-networkpolicy"],
    objects: EVERY_POD,
    reason: "where servers may go depends on leaf nodes, gateways and mirrors of the user's own; networkPolicy.egress closes it",
  },
  {
    ids: ["CKV_K8S_8", "CKV_K8S_9"],
    objects: /^(StatefulSet|Deployment (bus|nats)-box$)/,
    reason:
      "the servers have all three probes; a probe of exporter or reloader would take a healthy server out of service, and nobody waits for the toolbox",
  },
  {
    ids: ["CKV_K8S_35"],
    objects: /^StatefulSet bus$/,
    reason: "nats-server takes the encryption key from its configuration alone, and a variable keeps it out of that file",
  },
  {
    ids: ["pod-probes-identical"],
    objects: /^Deployment nats-probe$/,
    reason: "the probe depends on nothing, so that being alive and being ready are the same",
  },
  {
    ids: ["deployment-strategy", "deployment-replicas"],
    objects: /^Deployment nats-probe$/,
    reason: "two probes would publish and count twice",
  },
];

const CASES: Readonly<Record<string, readonly Manifest[]>> = {
  dev: objectsOf(kubernetesSpec({ ...stackFile("dev"), target: "kubernetes" }, "dev")),
  prod: objectsOf(kubernetesSpec(stackFile("prod"), "prod")),
  "kitchen sink": objectsOf(kubernetesSpec(KITCHEN_SINK, "sink")),
  watched: watchedObjectsOf(kubernetesBus(WATCHED, "watched")),
};

const { present, missing } = manifestLinters();
for (const text of missing) process.stdout.write(`Linters of rendered objects: ${text}\n`);

const folder = mkdtempSync(join(tmpdir(), "natsbus-lint-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Texts for other programs' templates, which a linter may take for templates of its own input and leave the file unread. */
const TEMPLATES: ReadonlySet<string> = new Set(["ConfigMap", "PrometheusRule", "AlertmanagerConfig"]);

function write(name: string, objects: readonly Manifest[]): string {
  const file = join(folder, `${name.replaceAll(" ", "-")}.yaml`);
  writeFileSync(
    file,
    objects
      .filter(({ kind }) => !TEMPLATES.has(kind))
      .map(manifestYaml)
      .join("---\n"),
  );
  return file;
}

function isAccepted({ id, object }: Finding): boolean {
  return ACCEPTED.some(({ ids, objects }) => ids.includes(id) && objects.test(object));
}

describe.skipIf(present.length === 0)("linters of rendered objects", () => {
  const seen: Finding[] = [];

  describe.each(present)("$name", ({ findings }) => {
    test.each(Object.entries(CASES))("finds nothing in %s without a written reason", (name, objects) => {
      const found = findings(write(name, objects));
      seen.push(...found);
      const open = found.filter((finding) => !isAccepted(finding));
      expect(open.map(({ id, object }) => `${id}: ${object}`)).toEqual([]);
    });

    test("finds a privileged pod, so that the silence above means something", () => {
      const pods = (CASES["prod"] ?? []).map((object) =>
        object.kind === "StatefulSet"
          ? (JSON.parse(JSON.stringify(object).replaceAll('"allowPrivilegeEscalation":false', '"privileged":true')) as Manifest)
          : object,
      );
      const open = findings(write("open", pods)).filter((finding) => !isAccepted(finding));
      expect(open.length).toBeGreaterThan(0);
    });
  });

  test.skipIf(missing.length > 0)("every reason is still needed", () => {
    for (const { ids, objects } of ACCEPTED)
      for (const id of ids) expect([id, seen.some((finding) => finding.id === id && objects.test(finding.object))]).toEqual([id, true]);
  });
});
