import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";
import type { ParsedArgs } from "citty";
import { BusError } from "../../core/errors.ts";
import { renderSize } from "../../core/units.ts";
import { drawBench } from "../../operations/bench/chart.ts";
import { type BenchChange, type BenchDocument, compareRuns, parseBenchDocument } from "../../operations/bench/document.ts";
import { renderPng } from "../../operations/bench/png.ts";
import { runBench } from "../../operations/bench/run.ts";
import {
  type BenchChoice,
  type BenchResult,
  combine,
  keyOf,
  labelOf,
  parseNumbers,
  parseWords,
  SCENARIOS,
} from "../../operations/bench/spec.ts";
import { renderSvg } from "../../operations/bench/svg.ts";
import { openScratch } from "../../operations/verify/scratch.ts";
import { CLUSTER_ARGS, describeServers, resolveCluster } from "../cluster-access.ts";
import { EXIT } from "../exit-codes.ts";
import { listenForInterrupts } from "../interrupts.ts";
import { assertWritable, namedFile, writeReport } from "../report-file.ts";
import { renderTable } from "../reporters/table.ts";
import { stackName } from "../session.ts";
import type { Terminal } from "../terminal.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

const INTERRUPTED = 130;
const MAX_PAYLOAD = 67_108_864;

const BENCH_ARGS = {
  ...COMMON_ARGS,
  ...CLUSTER_ARGS,
  scenario: {
    type: "string",
    valueHint: "NAMES",
    default: SCENARIOS.join(","),
    description: "publish, consume, request, fan-out; separated by commas",
  },
  size: { type: "string", valueHint: "BYTES", default: "128", description: "sizes of the payload, separated by commas" },
  clients: { type: "string", valueHint: "N", default: "1", description: "numbers of clients, separated by commas" },
  mode: { type: "string", valueHint: "NAMES", default: "async", description: "sync (one at a time), async (256 in flight), or both" },
  replicas: { type: "string", valueHint: "N", default: "3", description: "replicas of the stream, separated by commas" },
  library: { type: "string", valueHint: "NAMES", default: "on,off", description: "on (client library), off (raw client), or both" },
  messages: { type: "string", alias: "n", valueHint: "N", default: "10000", description: "messages of each measurement; a tenth for sync" },
  svg: { type: "string", valueHint: "FILE", description: "draw the result into an SVG file" },
  png: { type: "string", valueHint: "FILE", description: "draw the result into a PNG file" },
  compare: { type: "string", valueHint: "OLD.json", description: "show the ratio to an earlier run's --json" },
} as const;

type Options = Partial<ParsedArgs<typeof BENCH_ARGS>>;

/** `natsbus bench`. */
export const verb = defineVerb({
  name: "bench",
  summary: "measure publish, consume, request and fan-out, with a plot",
  synopsis: "",
  details:
    "Every combination of the lists is measured one after the other, on streams of its own that are removed. Figures of two runs compare only on one machine with the same load beside them; within one run --library on,off gives the ratio of the client library to the raw client.",
  args: BENCH_ARGS,
  examples: [
    ["bench", "the four scenarios with and without the client library"],
    ["bench --scenario publish --size 128,1024,16384 --mode sync,async --svg bench.svg", "publishing by size, as a picture"],
    ["bench --json > before.json", "keep the figures"],
    ["bench --compare before.json --png change.png", "and hold later ones against them"],
  ],
  run: ({ args, terminal }) => runBenchVerb(args, terminal),
});

