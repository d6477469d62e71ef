/** High availability: a server is really taken away, in order and by force, while publishers and a consumer are at work. */
import { isBusError } from "../../../core/errors.ts";
import { type Check, failed, judged, measured, type Outcome, passed, type Section, skipped } from "../check.ts";
import type { Context } from "../context.ts";
import { type Drill, runDrill, whatIsMissing } from "../drill.ts";

const NOT_WHOLE = "the cluster was not whole, so taking another server away would be an outage";

type How = "stop" | "kill";

async function withDrill(context: Context, how: How, judge: (drill: Drill) => Outcome): Promise<Outcome> {
  const { control } = context;
  if ("missing" in control) return skipped(control.missing);
  if (how === "kill" && context.quick) return skipped("left out by --quick");
  try {
    return judge(await context.once(`drill-${how}`, () => runDrill(context, control, how)));
  } catch (error) {
    // Told once, by the check that looks for it.
    if (isBusError(error) && error.code === "ERR_CLUSTER_NOT_READY" && (await whatIsMissing(context)) !== undefined)
      return skipped(NOT_WHOLE);
    throw error;
  }
}

const whole: Check = {
  name: "whole-before",
  title: "every server is healthy before one is taken away",
  async run(context) {
    const missing = await whatIsMissing(context);
    return missing === undefined ? passed(`${context.servers.length} servers`) : failed(missing, "start what is down with `natsbus up`");
  },
};

function goesOn(how: How, threshold: "failover" | "crashFailover"): Check {
  return {
    name: how === "stop" ? "stopped-in-order" : "killed",
    title:
      how === "stop" ? "publishing goes on when the stream's leader is stopped" : "publishing goes on when the stream's leader is killed",
    run: (context) =>
      withDrill(context, how, ({ victim, gapMs, worstGapMs, whileAway, refused }) => {
        if (whileAway === 0) return failed(`not one message was acknowledged while ${victim} was away`);
        if (refused > 0) return failed(`${refused} messages were given up while ${victim} was away`);
        return judged(`${victim} was away, ${whileAway} messages were acknowledged meanwhile`, [
          measured(context.thresholds, threshold, gapMs, "without an acknowledgement"),
          { name: "worst publisher", value: worstGapMs, unit: "ms" },
        ]);
      }),
  };
}

function nothingLost(how: How): Check {
  return {
    name: `nothing-lost-${how}`,
    title: `no acknowledged message is lost when a server is ${how === "stop" ? "stopped" : "killed"}`,
    run: (context) =>
      withDrill(context, how, ({ acknowledged, lost, twice }) => {
        if (lost > 0) return failed(`${lost} of ${acknowledged} acknowledged messages never reached the consumer`);
        return judged(`${acknowledged} acknowledged, ${twice} handled twice`, [
          measured(context.thresholds, "delivered", ((acknowledged - lost) / acknowledged) * 100, "delivered"),
        ]);
      }),
  };
}

function comesBack(how: How): Check {
  return {
    name: `back-after-${how}`,
    title: `the server that was ${how === "stop" ? "stopped" : "killed"} comes back and catches up`,
    run: (context) =>
      withDrill(context, how, ({ victim, catchUpMs }) =>
        judged(victim, [measured(context.thresholds, "catchUp", catchUpMs, "until every replica is current")]),
      ),
  };
}

/** Everything about losing a server. */
export const availabilitySection: Section = {
  name: "availability",
  title: "High availability",
  disruptive: true,
  checks: [
    whole,
    goesOn("stop", "failover"),
    nothingLost("stop"),
    comesBack("stop"),
    goesOn("kill", "crashFailover"),
    nothingLost("kill"),
    comesBack("kill"),
  ],
};
