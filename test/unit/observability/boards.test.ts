import * as units from "@grafana/grafana-foundation-sdk/units";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { PANEL_IDS } from "../../../observability/dashboards/panels.ts";
import { planBoards } from "../../../observability/dashboards/plan.ts";
import { resolveMonitoringOptions } from "../../../observability/options.ts";
import { metricNames } from "../../../observability/promql.ts";
import { boardJson } from "../../../observability/writers/grafana.ts";
import { anyBus, anyOptions } from "./arbitrary-bus.ts";
import { EVERY_OPTION, EXAMPLE_BUS, SMALLEST_BUS } from "./example-bus.ts";

const boards = planBoards(EXAMPLE_BUS, resolveMonitoringOptions(EVERY_OPTION));
const panels = boards.flatMap(({ rows }) => rows.flatMap((row) => row.panels));

describe("boards", () => {
  test("are five, with uids that links can rely on", () => {
    expect(boards.map(({ uid }) => uid)).toEqual([
      "natsbus-cluster",
      "natsbus-jetstream",
      "natsbus-consumers",
      "natsbus-accounts",
      "natsbus-slo",
    ]);
  });

  test("use every panel id there is, once", () => {
    expect(panels.map(({ key }) => key).sort()).toEqual(Object.keys(PANEL_IDS).sort());
    for (const { rows } of boards) {
      const ids = rows.flatMap((row) => row.panels.map(({ id }) => id));
      expect(new Set(ids).size).toBe(ids.length);
    }
  });

  test("explain every panel and give it a unit Grafana knows", () => {
    const known = new Set<unknown>(Object.values(units));
    for (const { title, description, unit } of panels) {
      expect(description.length, title).toBeGreaterThan(15);
      expect(known.has(unit), `${title}: ${unit}`).toBe(true);
    }
  });

  test("draw raw counters only as rates, over the interval Grafana chooses", () => {
    const counters =
      /^nats_(varz_(in|out)_|varz_slow_|varz_stalled|varz_total_|varz_jetstream_stats_api|varz_disk_io_wait_stats_wait|accstatz_(sent|received|slow)|client_)/;
    for (const { expr } of panels.flatMap(({ queries }) => queries)) {
      for (const name of metricNames(expr).filter((metric) => counters.test(metric))) {
        expect(expr).toMatch(new RegExp(`rate\\(${name}\\{[^}]*\\}\\[\\$__rate_interval\\]\\)`));
      }
    }
  });
});

describe("as Grafana reads them", () => {
  test("every bus and choice gives complete boards without overlaps", () => {
    fc.assert(
      fc.property(anyBus, anyOptions, (facts, options) => {
        for (const { panels: placed = [], uid } of planBoards(facts, resolveMonitoringOptions(options)).map(boardJson)) {
          expect(uid?.length).toBeLessThanOrEqual(40);
          const cells = placed.flatMap(({ gridPos }) => {
            const { x, y, w, h } = gridPos ?? { x: -1, y: -1, w: 0, h: 0 };
            expect(x >= 0 && w > 0 && x + w <= 24).toBe(true);
            return Array.from({ length: w * h }, (_, index) => `${x + (index % w)},${y + Math.floor(index / w)}`);
          });
          expect(new Set(cells).size).toBe(cells.length);
          const ids = placed.map(({ id }) => id);
          expect(ids.every((id) => id !== undefined && id > 0)).toBe(true);
          expect(new Set(ids).size).toBe(ids.length);
        }
      }),
      { numRuns: 25 },
    );
  });

  test("every query goes to the chosen data source and bus", () => {
    for (const { panels: placed = [] } of boards.map(boardJson)) {
      for (const panel of placed) {
        if (!("targets" in panel) || panel.type === "row") continue;
        expect(panel.datasource).toEqual({ type: "prometheus", uid: "$datasource" });
        const targets = panel.targets as unknown as readonly { expr: string; refId: string }[];
        expect(targets.length).toBeGreaterThan(0);
        expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
        for (const { expr } of targets) if (!expr.startsWith("kubelet_")) expect(expr).toContain('nats_cluster="$nats_cluster"');
      }
    }
  });

  test("a board fits into a ConfigMap many times over", () => {
    for (const board of boards.map(boardJson)) expect(JSON.stringify(board, null, 2).length).toBeLessThan(200_000);
  });

  test("tables name their columns", () => {
    const table = boards
      .map(boardJson)
      .flatMap(({ panels: placed = [] }) => placed)
      .find((panel) => panel.type === "table" && panel.title === "Streams");
    expect(JSON.stringify(table)).toContain('"Value #A":"Consumers"');
  });

  test("a small bus has smaller boards", () => {
    const small = planBoards(SMALLEST_BUS, resolveMonitoringOptions({ probe: false }));
    const keys = small.flatMap(({ rows }) => rows.flatMap((row) => row.panels.map(({ key }) => key)));
    for (const gone of ["cluster/meta-leader", "cluster/routes", "jetstream/lag", "jetstream/mirrors", "slo/heatmap", "cluster/disk"])
      expect(keys).not.toContain(gone);
    expect(keys).toContain("slo/server-side");
  });
});
