/** Who an object belongs to and what may be done to its data. Pure. */
import { BusError } from "../core/errors.ts";
import type { Cost } from "./cost.ts";
import { type Change, canMigrate, renderChange } from "./diff.ts";
import { field, inPlace, type SpecOf } from "./field.ts";
import { choice } from "./kinds.ts";

/** Policy settings as a field table, so that they are read like every other setting. */
export const POLICY_FIELDS = {
  deletionPolicy: field("", choice("retain", "delete"), "retain", "", inPlace),
  replacePolicy: field("", choice("refuse", "migrate", "recreate"), "refuse", "", inPlace),
  adoptionPolicy: field("", choice("never", "adopt"), "never", "", inPlace),
};

/** What may be done to the data of an object. */
export type Policy = SpecOf<typeof POLICY_FIELDS>;

/** What is at stake when an object changes, as far as it is known. */
export interface Stake {
  /** What making it anew would lose; `undefined` when nothing. */
  readonly loss: string | undefined;
  /** Consequences of the change in place. */
  readonly costs: readonly Cost[];
  /** What `replacePolicy: migrate` does instead of making it anew.
   * @default - nothing to tell */
  readonly move?: string;
}

/**
 * Why this change must not be made, `undefined` when it may.
 * @param what for instance `stream ORDERS`
 * @param stake `"unknown"` when the present state could not be read, which allows nothing that might lose data
 */
export function refusalOfChange(what: string, change: Change, policy: Policy, stake: Stake | "unknown"): BusError | undefined {
  if (policy.replacePolicy === "recreate") return undefined;
  const fixed = change.fields.filter((field) => !field.inPlace);
  const first = fixed[0];
  if (first !== undefined && policy.replacePolicy === "migrate" && canMigrate(change)) return undefined;
  if (first !== undefined) {
    const loss = stake === "unknown" ? "what it holds, which is unknown because no server answers" : stake.loss;
    if (loss === undefined) return undefined;
    const reasons = fixed.map((field) => `${renderChange(field)} (${field.reason ?? "it is fixed"})`).join("; ");
    return refused(`${what}: ${reasons}; only possible by making it anew, which would lose ${loss}`, first.key);
  }
  const destroying = stake === "unknown" ? undefined : stake.costs.find((cost) => cost.destroys);
  if (destroying === undefined) return undefined;
  return refused(`${what}: ${destroying.key} would change as wanted, but that ${destroying.text}`, destroying.key);
}

/**
 * What a change that may be made does to data and service, in words; nothing when there is nothing to tell.
 * @param stake `"unknown"` when the present state could not be read, `undefined` when there is nothing there
 */
export function effectsOfChange(change: Change, policy: Policy, stake: Stake | "unknown" | undefined): readonly string[] {
  if (stake === undefined) return [];
  if (stake === "unknown") return ["what it does to data is unknown: no server answers"];
  const keys = new Set(change.fields.map((field) => field.key));
  if (change.kind !== "replace") return stake.costs.filter((cost) => keys.has(cost.key)).map(({ text }) => text);
  if (policy.replacePolicy === "migrate" && canMigrate(change)) return stake.move === undefined ? [] : [stake.move];
  return [stake.loss === undefined ? "is made anew; nothing is lost" : `is made anew and loses ${stake.loss}`];
}

/**
 * Refuses an object that somebody else made.
 * @param known whether this resource made or adopted it before
 * @throws ERR_STREAM_FOREIGN when it may not be taken over
 */
export function assertOwned(
  what: string,
  found: string | undefined,
  claim: { readonly owner: string; readonly policy: Policy; readonly known: boolean },
): void {
  if (found === claim.owner || claim.policy.adoptionPolicy === "adopt" || (claim.known && found === undefined)) return;
  const maker = found === undefined ? "natsbus did not make it" : `it belongs to ${found}`;
  throw new BusError("ERR_STREAM_FOREIGN", `${what} exists and ${maker}`, {
    path: "adoptionPolicy",
    remedy: 'set adoptionPolicy: "adopt" to take it over with all it holds, or choose another name',
  });
}

function refused(message: string, path: string): BusError {
  return new BusError("ERR_STREAM_IMMUTABLE", message, {
    path,
    remedy:
      'take the change back, set replacePolicy: "migrate" to keep everything by a verified copy where that is possible, or "recreate" to accept the loss',
  });
}
