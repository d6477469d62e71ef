/** What fires on the recorded scrapes of a live cluster, when one server dies and then a second one. */
import { describe, expect, test } from "vitest";
import { resolveMonitoringOptions } from "../../../observability/options.ts";
import { metricRelabeling } from "../../../observability/relabeling.ts";
import { planRules } from "../../../observability/rules/plan.ts";
import { RECORDED_BUS } from "../../unit/observability/example-bus.ts";
import { type Moment, recorded, relabel, seriesText } from "../../unit/observability/scrapes.ts";
import { BEGIN, LEAD, type TestSeries } from "./baseline.ts";
import { hasTool, testRules } from "./promtool.ts";

const available = hasTool("promtool");
if (!available) process.stderr.write("SKIPPED: recordings are not replayed, promtool is missing (Debian package prometheus)\n");

// Nobody worked during the recording: a stream declared to have traffic would rightly be called idle.
const BUS = { ...RECORDED_BUS, streams: RECORDED_BUS.streams.map((stream) => ({ ...stream, expectTraffic: false })) };
const GROUPS = planRules(BUS, resolveMonitoringOptions({ probe: false })).filter(({ name }) => !name.includes("-slo"));

/** The series of one moment, then those of another. */
function course(before: Moment, after: Moment): TestSeries[] {
  const stored = (moment: Moment): Map<string, { name: string; labels: Readonly<Record<string, string>>; value: string }> =>
    new Map(
      recorded(moment)
        .flatMap((sample) => relabel(sample, metricRelabeling(BUS, "all")) ?? [])
        .map((sample) => [seriesText(sample), sample]),
    );
  const [first, second] = [stored(before), stored(after)];
  return [...new Map([...first, ...second])].map(([series, { name, labels }]) => {
    const [was, is] = [first.get(series), second.get(series)];
    const lead = was === undefined ? `_x${LEAD}` : `${Number(was.value)}+0x${LEAD - 1}`;
    return { name, labels, values: `${lead} ${is === undefined ? "stale" : `${Number(is.value)}+0x$REST`}` };
  });
}

const COURSES = [
  {
    title: "a server dies: seen at once, and streams go on",
    series: course("healthy", "one-down"),
    expectations: [
      { at: BEGIN - 30, firing: [] },
      { at: BEGIN + 150, firing: [] },
      { at: BEGIN + 180, firing: ["NatsServerUnreachable/warning"] },
      { at: BEGIN + 300, firing: ["NatsClusterDegraded/warning", "NatsServerUnreachable/warning", "NatsStreamReplicasMissing/warning"] },
    ],
  },
  {
    title: "a second server dies: the page comes within half a minute",
    series: course("one-down", "quorum-lost"),
    expectations: [
      { at: BEGIN, silent: "NatsQuorumLost/critical" },
      {
        at: BEGIN + 30,
        firing: [
          "NatsClusterDegraded/warning",
          "NatsQuorumLost/critical",
          "NatsServerUnreachable/warning",
          "NatsStreamReplicasMissing/warning",
        ],
      },
      {
        at: BEGIN + 600,
        firing: [
          "NatsAssetsNotCurrent/warning",
          "NatsClusterDegraded/warning",
          // Five messages were in nobody's hands all along.
          "NatsConsumerAckStalled/warning",
          "NatsNoMetaLeader/critical",
          "NatsQuorumLost/critical",
          "NatsServerUnreachable/warning",
          "NatsStreamAbsent/critical",
          "NatsStreamNoLeader/critical",
          "NatsStreamReplicasMissing/warning",
        ],
      },
    ],
  },
];

describe.skipIf(!available)("recorded", () => {
  test.each(COURSES)("$title", ({ title, series, expectations }) => {
    const { ok, output } = testRules(GROUPS, [{ name: title, series, expectations }]);
    expect(ok, output).toBe(true);
  });
});
