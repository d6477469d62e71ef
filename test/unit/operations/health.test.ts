/** The verdicts of the health checks, and the words they are told in. */
import { describe, expect, test } from "vitest";
import {
  DEFAULT_LIMITS,
  judgeConnection,
  judgeConsumer,
  judgeCredential,
  judgeJetStream,
  judgeMeta,
  judgeStream,
} from "../../../operations/health/judge.ts";
import { exitCodeOf, type HealthResult, renderNagios, renderText, unknown } from "../../../operations/health/result.ts";
import type { ConsumerSeen, PeerSeen, StreamSeen } from "../../../operations/health/seen.ts";
import { healthFiles } from "../../../operations/health/timer.ts";

const peer = (name: string, change: Partial<PeerSeen> = {}): PeerSeen => ({
  name,
  current: true,
  offline: false,
  lag: 0,
  activeSeconds: 0.5,
  ...change,
});
const stream = (change: Partial<StreamSeen> = {}): StreamSeen => ({
  ...{ name: "ORDERS", messages: 5, bytes: 500, replicas: 3, origins: [] },
  group: { leader: "n1", peers: [peer("n2"), peer("n3")] },
  ...change,
});
const consumer = (change: Partial<ConsumerSeen> = {}): ConsumerSeen => ({
  ...{ stream: "ORDERS", name: "worker", leader: "n1", clustered: true, pending: 0, ackPending: 0, maxAckPending: 100, redelivered: 0 },
  ...change,
});
const USED = { streams: 1, consumers: 0, memory: 0, maxMemory: -1, storage: 0, maxStorage: 100 };
const said = ({ state, messages }: HealthResult): string => `${state}: ${messages.join(", ")}`;

describe("a verdict", () => {
  test.each<[string, HealthResult, string]>([
    ["quick", judgeConnection({ connect: 0.01, rtt: 0.001, request: 0.002 }, DEFAULT_LIMITS), "OK: connects and answers"],
    [
      "slow",
      judgeConnection({ connect: 0.6, rtt: 0.001, request: 1 }, DEFAULT_LIMITS),
      "CRITICAL: connect is 0.6s, at or over 0.5s, request is 1s, at or over 1s",
    ],
    ["whole", judgeMeta({ leader: "n1", peers: [peer("n2"), peer("n3")] }, 3, DEFAULT_LIMITS), "OK: 3 peers led by n1"],
    ["without leader", judgeMeta({ peers: [] }, 3, DEFAULT_LIMITS), "CRITICAL: no leader"],
    ["one too few", judgeMeta({ leader: "n1", peers: [peer("n2")] }, 3, DEFAULT_LIMITS), "CRITICAL: 2 peers of expected 3"],
    [
      "one gone",
      judgeMeta({ leader: "n1", peers: [peer("n2"), peer("n3", { current: false, offline: true, activeSeconds: 60 })] }, 3, DEFAULT_LIMITS),
      "CRITICAL: peer_offline is 1, at or over 1, peer_not_current is 1, at or over 1, peer_inactive is 1, at or over 1",
    ],
    [
      "nearly full",
      judgeJetStream({ ...USED, storage: 80 }, { found: [stream()], silent: [] }, DEFAULT_LIMITS),
      "WARNING: store_pct is 80%, at or over 75%",
    ],
    [
      "copies in trouble",
      judgeJetStream(
        USED,
        {
          found: [
            stream(),
            stream({ replicas: 1, group: { peers: [] } }),
            stream({ group: { peers: [peer("n2"), peer("n3")] } }),
            stream({ group: { leader: "n1", peers: [peer("n2")] } }),
            stream({ group: { leader: "n1", peers: [peer("n2", { activeSeconds: 6 }), peer("n3", { lag: 201 })] } }),
            stream({ group: { leader: "n1", peers: [peer("n2", { offline: true }), peer("n3")] } }),
          ],
          silent: ["AWAY"],
        },
        DEFAULT_LIMITS,
      ),
      "CRITICAL: replicas_no_leader is 1, at or over 1, replicas_missing_replicas is 1, at or over 1, replicas_lagged is 1, at or over 1, replicas_not_seen is 1, at or over 1, replicas_fail is 2, at or over 1",
    ],
    ["whole stream", judgeStream(stream(), DEFAULT_LIMITS), "OK: 3 copies, 5 messages"],
    ["stream without leader", judgeStream(stream({ group: { peers: [peer("n2"), peer("n3")] } }), DEFAULT_LIMITS), "CRITICAL: no leader"],
    ["copy missing", judgeStream(stream({ group: { leader: "n1", peers: [peer("n2")] } }), DEFAULT_LIMITS), "CRITICAL: 2 of 3 copies"],
    [
      "copy behind",
      judgeStream(stream({ group: { leader: "n1", peers: [peer("n2", { lag: 201 }), peer("n3")] } }), DEFAULT_LIMITS),
      "CRITICAL: copy on n2 is 201 entries behind",
    ],
    [
      "origin ahead",
      judgeStream(stream({ origins: [{ name: "A", lag: 20_000, activeSeconds: 1 }] }), DEFAULT_LIMITS),
      "CRITICAL: 20000 messages behind A",
    ],
    ["origin never heard", judgeStream(stream({ origins: [{ name: "A", lag: 0 }] }), DEFAULT_LIMITS), "CRITICAL: A was never heard"],
    ["full where that refuses", judgeStream(stream({ fill: 0.9 }), DEFAULT_LIMITS), "WARNING: limit_pct is 90%, at or over 85%"],
    [
      "lone server",
      judgeStream({ ...stream({ replicas: 1 }), group: undefined } as unknown as StreamSeen, DEFAULT_LIMITS),
      "OK: 1 copies, 5 messages",
    ],
    ["saturated", judgeConsumer(consumer({ ackPending: 95 }), DEFAULT_LIMITS), "CRITICAL: outstanding_ack is 95, at or over 95"],
    ["behind", judgeConsumer(consumer({ pending: 20, backlogLimit: 20 }), DEFAULT_LIMITS), "CRITICAL: unprocessed is 20, at or over 20"],
    ["for ever", judgeCredential({ name: "a" }, new Date(), DEFAULT_LIMITS), "OK: good for ever"],
    ["over", judgeCredential({ name: "a", expiresAt: 1_000 }, new Date(1_000_000), DEFAULT_LIMITS), "CRITICAL: expired"],
  ])("%s", (_what, result, expected) => {
    expect(said(result)).toBe(expected);
  });
});

