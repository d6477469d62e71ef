/** Makes docs/boards/*.svg: every panel of the cluster and JetStream boards, asked of Prometheus over a live bus that loses a server for a while. `npm run docs:boards` */
import { mkdir, writeFile } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { type Panel, planBoards } from "../../observability/dashboards/plan.ts";
import { resolveMonitoringOptions } from "../../observability/options.ts";
import { renderSvg } from "../../operations/bench/svg.ts";
import type { Series } from "./board-format.ts";
import type { Answered } from "./board-panels.ts";
import { drawBoard } from "./board-picture.ts";
import { startShownBus } from "./shown-bus.ts";

const FOLDER = process.argv[2] ?? "docs/boards";
const BOARDS = ["cluster", "jetstream"];
const BEFORE_MS = 70_000;
const DOWN_MS = 40_000;
const AFTER_MS = 60_000;
const STEP_SECONDS = 2;
const RATE_WINDOW = "10s";

interface Matrix {
  readonly status: string;
  readonly error?: string;
  readonly data?: {
    readonly result: readonly { readonly metric: Readonly<Record<string, string>>; readonly values: readonly [number, string][] }[];
  };
}

async function ask(url: string, expr: string, [from, to]: readonly [number, number]): Promise<Series[]> {
  const query = expr
    .replaceAll("$nats_cluster", "natsbus-dev")
    .replaceAll("$__rate_interval", RATE_WINDOW)
    .replaceAll(/\$(account|stream|consumer)/g, ".*");
  const parameters = new URLSearchParams({ query, start: String(from), end: String(to), step: String(STEP_SECONDS) });
  const answer = (await (await fetch(`${url}/api/v1/query_range?${parameters}`)).json()) as Matrix;
  if (answer.data === undefined) throw new Error(`${query}: ${answer.error}`);
  return answer.data.result.map(({ metric, values }) => ({
    labels: metric,
    points: values.map(([second, value]) => [second, Number(value)]),
  }));
}

async function answer(url: string, panel: Panel, range: readonly [number, number]): Promise<Answered> {
  const answers = await Promise.all(panel.queries.map(({ expr }) => ask(url, expr, range)));
  if (answers.every((series) => series.length === 0) && panel.mayBeEmpty === undefined) throw new Error(`${panel.key} has no data`);
  return { panel, answers, range };
}

await using shown = await startShownBus();
const { cluster, prometheus, facts } = shown.bus;
const from = Math.floor(Date.now() / 1000);
await delay(BEFORE_MS);
await cluster.kill("n2");
await delay(DOWN_MS);
await cluster.start("n2");
await delay(AFTER_MS);
const range = [from, Math.floor(Date.now() / 1000)] as const;
await mkdir(FOLDER, { recursive: true });
const note = `Three servers under load on ${new Date().toISOString().slice(0, 10)}; n2 is killed after ${BEFORE_MS / 1000} s and started again ${DOWN_MS / 1000} s later. Drawn by npm run docs:boards from the queries of this board; windows of rules are shortened.`;
for (const board of planBoards(facts, resolveMonitoringOptions({})).filter(({ name }) => BOARDS.includes(name))) {
  const panels = board.rows.flatMap((row) => row.panels);
  const answered = await Promise.all(panels.map((panel) => answer(prometheus.url, panel, range)));
  await writeFile(`${FOLDER}/${board.name}.svg`, renderSvg(drawBoard(board, new Map(answered.map((one) => [one.panel.key, one])), note)));
  process.stdout.write(`${FOLDER}/${board.name}.svg: ${panels.length} panels\n`);
}
