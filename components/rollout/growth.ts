/** Growing volumes while their servers run: the claims are patched, and the storage does the rest. */
import { setTimeout as delay } from "node:timers/promises";
import { BusError } from "../../core/errors.ts";
import { progress } from "../../core/progress.ts";
import { renderSize } from "../../core/units.ts";
import type { SetPort } from "./cluster-api.ts";
import type { ClaimView, RolloutInputs } from "./model.ts";
import { growingClaims } from "./plan.ts";

const POLL_MS = 500;

/**
 * Asks for larger volumes where they are smaller than wanted, and waits until they are as large as that.
 * @throws ERR_STORAGE_CLASS when the storage class does not let them grow, with nothing changed; ERR_ROLLOUT when they did not grow in time
 */
export async function growClaims(port: SetPort, inputs: RolloutInputs, timeoutMs: number): Promise<void> {
  const { claim } = inputs;
  if (claim === undefined) return;
  const growing = growingClaims((await port.observe())?.claims ?? [], claim);
  for (const className of new Set(growing.map((one) => one.className))) await assertGrows(port, className);
  for (const { name, requestedBytes } of growing.filter((one) => one.requestedBytes < claim.sizeBytes)) {
    progress(`${name}: grows from ${renderSize(requestedBytes)} to ${renderSize(claim.sizeBytes)}`);
    await port.growClaim(name, claim.sizeBytes);
  }
  if (growing.length > 0) await waitGrown(port, inputs, timeoutMs);
}

/** @throws ERR_STORAGE_CLASS */
export async function assertGrows(port: Pick<SetPort, "mayGrow">, className: string): Promise<void> {
  if ((await port.mayGrow(className)) === true) return;
  throw new BusError("ERR_STORAGE_CLASS", `volumes of storage class "${className}" cannot grow: it does not set allowVolumeExpansion`, {
    path: "kubernetes.storage.size",
    remedy: "set the size back, or have the class allow it if its driver can",
  });
}

async function waitGrown(port: SetPort, { claim }: RolloutInputs, timeoutMs: number): Promise<void> {
  const until = performance.now() + timeoutMs;
  for (let told: string | undefined; ; ) {
    const behind = growingClaims((await port.observe())?.claims ?? [], claim);
    const [first] = behind;
    if (first === undefined) return;
    if (performance.now() >= until) throw notGrown(first, timeoutMs);
    const line = `waiting for the storage to grow ${behind.map(({ name }) => name).join(", ")}`;
    if (line !== told) progress(line);
    told = line;
    await delay(POLL_MS);
  }
}

function notGrown({ name, capacityBytes }: ClaimView, timeoutMs: number): BusError {
  return new BusError("ERR_ROLLOUT", `volume ${name} still has ${renderSize(capacityBytes)} after ${timeoutMs} ms`, {
    remedy: `look at its events (kubectl describe pvc ${name}) and run up again; the servers' limits were not raised`,
  });
}
