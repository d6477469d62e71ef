/** Error handling: every kind of error is provoked, is told by its code, and is recovered from. */
import type { Check } from "../check.ts";
import { judged, measured, passed, type Section, skipped } from "../check.ts";
import type { Context } from "../context.ts";
import { connectingErrors } from "./errors-connecting.ts";
import { consumingErrors } from "./errors-consuming.ts";
import { publishingErrors } from "./errors-publishing.ts";

const cases: readonly Check[] = [...publishingErrors, ...connectingErrors, ...consumingErrors];

/** Counts the kinds that passed, through the run's own memory. */
function counted(check: Check): Check {
  return {
    ...check,
    async run(context) {
      const outcome = await check.run(context);
      if (outcome.status === "passed") (await recovered(context)).add(check.name);
      return outcome;
    },
  };
}

function recovered(context: Context): Promise<Set<string>> {
  return context.once("errors-recovered", () => Promise.resolve(new Set<string>()));
}

const enough: Check = {
  name: "kinds",
  title: "enough kinds of errors were provoked and recovered from",
  async run(context) {
    const count = (await recovered(context)).size;
    if (context.signal.aborted) return skipped("the run was cancelled");
    const outcome = judged(`of ${cases.length}`, [measured(context.thresholds, "errorTypes", count, "recovered")]);
    return outcome.status === "passed" ? passed(`of ${cases.length}`, outcome.figures) : outcome;
  },
};

/** Everything about things that go wrong. */
export const errorsSection: Section = { name: "errors", title: "Error handling", checks: [...cases.map(counted), enough] };