async function runBenchVerb(options: Options, terminal: Terminal): Promise<number> {
  const choice = parseChoice(options);
  assertWritable(options.svg, options.png);
  const before = options.compare === undefined ? undefined : readBefore(options.compare);
  const admin = await resolveCluster(options);
  using interrupts = listenForInterrupts(() => terminal.err("\nstopping; what the run made is removed\n"));
  const signal = interrupts.cancellation.graceful;
  const scratch = await openScratch(admin, 1);
  const startedAt = new Date().toISOString();
  const results: BenchResult[] = [];
  try {
    const specs = combine(choice);
    for (const [index, spec] of specs.entries()) {
      if (signal.aborted) break;
      terminal.err(`${terminal.errPalette.faint(`${index + 1}/${specs.length}`)} ${labelOf(spec)}\n`);
      const result = await runBench(spec, { admin, scratch, signal });
      if (!signal.aborted) results.push(result);
    }
  } finally {
    await scratch.close();
  }
  const title = options.url === undefined ? `stack ${stackName(options)}` : describeServers(admin);
  report({ version: 1, title, startedAt, machine: describeMachine(), results }, { options, before }, terminal);
  if (signal.aborted) return INTERRUPTED;
  return results.some(({ failed }) => failed > 0) ? EXIT.error : EXIT.ok;
}

function parseChoice(options: Options): BenchChoice {
  const [messages = 10_000] = parseNumbers("--messages", options.messages ?? "10000", { min: 1, max: 10_000_000 });
  return {
    scenarios: parseWords("--scenario", options.scenario ?? "", SCENARIOS),
    sizes: parseNumbers("--size", options.size ?? "", { min: 1, max: MAX_PAYLOAD }),
    clients: parseNumbers("--clients", options.clients ?? "", { min: 1, max: 1000 }),
    modes: parseWords("--mode", options.mode ?? "", ["sync", "async"]),
    replicas: parseNumbers("--replicas", options.replicas ?? "", { min: 1, max: 5 }),
    library: parseWords("--library", options.library ?? "", ["on", "off"]).map((word) => word === "on"),
    messages,
  };
}

function report(
  document: BenchDocument,
  { options, before }: { readonly options: Options; readonly before: BenchDocument | undefined },
  terminal: Terminal,
): void {
  const picture = drawBench(document, before);
  if (options.svg !== undefined) writeReport(options.svg, renderSvg(picture));
  if (options.png !== undefined) writeReport(options.png, renderPng(picture));
  const changes = before === undefined ? undefined : compareRuns(before, document);
  if (options.json === true) {
    terminal.out(`${JSON.stringify({ ...document, ...(changes === undefined ? {} : { changes }) }, null, 2)}\n`);
    return;
  }
  const head = [
    "MEASUREMENT",
    "MESSAGES",
    "RATE/S",
    "MEAN MS",
    "P50",
    "P95",
    "P99",
    "FAILED",
    ...(changes === undefined ? [] : ["WAS/S", "RATIO"]),
  ];
  terminal.out(
    `\n${renderTable(
      head,
      document.results.map((result) => cells(result, changes)),
      terminal.outPalette,
    )}`,
  );
  for (const file of [options.svg, options.png]) if (file !== undefined) terminal.out(`\nwritten: ${file}\n`);
}

function cells(result: BenchResult, changes: readonly BenchChange[] | undefined): readonly string[] {
  const { meanMs, p50Ms, p95Ms, p99Ms } = result;
  const change = changes?.find(({ key }) => key === keyOf(result));
  const compared =
    changes === undefined ? [] : change === undefined ? ["-", "-"] : [String(Math.round(change.was)), `${change.ratio.toFixed(2)}x`];
  const times = [meanMs, p50Ms, p95Ms, p99Ms].map((ms) => ms.toFixed(2));
  return [labelOf(result), String(result.messages), String(Math.round(result.rate)), ...times, String(result.failed), ...compared];
}

function readBefore(file: string): BenchDocument {
  try {
    return parseBenchDocument(readFileSync(namedFile(file), "utf8"), file);
  } catch (cause) {
    if (cause instanceof BusError) throw cause;
    throw new BusError("ERR_REPORT_FILE", `${file} cannot be read`, {
      cause,
      remedy: "name a file written with `natsbus bench --json > FILE`",
    });
  }
}

/** System, processor, cores, memory and Node, as a reader of the figures needs them. */
function describeMachine(): string {
  const all = cpus();
  const model = all[0]?.model.trim() || process.arch;
  return `${process.platform} ${model}, ${all.length} cores, ${renderSize(Math.round(totalmem() / 2 ** 30) * 2 ** 30)}, Node ${process.versions.node}`;
}
