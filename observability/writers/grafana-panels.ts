/** Panels in Grafana's own form. */
import { PanelBuilder as BarGauge } from "@grafana/grafana-foundation-sdk/bargauge";
import { TooltipDisplayMode, VizLegendOptionsBuilder, VizTooltipOptionsBuilder } from "@grafana/grafana-foundation-sdk/common";
import {
  type GridPos,
  MappingType,
  type Panel as PanelJson,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMap,
} from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as Heatmap } from "@grafana/grafana-foundation-sdk/heatmap";
import { DataqueryBuilder, PromQueryFormat } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as Stat } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as StateTimeline } from "@grafana/grafana-foundation-sdk/statetimeline";
import { PanelBuilder as Table } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as TimeSeries } from "@grafana/grafana-foundation-sdk/timeseries";
import type { PanelKind } from "../dashboards/board.ts";
import type { Panel } from "../dashboards/plan.ts";

/** The data source that the reader chooses at the top of the board. */
export const DATASOURCE = { type: "prometheus", uid: "$datasource" } as const;

type Builder = Stat | TimeSeries | Table | StateTimeline | Heatmap | BarGauge;

const BUILDERS: Readonly<Record<PanelKind, () => Builder>> = {
  stat: () => new Stat(),
  lines: () =>
    new TimeSeries()
      .legend(new VizLegendOptionsBuilder().showLegend(true))
      .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
      .fillOpacity(5),
  table: () => new Table(),
  states: () => new StateTimeline(),
  heatmap: () => new Heatmap(),
  bars: () => new BarGauge(),
};

/** A planned panel at its place. */
export function panelJson(panel: Panel, gridPos: GridPos): PanelJson {
  const builder = BUILDERS[panel.kind]();
  builder.id(panel.id).title(panel.title).description(panel.description).datasource(DATASOURCE).gridPos(gridPos).unit(panel.unit);
  for (const index of panel.queries.keys()) builder.withTarget(target(panel, index));
  if (panel.limits !== undefined) builder.thresholds(thresholds(panel.limits));
  if (panel.words !== undefined) builder.mappings([valueMap(panel.words)]);
  if (panel.kind === "table") builder.transformations(tableTransformations(panel));
  if (panel.mayBeEmpty !== undefined) builder.noValue(`none: ${panel.mayBeEmpty}`);
  return builder.build();
}

function refId(index: number): string {
  return String.fromCharCode("A".charCodeAt(0) + index);
}

function target(panel: Panel, index: number): DataqueryBuilder {
  const { expr = "", legend = "" } = panel.queries[index] ?? {};
  const query = new DataqueryBuilder().expr(expr).refId(refId(index)).datasource(DATASOURCE);
  if (panel.kind === "table") return query.instant().format(PromQueryFormat.Table);
  if (panel.kind === "heatmap") return query.range().format(PromQueryFormat.Heatmap).legendFormat(legend);
  return (panel.kind === "stat" || panel.kind === "bars" ? query.instant() : query.range()).legendFormat(legend);
}

function thresholds({ at, isBad }: NonNullable<Panel["limits"]>): ThresholdsConfigBuilder {
  const [below, above] = isBad ? ["green", "red"] : ["red", "green"];
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps([
    { value: null, color: below },
    { value: at, color: above },
  ]);
}

function valueMap(words: Readonly<Record<string, string>>): ValueMap {
  const options = Object.entries(words).map(([value, text]) => [value, { text, color: value === "0" ? "red" : "green" }] as const);
  return { type: MappingType.ValueToText, options: Object.fromEntries(options) };
}

function tableTransformations({ queries }: Panel): { id: string; options: Record<string, unknown> }[] {
  // One query has the column "Value", several have "Value #A", "Value #B".
  const column = (index: number): string => (queries.length === 1 ? "Value" : `Value #${refId(index)}`);
  const renameByName = Object.fromEntries(queries.map(({ legend }, index) => [column(index), legend]));
  const hidden = ["Time", "__name__", "nats_cluster", "service", "alertstate"];
  return [
    { id: "merge", options: {} },
    { id: "organize", options: { renameByName, excludeByName: Object.fromEntries(hidden.map((name) => [name, true])) } },
  ];
}
