/** The plan as files: one object a file, the same bytes for the same bus. Pure. */
import { createHash } from "node:crypto";
import { stringify } from "yaml";
import type { BusSpec } from "../../core/bus-spec.ts";
import { BusError } from "../../core/errors.ts";
import { serverNames } from "../../core/kubernetes-names.ts";
import { CONTENTS_FILE, contentsText } from "./contents.ts";
import { metadataOf } from "./labels.ts";
import type { Manifest } from "./manifest.ts";
import { fillSecret, type KubernetesPlan, type SecretPlan } from "./plan.ts";
import { type ReviewedBus, reviewedConfig } from "./review.ts";
import { configFile, type Material } from "./server-files.ts";

/** What becomes of Secrets: written with their content, referred to in a store, or left out. */
export type SecretsMode = "plain" | "sealed-reference" | "none";

/** A rendered file. */
export interface ManifestFile {
  /** File name; files in the order of their names can be applied one after another. */
  readonly name: string;
  /** YAML text. */
  readonly text: string;
}

/** First line of every file, by which files of an earlier run are recognised. */
export const FILE_MARK = "# Written by natsbus render; changes made here are lost.";

/** Annotation with the digest of a Secret's content: it changes when the content does, and tells nothing about it. */
const DIGEST_ANNOTATION = "natsbus/content-digest";

// Earlier stages are needed by later ones.
const STAGES: Readonly<Record<string, number>> = {
  Namespace: 0,
  ServiceAccount: 1,
  NetworkPolicy: 1,
  Service: 1,
  PodDisruptionBudget: 1,
  ConfigMap: 1,
  Certificate: 2,
  Secret: 2,
  ExternalSecret: 2,
  StatefulSet: 3,
  Deployment: 3,
};
const LAST_STAGE = 4;

/**
 * The files of a plan, by name.
 * @param want.material content of the Secrets; not needed for `none`
 * @throws ERR_CONFIG_MISSING for `sealed-reference` without a store
 */
export function renderKubernetes(
  bus: ReviewedBus,
  plan: KubernetesPlan,
  want: { readonly secrets: SecretsMode; readonly material: Material },
): readonly ManifestFile[] {
  const { spec } = bus;
  const secrets = plan.secrets.flatMap((secret) => renderSecret(spec, secret, want));
  const manifests = [...plan.before, ...secrets, ...plan.after];
  const files = manifests.map((manifest) => renderFile(spec, manifest)).sort((a, b) => (a.name < b.name ? -1 : 1));
  return want.secrets === "plain" ? files : [...files, ...reviewFiles(bus)];
}

/** The configuration is in a Secret, and what lives in the bus is in no object: without these there would be nothing of them to review. */
function reviewFiles(bus: ReviewedBus): ManifestFile[] {
  const [first = ""] = serverNames(bus.spec);
  return [
    { name: configFile(first), text: `${FILE_MARK}\n${reviewedConfig(bus)}` },
    { name: CONTENTS_FILE, text: `${FILE_MARK}\n${contentsText(bus)}` },
  ];
}

function renderSecret(
  spec: BusSpec,
  secret: SecretPlan,
  { secrets, material }: { readonly secrets: SecretsMode; readonly material: Material },
): Manifest[] {
  if (secrets === "none") return [];
  return [secrets === "plain" ? fillSecret(secret, material) : externalSecret(spec, secret, material)];
}

/** An object of the External Secrets Operator that fills the Secret from a store, entry `<namespace>/<name>`. */
function externalSecret(spec: BusSpec, { manifest, content }: SecretPlan, material: Material): Manifest {
  const { secretStore, namespace } = spec.kubernetes;
  if (secretStore.name === undefined) {
    throw new BusError("ERR_CONFIG_MISSING", "kubernetes.secretStore.name: a reference needs a store to refer to", {
      path: "kubernetes.secretStore.name",
      remedy: "name the store, or render with --secrets plain or none",
    });
  }
  const { name } = manifest.metadata;
  return {
    apiVersion: "external-secrets.io/v1",
    kind: "ExternalSecret",
    metadata: metadataOf(spec, name, { annotations: { [DIGEST_ANNOTATION]: digestOf(content(material)) } }),
    spec: {
      refreshInterval: "1h",
      secretStoreRef: { name: secretStore.name, kind: secretStore.kind },
      target: { name, creationPolicy: "Owner" },
      dataFrom: [{ extract: { key: `${namespace}/${name}` } }],
    },
  };
}

function digestOf(content: Readonly<Record<string, string>>): string {
  const entries = Object.entries(content).sort(([a], [b]) => (a < b ? -1 : 1));
  return `sha256:${createHash("sha256").update(JSON.stringify(entries)).digest("hex")}`;
}

function renderFile(spec: BusSpec, manifest: Manifest): ManifestFile {
  return { name: fileName(spec, manifest), text: `${FILE_MARK}\n${manifestYaml(manifest)}` };
}

/** One object as YAML that every reader understands alike: words such as `Off` in quotes, no references between parts. */
export function manifestYaml(manifest: Manifest): string {
  return stringify(manifest, { version: "1.1", aliasDuplicateObjects: false, lineWidth: 0 });
}

function fileName(spec: BusSpec, { kind, metadata }: Manifest): string {
  const stage = STAGES[kind] ?? LAST_STAGE;
  const { namespace = spec.kubernetes.namespace } = metadata;
  const foreign = namespace === spec.kubernetes.namespace ? [] : [namespace];
  return `${[stage, kind.toLowerCase(), ...foreign, metadata.name].join("-")}.yaml`;
}
