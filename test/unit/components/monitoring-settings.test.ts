/** What a stack file says about watching arrives in rules, routes and the probe; what leads nowhere is refused. */
import { describe, expect, test } from "vitest";
import { ACCOUNTS } from "../../../accounts/catalog.ts";
import { monitoringChoices, monitoringFacts } from "../../../components/monitoring.ts";
import { planMonitoring } from "../../../components/process/monitoring/inputs.ts";
import { planAction, planFiles, planWatchers } from "../../../components/process/monitoring/plan.ts";
import { resolveBus } from "../../../components/resolve.ts";
import { catalog } from "../../../streams/catalog.ts";

const CONTEXT = { stack: "dev", project: "natsbus" };

function resolve(monitoring: object) {
  return resolveBus({ "natsbus:monitoring": JSON.stringify(monitoring) }, CONTEXT, { streams: catalog, accounts: ACCOUNTS });
}

const WATCHED = {
  enabled: true,
  thresholds: { cpu: 0.5, certificateWarning: "30d" },
  streams: { SECURITY: { team: "soc", expectTraffic: true, backlogLimits: { "security-worker": 7 } } },
  alerting: { receivers: [{ name: "pager", pagerduty: { routingKey: { file: "/etc/key" } } }], critical: "pager", teams: { soc: "pager" } },
};

describe("a watched bus", () => {
  const bus = resolve(WATCHED);
  const inputs = planMonitoring(bus, ".natsbus/dev/creds/canary.creds");

  test("has a canary: a small stream, and a user that may do nothing else", () => {
    expect(bus.streams.streams.map(({ spec }) => spec.name)).toContain("NATSBUS_CANARY");
    const account = bus.accounts.find(({ name }) => name === "BUS");
    expect(Object.keys(account?.users ?? {})).toContain("canary");
    expect(JSON.stringify(account?.roles["canary"])).not.toContain("consciousness");
    expect(resolve({}).streams.streams.map(({ spec }) => spec.name)).not.toContain("NATSBUS_CANARY");
  });

  test("passes teams, limits and thresholds on", () => {
    const security = monitoringFacts(bus).streams.find(({ name }) => name === "SECURITY");
    expect(security).toMatchObject({ team: "soc", expectTraffic: true, consumers: [{ name: "security-worker", backlogLimit: 7 }] });
    expect(monitoringChoices(bus).thresholds).toMatchObject({ cpu: 0.5, memory: 0.85, certificateWarningSeconds: 2_592_000 });
    const files = new Map(planFiles(inputs).map(({ path, content }) => [path, content]));
    expect(files.get("prometheus/rules.yml")).toContain('nats_server:cpu:ratio{nats_cluster="natsbus-dev"} > 0.5');
    expect(files.get("alertmanager/alertmanager.yml")).toContain("routing_key_file: /etc/key");
    expect(files.get("prometheus/targets/nats.yml")).toContain("/servers/n3/metrics");
    expect(files.get("probe/probe.json")).toContain('"inboxPrefix": "_INBOX_canary"');
  });

  test("starts, reloads and restarts what has to be", () => {
    const [alertmanager, probe, prometheus] = planWatchers(inputs, "/usr/bin/node");
    if (alertmanager === undefined || probe === undefined || prometheus === undefined) throw new Error("three are planned");
    const running = { program: "/usr/bin/x", stale: false };
    expect(planAction(prometheus, { ...running, args: prometheus.args })).toBe("none");
    expect(planAction(prometheus, { ...running, args: prometheus.args, stale: true })).toBe("reload");
    expect(planAction(probe, { ...running, args: probe.args, stale: true })).toBe("restart");
    expect(planAction(alertmanager, { ...running, args: ["--other"] })).toBe("restart");
    expect(planAction(alertmanager, running)).toBe("start");
    expect(planAction(alertmanager, { stale: true })).toBe("missing");
  });
});

test.each<[string, object, string]>([
  ["a stream that is not declared", { streams: { SECURTY: {} } }, "did you mean SECURITY?"],
  [
    "a consumer that is not declared",
    { streams: { SECURITY: { backlogLimits: { "security-wrker": 5 } } } },
    "did you mean security-worker?",
  ],
  ["a receiver that does not exist", { alerting: { critical: "pager" } }, 'receiver "pager" does not exist'],
  ["two listeners on one port", { enabled: true, ports: { probe: 4222 } }, "4222"],
])("%s is refused", (_what, monitoring, message) => {
  expect(() => resolve(monitoring)).toThrow(message);
});