test("the worst result decides the exit code", () => {
  const [ok, warning, critical, none] = [
    judgeStream(stream(), DEFAULT_LIMITS),
    judgeStream(stream({ fill: 0.9 }), DEFAULT_LIMITS),
    judgeStream(stream({ fill: 1 }), DEFAULT_LIMITS),
    unknown("meta", "", "nobody may ask"),
  ];
  expect([[ok], [ok, warning], [warning, critical, none], [ok, none], []].map((results) => exitCodeOf(results))).toEqual([0, 1, 2, 3, 0]);
});

test("a line for Nagios holds figures with their limits, and no message can break it", () => {
  expect(renderNagios([judgeConsumer(consumer({ pending: 3, backlogLimit: 10 }), DEFAULT_LIMITS)])).toBe(
    "consumer ORDERS > worker OK: 3 messages wait | outstanding_ack=0;;95 unprocessed=3;;10 redelivered=0;;\n",
  );
  expect(renderNagios([unknown("meta", "", "a|b\nc")])).toBe("meta UNKNOWN: a b c\n");
  expect(renderText([unknown("meta", "", "nobody")])).toBe("UNKNOWN  meta\n         nobody\n");
});

test("hosts get a timer and a cron line that say where and as whom", () => {
  const files = healthFiles({ stack: "prod", project: "/srv/bus", program: "/srv/bus/cli/natsbus.js", user: "natsbus" });
  expect(files.map(({ path }) => path)).toEqual([
    "cron.d/natsbus-health-prod",
    "systemd/system/natsbus-health-prod.service",
    "systemd/system/natsbus-health-prod.timer",
  ]);
  expect(files[0]?.content).toBe(
    '*/5 * * * * natsbus cd /srv/bus && out=$(/srv/bus/cli/natsbus.js verify --health --stack prod --nagios 2>&1) || echo "$out"\n',
  );
  expect(files[1]?.content).toContain("ExecStart=/srv/bus/cli/natsbus.js verify --health --stack prod --nagios");
  expect(files[2]?.content).toContain("OnUnitActiveSec=5min");
});
