import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { locatePanel } from "../../../observability/dashboards/panels.ts";
import { planBoards } from "../../../observability/dashboards/plan.ts";
import type { BusFacts } from "../../../observability/facts.ts";
import { type MonitoringOptions, resolveMonitoringOptions } from "../../../observability/options.ts";
import { metricNames } from "../../../observability/promql.ts";
import { alertCatalog, planRules } from "../../../observability/rules/plan.ts";
import { isAlert, type RuleGroup } from "../../../observability/rules/rule.ts";
import { anyBus, anyOptions } from "./arbitrary-bus.ts";
import { EVERY_OPTION, EXAMPLE_BUS, SMALLEST_BUS } from "./example-bus.ts";

const plan = (facts: BusFacts, options: MonitoringOptions = {}): RuleGroup[] => planRules(facts, resolveMonitoringOptions(options));
const rulesOf = (groups: readonly RuleGroup[]) => groups.flatMap(({ rules }) => rules);
const alertNames = (groups: readonly RuleGroup[]): string[] => [
  ...new Set(
    rulesOf(groups)
      .filter(isAlert)
      .map(({ alert }) => alert),
  ),
];
const isRecord = (name: string): boolean => name.includes(":");

describe("rules of any bus", () => {
  test("read only records that the same rules write", () => {
    fc.assert(
      fc.property(anyBus, anyOptions, (facts, options) => {
        const rules = rulesOf(plan(facts, options));
        const written = new Set(rules.flatMap((rule) => (isAlert(rule) ? [] : [rule.record])));
        const read = rules.flatMap(({ expr }) => metricNames(expr)).filter(isRecord);
        expect(read.filter((name) => !written.has(name))).toEqual([]);
      }),
    );
  });

  test("never write the same series twice", () => {
    fc.assert(
      fc.property(anyBus, anyOptions, (facts, options) => {
        const constants = rulesOf(plan(facts, options)).flatMap((rule) =>
          isAlert(rule) || !rule.expr.startsWith("vector") ? [] : [JSON.stringify([rule.record, rule.labels])],
        );
        expect(new Set(constants).size).toBe(constants.length);
      }),
    );
  });

  test("touch no other bus: every metric is narrowed, and every alert and constant names the bus", () => {
    fc.assert(
      fc.property(anyBus, anyOptions, (facts, options) => {
        const matcher = `nats_cluster=${JSON.stringify(facts.cluster)}`;
        for (const rule of rulesOf(plan(facts, options))) {
          const own = metricNames(rule.expr).filter((name) => !/^(kubelet|node)_/.test(name));
          expect(rule.expr.split(matcher).length - 1).toBeGreaterThanOrEqual(own.length);
          if (isAlert(rule) || rule.expr.startsWith("vector(")) expect(rule.labels["nats_cluster"]).toBe(facts.cluster);
        }
      }),
    );
  });

  test("carry whatever an alert must: severity, value, description, runbook, a panel that exists", () => {
    fc.assert(
      fc.property(anyBus, anyOptions, (facts, options) => {
        const resolved = resolveMonitoringOptions(options);
        const panels = new Set(planBoards(facts, resolved).flatMap(({ rows }) => rows.flatMap((row) => row.panels.map(({ key }) => key))));
        for (const spec of alertCatalog()) {
          if (spec.applies?.(facts, resolved) === false) continue;
          expect(spec.summary).toContain("$value");
          expect(spec.description.length).toBeGreaterThan(30);
          expect([...panels]).toContain(spec.panel);
        }
        for (const alert of rulesOf(plan(facts, options)).filter(isAlert)) {
          expect(["critical", "warning", "info", "none"]).toContain(alert.labels["severity"]);
          expect(alert.annotations["runbook_url"]).toBe(`docs/runbooks.md#${alert.alert.toLowerCase()}`);
          expect(alert.labels).toMatchObject({ service: "nats", ...options.alertLabels });
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe("only what applies is emitted", () => {
  const all = alertNames(plan(EXAMPLE_BUS, EVERY_OPTION));

  test("the example bus has every alert there is", () => {
    expect(all.sort()).toEqual([...new Set(alertCatalog().map(({ alert }) => alert))].sort());
  });

  const without = (change: Partial<BusFacts>, options: MonitoringOptions = EVERY_OPTION): string[] => {
    const left = alertNames(plan({ ...EXAMPLE_BUS, ...change }, options));
    return all.filter((name) => !left.includes(name)).sort();
  };
  const streams = (change: Partial<BusFacts["streams"][number]>) => ({
    streams: EXAMPLE_BUS.streams.map((stream) => ({ ...stream, ...change })),
  });
  const consumers = (change: object) =>
    EXAMPLE_BUS.streams.map((stream) => ({ ...stream, consumers: stream.consumers.map(({ name }) => ({ name, ...change })) }));

  test.each<[string, Partial<BusFacts>, MonitoringOptions, string[]]>([
    ["plain connections have no certificates", { tls: false }, EVERY_OPTION, ["NatsCertExpiring"]],
    ["no account has a limit", { accountStorageLimits: false }, EVERY_OPTION, ["NatsAccountStorageHigh"]],
    ["nobody watches disks", {}, { probe: true }, ["NatsVolumeLow"]],
    [
      "no probe runs",
      {},
      { ...EVERY_OPTION, probe: false },
      [
        "NatsCanaryAbsent",
        "NatsCertExpiring",
        "NatsConfigNotApplied",
        "NatsMetaPeerNotCurrent",
        "NatsSloAvailabilityBurn",
        "NatsSloLatencyBurn",
        "NatsStreamPeerNotCurrent",
      ],
    ],
    ["streams drop old messages", streams({ refusesWhenFull: false }), EVERY_OPTION, ["NatsStreamNearLimit"]],
    ["silence is normal", streams({ expectTraffic: false }), EVERY_OPTION, ["NatsStreamIdle"]],
    [
      "nothing is copied from elsewhere",
      streams({ mirror: false, sources: false }),
      EVERY_OPTION,
      ["NatsMirrorBehind", "NatsMirrorInactive", "NatsSourceBehind", "NatsSourceInactive"],
    ],
    ["no stream collects advisories", streams({ advisories: false }), EVERY_OPTION, ["NatsBadAdvisory"]],
    [
      "one copy each",
      streams({ replicas: 1 }),
      EVERY_OPTION,
      ["NatsStreamPeerNotCurrent", "NatsStreamReplicaLagging", "NatsStreamReplicasMissing"],
    ],
    ["consumers without limits", { streams: consumers({}) }, EVERY_OPTION, ["NatsConsumerAckSaturated", "NatsConsumerBacklog"]],
  ])("%s", (_why, change, options, missing) => {
    expect(without(change, options)).toEqual(missing);
  });

  test("a single server knows no quorum of several, no leader, no routes", () => {
    const names = alertNames(plan(SMALLEST_BUS));
    const needsSeveral = [
      "NatsNoMetaLeader",
      "NatsMetaLeaderDisagreement",
      "NatsMetaLeaderFlapping",
      "NatsClusterDegraded",
      "NatsRoutesMissing",
    ];
    expect(names.filter((name) => needsSeveral.includes(name))).toEqual([]);
    expect(names).toContain("NatsQuorumLost");
  });

  test("a memory limit brings its alert", () => {
    expect(alertNames(plan({ ...SMALLEST_BUS, memoryLimitBytes: 1000 }))).toContain("NatsMemoryHigh");
    expect(alertNames(plan(SMALLEST_BUS))).not.toContain("NatsMemoryHigh");
  });
});

test("an alert of a stream names its team, and only then", () => {
  const exprOf = (facts: BusFacts) => rulesOf(plan(facts)).find((rule) => isAlert(rule) && rule.alert === "NatsStreamNoLeader")?.expr ?? "";
  expect(exprOf(EXAMPLE_BUS)).toContain("group_left (team) topk by");
  expect(exprOf({ ...EXAMPLE_BUS, streams: EXAMPLE_BUS.streams.map(({ team: _team, ...stream }) => stream) })).not.toContain("team");
});

test("the link of an alert leads to its panel, its bus and its stream", () => {
  const alert = rulesOf(plan(EXAMPLE_BUS, { grafanaUrl: "https://grafana.example" })).find(
    (rule) => isAlert(rule) && rule.alert === "NatsStreamIdle",
  );
  const { id } = locatePanel("jetstream/ingest");
  expect(alert && isAlert(alert) ? alert.annotations["dashboard_url"] : "").toBe(
    `https://grafana.example/d/natsbus-jetstream?var-nats_cluster=bus&var-account={{ $labels.account_name | urlquery }}&var-stream={{ $labels.stream_name | urlquery }}&viewPanel=${id}`,
  );
});

test("how loud and how patient each alert is", () => {
  const lines = alertCatalog().map(({ alert, severity, for: wait, labels }) =>
    [alert, labels?.["window"], severity, wait ?? "at once"].filter(Boolean).join(" "),
  );
  expect(lines).toMatchInlineSnapshot(`
    [
      "NatsWatchdog none at once",
      "NatsTargetsAbsent critical 5m",
      "NatsExporterDown warning 2m",
      "NatsHealthzMissing warning 5m",
      "NatsJszMissing warning 5m",
      "NatsCanaryAbsent warning 5m",
      "NatsServerUnreachable warning 3m",
      "NatsQuorumLost critical 30s",
      "NatsNoMetaLeader critical 1m",
      "NatsMetaLeaderDisagreement critical 2m",
      "NatsMetaLeaderFlapping warning at once",
      "NatsClusterDegraded warning 5m",
      "NatsRoutesMissing warning 3m",
      "NatsMetaPeersUnexpected warning 15m",
      "NatsMetaPeerNotCurrent warning 2m",
      "NatsJetStreamDown critical 1m",
      "NatsAssetsNotCurrent warning 10m",
      "NatsServerRestarting warning at once",
      "NatsVersionSkew info 2h",
      "NatsConfigNotApplied warning 15m",
      "NatsCertExpiring warning 1h",
      "NatsCertExpiring critical 1h",
      "NatsCpuSaturated warning 15m",
      "NatsMemoryHigh warning 10m",
      "NatsJetStreamStorage warning 10m",
      "NatsJetStreamStorage critical 5m",
      "NatsJetStreamStorageFillsIn24h warning 1h",
      "NatsJetStreamReservedHigh warning 30m",
      "NatsAccountStorageHigh warning 10m",
      "NatsVolumeLow warning 15m",
      "NatsDiskWait warning 10m",
      "NatsSlowConsumers warning at once",
      "NatsRouteSlowConsumer critical at once",
      "NatsStalledClients warning 10m",
      "NatsConnectionsNearLimit warning 10m",
      "NatsReconnectStorm warning 5m",
      "NatsApiErrorRatio warning 10m",
      "NatsMetaApiBacklog warning 5m",
      "NatsStreamNoLeader critical 1m",
      "NatsStreamAbsent critical 5m",
      "NatsStreamReplicasMissing warning 5m",
      "NatsStreamReplicaLagging warning 5m",
      "NatsStreamPeerNotCurrent warning 5m",
      "NatsStreamNearLimit warning 10m",
      "NatsStreamNearLimit critical 5m",
      "NatsStreamIdle warning 15m",
      "NatsBadAdvisory warning at once",
      "NatsMirrorBehind warning 5m",
      "NatsMirrorInactive warning 5m",
      "NatsSourceBehind warning 5m",
      "NatsSourceInactive warning 5m",
      "NatsConsumerAbsent warning 5m",
      "NatsConsumerBacklog warning 15m",
      "NatsConsumerStalled warning 10m",
      "NatsConsumerAckStalled warning 15m",
      "NatsConsumerAckSaturated warning 5m",
      "NatsConsumerRedeliveries warning 15m",
      "NatsSloAvailabilityBurn 1h critical 2m",
      "NatsSloAvailabilityBurn 6h critical 15m",
      "NatsSloAvailabilityBurn 1d warning 1h",
      "NatsSloAvailabilityBurn 3d warning 3h",
      "NatsSloLatencyBurn 1h critical 2m",
      "NatsSloLatencyBurn 6h critical 15m",
      "NatsSloLatencyBurn 1d warning 1h",
      "NatsSloLatencyBurn 3d warning 3h",
    ]
  `);
});
