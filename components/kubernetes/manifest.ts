/** Kubernetes objects as plain values, and how the stack file's patches are laid over them. Pure. */

/** A Kubernetes object in the API's own form. */
export interface Manifest {
  /** Group and version. */
  readonly apiVersion: string;
  /** Kind. */
  readonly kind: string;
  /** Name, namespace, labels, annotations. */
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  /** Everything else. */
  readonly [key: string]: unknown;
}

/** A change to every object, for programs: returns the object to use instead. */
export type ManifestTransform = (manifest: Manifest) => Manifest;

/** One entry of `kubernetes.patches`. */
export interface ManifestPatch {
  /** Kind of the objects it is laid over. */
  readonly kind: string;
  /** Name of the object; absent: every object of the kind. */
  readonly name?: string | undefined;
  /** What is laid over. */
  readonly merge: Readonly<Record<string, unknown>>;
}

/** A key that is the same for the same object only. */
export function manifestKey({ apiVersion, kind, metadata }: Manifest): string {
  return [apiVersion, kind, metadata.namespace ?? "", metadata.name].join("|");
}

/** The object with every patch for it laid over. */
export function patchManifest(manifest: Manifest, patches: readonly ManifestPatch[]): Manifest {
  return patches
    .filter((patch) => isFor(patch, manifest))
    .reduce<Manifest>((result, patch) => mergeOver(result, patch.merge) as Manifest, manifest);
}

/** Patches that fit none of the objects: slips that would otherwise go unnoticed. */
export function unusedPatches(manifests: readonly Manifest[], patches: readonly ManifestPatch[]): readonly ManifestPatch[] {
  return patches.filter((patch) => !manifests.some((manifest) => isFor(patch, manifest)));
}

function isFor(patch: ManifestPatch, { kind, metadata }: Manifest): boolean {
  return patch.kind === kind && (patch.name === undefined || patch.name === metadata.name);
}

/** `over` laid on `under`: blocks merge, lists of named things merge by name, anything else is replaced, `null` removes. */
export function mergeOver(under: unknown, over: unknown): unknown {
  if (isRecord(under) && isRecord(over)) return mergeRecords(under, over);
  if (isNamedList(under) && isNamedList(over)) return mergeLists(under, over);
  return over;
}

function mergeRecords(under: Readonly<Record<string, unknown>>, over: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    if (value === null) delete merged[key];
    else merged[key] = mergeOver(merged[key], value);
  }
  return merged;
}

type Named = Readonly<Record<string, unknown>> & { readonly name: string };

function mergeLists(under: readonly Named[], over: readonly Named[]): unknown[] {
  const changed = under.map((item) => over.filter(({ name }) => name === item.name).reduce<unknown>(mergeOver, item));
  return [...changed, ...over.filter(({ name }) => !under.some((item) => item.name === name))];
}

function isNamedList(value: unknown): value is readonly Named[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => isRecord(item) && typeof item["name"] === "string");
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
