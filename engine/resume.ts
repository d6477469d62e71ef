import type { PendingOperation, ResourceEntry, RunRecorder, Snapshot } from "./model.ts";

/**
 * Whether creating a resource of this type again finds what an interrupted create of it made, and deleting it with its inputs for outputs removes that. Creates of such
 * types need nobody to look after them when a run was killed.
 */
export type IsResumable = (type: string) => boolean;

/**
 * Settles the creates of resumable types that earlier runs left unfinished: they are no pending operations any more, an update creates them anew, and a destroy
 * deletes whatever they made although it never got into the state. Everything else stays pending, as under the Pulumi CLI.
 * @returns the recorder the run works with
 */
export async function resumeInterrupted(
  recorder: RunRecorder,
  kind: "up" | "refresh" | "destroy",
  isResumable: IsResumable,
): Promise<RunRecorder> {
  const { resources, pendingOperations } = recorder.base;
  const interrupted = pendingOperations.filter((operation) => isInterrupted(operation, isResumable));
  if (interrupted.length === 0 || kind === "refresh") return recorder;
  const unrecorded = kind === "destroy" ? interrupted.filter(({ resource }) => !holds(resources, resource.urn)).map(asMade) : [];
  const base = {
    ...recorder.base,
    resources: [...resources, ...unrecorded],
    pendingOperations: pendingOperations.filter((operation) => !interrupted.includes(operation)),
  };
  if (unrecorded.length > 0) await recorder.rebase(base.resources);
  return { ...recorder, base };
}

/** Whether a leftover operation says nothing new when a state is saved: its resource is in the state now, or everything is gone. */
export function isSettled(operation: PendingOperation, snapshot: Snapshot, isResumable: IsResumable): boolean {
  return isInterrupted(operation, isResumable) && (snapshot.resources.length === 0 || holds(snapshot.resources, operation.resource.urn));
}

function isInterrupted({ type, resource }: PendingOperation, isResumable: IsResumable): boolean {
  return type === "creating" && isResumable(resource.type);
}

function holds(resources: readonly ResourceEntry[], urn: string): boolean {
  return resources.some((entry) => entry.urn === urn);
}

/** The entry that a finished create would have left, as far as anybody knows. */
function asMade({ resource }: PendingOperation): ResourceEntry {
  return { ...resource, id: resource.id ?? resource.urn, outputs: resource.inputs };
}
