/** The boards of one bus: what applies, narrowed to the bus the reader chooses. */
import type { BusFacts } from "../facts.ts";
import type { ResolvedMonitoringOptions } from "../options.ts";
import { scopeTo } from "../promql.ts";
import { ACCOUNTS_BOARD } from "./accounts.ts";
import type { BoardSpec, PanelSpec } from "./board.ts";
import { CLUSTER_BOARD } from "./cluster.ts";
import { CONSUMERS_BOARD } from "./consumers.ts";
import { JETSTREAM_BOARD } from "./jetstream.ts";
import { PANEL_IDS } from "./panels.ts";
import { SLO_BOARD } from "./slo.ts";

const BOARDS: readonly BoardSpec[] = [CLUSTER_BOARD, JETSTREAM_BOARD, CONSUMERS_BOARD, ACCOUNTS_BOARD, SLO_BOARD];

/** A query with its final expression. */
interface Query {
  /** Expression with Grafana's variables in it. */
  readonly expr: string;
  /** Legend or column title. */
  readonly legend: string;
}

/** A panel that applies, with its id and place. */
export interface Panel extends Omit<PanelSpec, "queries" | "applies"> {
  /** Id within the board. */
  readonly id: number;
  /** Queries that apply. */
  readonly queries: readonly Query[];
}

/** A board with the panels that apply. */
export interface Board extends Omit<BoardSpec, "rows"> {
  /** Address of the board within a Grafana. */
  readonly uid: string;
  /** Parts that hold at least one panel. */
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[];
}

/** The five boards. */
export function planBoards(facts: BusFacts, options: ResolvedMonitoringOptions): Board[] {
  const applies = (spec: { readonly applies?: PanelSpec["applies"] }): boolean => spec.applies?.(facts, options) ?? true;
  return BOARDS.map((board) => ({
    ...board,
    uid: `${options.boardUidPrefix}-${board.name}`,
    rows: board.rows
      .map(({ title, panels }) => ({ title, panels: panels.filter(applies).map((panel) => planPanel(panel, { facts, options, applies })) }))
      .filter(({ panels }) => panels.length > 0),
  }));
}

interface Context {
  readonly facts: BusFacts;
  readonly options: ResolvedMonitoringOptions;
  readonly applies: (spec: { readonly applies?: PanelSpec["applies"] }) => boolean;
}

function planPanel(spec: PanelSpec, { facts, options, applies }: Context): Panel {
  const { applies: _condition, queries, ...rest } = spec;
  return {
    ...rest,
    id: PANEL_IDS[spec.key],
    queries: queries.filter(applies).map(({ expr, legend }) => ({
      expr: scopeTo("$nats_cluster", typeof expr === "string" ? expr : expr(facts, options)),
      legend,
    })),
  };
}
