/** One declared thing that differs between two states of a project. */
import type { LeafChange } from "./leaf-changes.ts";
import type { Risk } from "./risk.ts";

/** A Kubernetes object, or something that lives in the bus. */
export interface ChangedObject {
  readonly kind: string;
  readonly name: string;
  readonly op: "create" | "delete" | "update";
  /** Leaves that differ, for an update. */
  readonly leaves: readonly LeafChange[];
  /** What is at stake, worst first. */
  readonly risks: readonly Risk[];
}
