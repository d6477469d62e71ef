/** What a board is, free of Grafana's file format. */
import type { Applies, Expression } from "../model.ts";
import type { BoardName, PanelKey } from "./panels.ts";

/** How a panel draws its series. */
export type PanelKind = "stat" | "lines" | "table" | "states" | "heatmap" | "bars";

/** One query of a panel. Selectors are narrowed to the chosen bus later. */
export interface QuerySpec {
  /** The expression; `$account`, `$stream`, `$consumer` and `$__rate_interval` may be used. */
  readonly expr: Expression;
  /** Legend, or the column's title in a table. */
  readonly legend: string;
  /** When the query is asked.
   * @default - always */
  readonly applies?: Applies;
}

/** A panel. */
export interface PanelSpec {
  /** Its place in links. */
  readonly key: PanelKey;
  /** Heading. */
  readonly title: string;
  /** What it tells, for the reader who sees it for the first time. */
  readonly description: string;
  /** How it draws. */
  readonly kind: PanelKind;
  /** Grafana's name of the unit. */
  readonly unit: string;
  /** Width in 24ths of the page. */
  readonly width: number;
  /** The queries. */
  readonly queries: readonly QuerySpec[];
  /** Height in rows of 30 pixels.
   * @default 8, 4 for a stat */
  readonly height?: number;
  /** Values from which the colour changes, rising; below the first it is the opposite colour.
   * @default - no colours */
  readonly limits?: { readonly at: number; readonly isBad: boolean };
  /** Words for values.
   * @default - the plain number */
  readonly words?: Readonly<Record<string, string>>;
  /** Why the panel can have no data on a healthy bus.
   * @default - it always has data */
  readonly mayBeEmpty?: string;
  /** When it is on the board.
   * @default - always */
  readonly applies?: Applies;
}

/** A headed part of a board. */
export interface RowSpec {
  /** Heading. */
  readonly title: string;
  /** Panels, left to right, line by line. */
  readonly panels: readonly PanelSpec[];
}

/** What the reader chooses at the top of a board, beside the bus. */
export type VariableName = "account" | "stream" | "consumer";

/** A board. */
export interface BoardSpec {
  /** Short name; the uid is `<prefix>-<name>`. */
  readonly name: BoardName;
  /** Heading. */
  readonly title: string;
  /** What it is for. */
  readonly description: string;
  /** Choices at the top. */
  readonly variables: readonly VariableName[];
  /** Parts. */
  readonly rows: readonly RowSpec[];
}
