import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { labelMatchers, metricNames, quoted, quoteRegex, scopeTo } from "../../../observability/promql.ts";

describe("scopeTo", () => {
  test.each([
    ["up", 'up{nats_cluster="a"}'],
    ['up{job="nats"} == 0', 'up{nats_cluster="a", job="nats"} == 0'],
    ["up{}", 'up{nats_cluster="a"}'],
    ["max by (x) (m) / m", 'max by (x) (m{nats_cluster="a"}) / m{nats_cluster="a"}'],
    ["sum(m) by (nats_cluster)", 'sum(m{nats_cluster="a"}) by (nats_cluster)'],
    [
      "rate(m[5m]) * on (x, y) group_left (team) r:s:t",
      'rate(m{nats_cluster="a"}[5m]) * on (x, y) group_left (team) r:s:t{nats_cluster="a"}',
    ],
    ['m{a="}", b=~"x|y"} > bool 1e9', 'm{nats_cluster="a", a="}", b=~"x|y"} > bool 1e9'],
    ["m offset 5m unless bool_metric", 'm{nats_cluster="a"} offset 5m unless bool_metric{nats_cluster="a"}'],
    ['label_replace(vector(1), "up", "up", "", "")', 'label_replace(vector(1), "up", "up", "", "")'],
    ["kubelet_volume_stats_available_bytes < 0.15", "kubelet_volume_stats_available_bytes < 0.15"],
    ["time() - m", 'time() - m{nats_cluster="a"}'],
  ])("%s", (expr, expected) => {
    expect(scopeTo("a", expr)).toBe(expected);
  });

  test("keeps a name with quotes one string", () => {
    expect(scopeTo('a"b\\', "m")).toBe('m{nats_cluster="a\\"b\\\\"}');
  });
});

describe("metricNames", () => {
  test("are the same before and after narrowing", () => {
    const name = fc.constantFrom("up", "nats_varz_mem", "nats_stream:bytes:max");
    const selector = fc.tuple(name, fc.constantFrom("", '{a="b"}', '{a=~"x{2}", b!="\\""}', "{}")).map((parts) => parts.join(""));
    const expr = fc.letrec<{ any: string }>((tie) => ({
      any: fc.oneof(
        { maxDepth: 3 },
        selector,
        selector.map((text) => `rate(${text}[$__rate_interval])`),
        tie("any").map((text) => `sum by (server_id) (${text})`),
        fc.tuple(tie("any"), fc.constantFrom("and on (x)", "/", "> bool", "unless"), tie("any")).map((parts) => parts.join(" ")),
      ),
    })).any;
    fc.assert(
      fc.property(expr, (text) => {
        expect(metricNames(scopeTo("bus", text))).toEqual(metricNames(text));
      }),
    );
  });

  test("leave out functions, operators, labels and strings", () => {
    expect(metricNames('count by (value) (a{x="nope"} == bool 1) or 0 * clamp_min(b, 1e3) and on (c) d[5m:1m] offset 1h')).toEqual([
      "a",
      "b",
      "d",
    ]);
  });
});

test("labelMatchers pair each label with its metric", () => {
  expect(labelMatchers('a{x="1", y=~"z=2"} / on (q) b')).toEqual([
    { metric: "a", label: "x" },
    { metric: "a", label: "y" },
  ]);
});

test("a quoted name matches itself alone", () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), (name, other) => {
      expect(new RegExp(`^(?:${quoteRegex(name)})$`, "s").test(other)).toBe(name === other);
      expect(JSON.parse(quoted(name))).toBe(name);
    }),
  );
});
