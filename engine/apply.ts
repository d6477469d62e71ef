import { BusError } from "../core/errors.ts";
import type { ActionContext } from "./actions.ts";
import { ACTIONS, ProtectedError } from "./actions.ts";
import type { Limiter } from "./limiter.ts";
import type { Reporter } from "./reporter.ts";
import type { RunState } from "./run-state.ts";
import type { Step } from "./step.ts";

/** What carrying out steps needs. */
export interface ApplyContext extends ActionContext {
  readonly reporter: Reporter;
  readonly state: RunState;
  readonly limiter: Limiter;
}

/** The run stopped, or a step failed; whatever there was to tell has been told. */
export class Stopped extends Error {
  override readonly name = "Stopped";
}

/**
 * Carries out the steps of one chain, one after the other, within the limit of steps that run at once.
 * @throws Stopped when a step failed, or the run stopped before the end of the chain
 */
export async function applyChain(context: ApplyContext, chain: readonly Step[]): Promise<void> {
  await context.limiter.run(async () => {
    for (const step of chain) {
      if (context.state.stopped.aborted) throw new Stopped(`stopped before ${step.op} of ${step.subject.urn}`);
      await applyStep(context, step);
    }
  });
}

async function applyStep(context: ApplyContext, step: Step): Promise<void> {
  const { subject, op } = step;
  if (op === "refresh") throw new BusError("ERR_INTERNAL", "a refresh is no step of a deployment");
  if (subject.old !== undefined) subject.old = context.ledger.latest(subject.old);
  context.reporter.begin(step);
  try {
    const counted = (await ACTIONS[op](context, step)) === "counted";
    context.reporter.end(step, { counted });
  } catch (error) {
    context.reporter.fail(step, error);
    if (error instanceof ProtectedError) context.state.failOnly(subject.urn);
    else context.state.fail({ urn: subject.urn, duringStep: true });
    throw new Stopped(`${op} of ${subject.urn} failed`, { cause: error });
  }
}
