/** Boards in Grafana's own form, complete: ids, places, variables, links and annotations. */
import {
  AnnotationQueryBuilder,
  type Dashboard,
  DashboardBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  type GridPos,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
} from "@grafana/grafana-foundation-sdk/dashboard";
import type { VariableName } from "../dashboards/board.ts";
import type { Board, Panel } from "../dashboards/plan.ts";
import { scopeTo } from "../promql.ts";
import { DATASOURCE, panelJson } from "./grafana-panels.ts";

/** Ids of row headings; far above those of panels. */
const FIRST_ROW_ID = 1001;
const COLUMNS = 24;
const TAG = "natsbus";

/** What each choice lists; later ones are narrowed by earlier ones. */
const VARIABLE_QUERIES: Readonly<Record<VariableName, string>> = {
  account: 'label_values(nats_accstatz_current_connections{nats_cluster="$nats_cluster"}, account_name)',
  stream: 'label_values(nats_stream:last_seq:max{nats_cluster="$nats_cluster", account_name=~"$account"}, stream_name)',
  consumer:
    'label_values(nats_consumer:ack_pending:max{nats_cluster="$nats_cluster", account_name=~"$account", stream_name=~"$stream"}, consumer_name)',
};

/** A board as Grafana stores it; the panel ids are those of the plan. */
export function boardJson(board: Board): Dashboard {
  const dashboard = new DashboardBuilder(board.title)
    .uid(board.uid)
    .description(board.description)
    .tags([TAG])
    .time({ from: "now-6h", to: "now" })
    .refresh("30s")
    .withVariable(new DatasourceVariableBuilder("datasource").label("Data source").type("prometheus"))
    .withVariable(variable("nats_cluster", "Bus", "label_values(nats_cluster:servers_expected:count, nats_cluster)"));
  for (const name of board.variables) {
    dashboard.withVariable(
      variable(name, name.charAt(0).toUpperCase() + name.slice(1), VARIABLE_QUERIES[name])
        .multi(true)
        .includeAll(true)
        .allValue(".*"),
    );
  }
  for (const { name, expr, color } of ANNOTATIONS) {
    dashboard.annotation(
      new AnnotationQueryBuilder().name(name).datasource(DATASOURCE).enable(true).iconColor(color).expr(scopeTo("$nats_cluster", expr)),
    );
  }
  dashboard.annotation(deployAnnotation());
  dashboard.link(
    new DashboardLinkBuilder("Bus boards")
      .type(DashboardLinkType.Dashboards)
      .tags([TAG])
      .includeVars(true)
      .keepTime(true)
      .asDropdown(false),
  );
  const built = dashboard.build();
  return { ...built, panels: placed(board) };
}

const ANNOTATIONS = [
  { name: "Server restarts", expr: "changes(nats_server:start:seconds[1m]) > 0", color: "orange" },
  { name: "Critical alerts", expr: 'ALERTS{alertstate="firing", service="nats", severity="critical"}', color: "red" },
] as const;

// Whoever deploys may post an annotation with this tag to Grafana.
function deployAnnotation(): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name("Deployments")
    .datasource({ type: "grafana", uid: "-- Grafana --" })
    .enable(true)
    .iconColor("blue")
    .target({ build: () => ({ limit: 100, matchAny: false, tags: [TAG], type: "tags", _implementsDataqueryVariant: () => {} }) });
}

function variable(name: string, label: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name).label(label).datasource(DATASOURCE).query(query).refresh(VariableRefresh.OnTimeRangeChanged);
}

function placed(board: Board): NonNullable<Dashboard["panels"]> {
  let y = 0;
  return board.rows.flatMap(({ title, panels }, index) => {
    const heading = new RowBuilder(title)
      .id(FIRST_ROW_ID + index)
      .gridPos({ x: 0, y, w: COLUMNS, h: 1 })
      .build();
    const { places, end } = layOut(panels, y + 1);
    y = end;
    return [heading, ...panels.map((panel, at) => panelJson(panel, places[at] ?? { x: 0, y, w: panel.width, h: heightOf(panel) }))];
  });
}

function heightOf(panel: Panel): number {
  return panel.height ?? (panel.kind === "stat" ? 4 : 8);
}

/** Places left to right; a panel that does not fit begins a new line below the highest one so far. */
export function layOut(panels: readonly Panel[], top: number): { readonly places: GridPos[]; readonly end: number } {
  let [x, y, lineHeight] = [0, top, 0];
  const places = panels.map((panel) => {
    if (x + panel.width > COLUMNS) [x, y, lineHeight] = [0, y + lineHeight, 0];
    const place = { x, y, w: panel.width, h: heightOf(panel) };
    x += panel.width;
    lineHeight = Math.max(lineHeight, place.h);
    return place;
  });
  return { places, end: y + lineHeight };
}
