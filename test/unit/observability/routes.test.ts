import { describe, expect, test } from "vitest";
import { isBusError } from "../../../core/errors.ts";
import { planAlerting } from "../../../observability/routes.ts";
import type { AlertRouting } from "../../../observability/routing-options.ts";
import { alertCatalog } from "../../../observability/rules/plan.ts";
import { alertmanagerConfig, alertmanagerConfigSpec } from "../../../observability/writers/alerting.ts";
import { everyReceiver } from "./receivers.ts";

const inFiles = everyReceiver((name) => ({ file: `/etc/natsbus/${name}` }));
const inSecrets = everyReceiver((name) => ({ secret: "alerting", key: name }));

function problemsOf(routing: AlertRouting): string[] {
  try {
    planAlerting(routing);
    return [];
  } catch (error) {
    if (!isBusError(error)) throw error;
    return error.problems.map(({ path, message }) => `${path}: ${message}`);
  }
}

describe("routing", () => {
  test("without receivers tells nobody, and is complete", () => {
    const plan = planAlerting(undefined);
    expect(plan.receivers.map(({ name }) => name)).toEqual(["nobody"]);
    expect(new Set(plan.routes.map(({ receiver }) => receiver))).toEqual(new Set(["nobody"]));
  });

  test.each<[string, AlertRouting, string]>([
    [
      "an unknown receiver",
      { receivers: [{ name: "a" }], critical: "b" },
      'monitoring.alerting.critical: receiver "b" does not exist; there are a',
    ],
    [
      "an unknown receiver of a team",
      { receivers: [], teams: { shop: "x" } },
      'monitoring.alerting.teams.shop: receiver "x" does not exist; there are none',
    ],
    ["a name twice", { receivers: [{ name: "a" }, { name: "a" }] }, 'monitoring.alerting.receivers[1].name: the name "a" is already taken'],
    ["the reserved name", { receivers: [{ name: "nobody" }] }, 'monitoring.alerting.receivers[0].name: the name "nobody" is already taken'],
    [
      "a webhook without address",
      { receivers: [{ name: "a", webhook: {} }] },
      'monitoring.alerting.receivers[0].webhook: webhook of receiver "a" needs exactly one of url and urlFrom',
    ],
  ])("refuses %s", (_what, routing, problem) => {
    expect(problemsOf(routing)).toEqual([problem]);
  });

  test.each<[string, NonNullable<AlertRouting["muteTimes"]>[number], boolean]>([
    ["days and ranges", { name: "m", weekdays: ["monday:friday", "sunday", "sunday:saturday"] }, true],
    ["a range across the week's end", { name: "m", weekdays: ["saturday:sunday"] }, false],
    ["no day at all", { name: "m", weekdays: ["someday"] }, false],
    ["three days in a row of colons", { name: "m", weekdays: ["monday:tuesday:friday"] }, false],
    ["a whole day", { name: "m", times: [{ start: "00:00", end: "24:00" }] }, true],
    ["a night in one piece", { name: "m", times: [{ start: "22:00", end: "06:00" }] }, false],
    ["an hour that does not exist", { name: "m", times: [{ start: "08:00", end: "25:00" }] }, false],
  ])("judges a mute time of %s", (_what, muteTime, fine) => {
    expect(problemsOf({ receivers: [], muteTimes: [muteTime] }).length).toBe(fine ? 0 : 1);
  });

  test("reports all problems at once", () => {
    expect(problemsOf({ receivers: [{ name: "nobody" }], critical: "x", warning: "y" })).toHaveLength(3);
  });
});

describe("inhibitions", () => {
  const names = alertCatalog().map(({ alert }) => alert);
  const { inhibitions } = planAlerting(undefined);

  test("name alerts that exist, on both sides, and never the alert itself at the same severity", () => {
    for (const { source, target } of inhibitions) {
      for (const { name, value } of [...source, ...target]) {
        if (name !== "alertname") continue;
        for (const part of value.split("|"))
          expect(
            names.some((alert) => new RegExp(`^(?:${part})$`).test(alert)),
            part,
          ).toBe(true);
      }
      const [said] = source.filter(({ name }) => name === "alertname");
      const [muted] = target.filter(({ name }) => name === "alertname");
      if (said && muted) expect(new RegExp(`^(?:${muted.value})$`).test(said.value), said.value).toBe(false);
    }
  });

  test("stay within one bus", () => {
    for (const { equal } of inhibitions) expect(equal).toContain("nats_cluster");
  });

  test("never silence the heartbeat or the end of certificates", () => {
    for (const { target } of inhibitions) {
      const named = target.find(({ name }) => name === "alertname");
      if (named)
        for (const alert of ["NatsWatchdog", "NatsCertExpiring", "NatsTargetsAbsent"])
          expect(new RegExp(`^(?:${named.value})$`).test(alert)).toBe(false);
    }
  });
});

describe("secrets", () => {
  test("are files in Alertmanager's own file", () => {
    const text = JSON.stringify(alertmanagerConfig(planAlerting(inFiles)));
    for (const field of ["routing_key_file", "api_url_file", "auth_password_file", "credentials_file"])
      expect(text).toContain(`"${field}":"/etc/natsbus/`);
    expect(() => alertmanagerConfig(planAlerting(inSecrets))).toThrow(/cannot read Secret "alerting"/);
  });

  test("are references in an AlertmanagerConfig", () => {
    const text = JSON.stringify(alertmanagerConfigSpec(planAlerting(inSecrets)));
    for (const field of ["routingKey", "apiURL", "authPassword", "credentials"])
      expect(text).toContain(`"${field}":{"name":"alerting","key":`);
    expect(() => alertmanagerConfigSpec(planAlerting(inFiles))).toThrow(/cannot read the file/);
  });
});

test("an AlertmanagerConfig spells everything as the operator does", () => {
  const spec = alertmanagerConfigSpec(planAlerting(inSecrets));
  const keys = new Set([...JSON.stringify(spec).matchAll(/"(\w+)":/g)].map(([, key = ""]) => key));
  expect([...keys].filter((key) => key.includes("_"))).toEqual([]);
  expect([...keys].sort()).toMatchInlineSnapshot(`
    [
      "apiURL",
      "authPassword",
      "authUsername",
      "authorization",
      "channel",
      "continue",
      "credentials",
      "description",
      "emailConfigs",
      "endTime",
      "equal",
      "from",
      "groupBy",
      "groupInterval",
      "groupWait",
      "httpConfig",
      "inhibitRules",
      "key",
      "matchType",
      "matchers",
      "muteTimeIntervals",
      "name",
      "pagerdutyConfigs",
      "receiver",
      "receivers",
      "repeatInterval",
      "requireTLS",
      "route",
      "routes",
      "routingKey",
      "sendResolved",
      "severity",
      "slackConfigs",
      "smarthost",
      "sourceMatch",
      "startTime",
      "targetMatch",
      "text",
      "timeIntervals",
      "times",
      "title",
      "to",
      "type",
      "url",
      "value",
      "webhookConfigs",
      "weekdays",
    ]
  `);
});
