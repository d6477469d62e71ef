/** What a health check found, and how it is told: to people, to Nagios and its kin, to programs. Pure. */

/** How a check ended; the numbers are the exit codes of the monitoring plugins that Nagios and `nats server check` agree on. */
const STATES = { OK: 0, WARNING: 1, CRITICAL: 2, UNKNOWN: 3 } as const;

/** Name of a state. */
export type HealthState = keyof typeof STATES;

/** A figure with the limits it was held against. */
export interface HealthFigure {
  /** Name, for instance `lag`. */
  readonly name: string;
  readonly value: number;
  /** Nagios's unit: `s`, `B`, `%`, or nothing for a count. */
  readonly unit: "" | "s" | "B" | "%";
  /** From here on a warning; absent: never. */
  readonly warning?: number;
  /** From here on critical; absent: never. */
  readonly critical?: number;
}

/** One check of one thing. */
export interface HealthResult {
  /** `connection`, `meta`, `jetstream`, `stream`, `consumer`, `credential`. */
  readonly check: string;
  /** What was checked, for instance a stream's name; empty for the bus as a whole. */
  readonly subject: string;
  readonly state: HealthState;
  /** What is wrong, each in a few words; what was seen when nothing is. */
  readonly messages: readonly string[];
  readonly figures: readonly HealthFigure[];
}

/** Something that is wrong, and how much. */
export interface Finding {
  readonly state: "WARNING" | "CRITICAL";
  readonly text: string;
}

/** Puts a result together: the worst finding decides, and only the findings are told. */
export function resultOf(
  check: string,
  subject: string,
  found: { readonly findings: readonly Finding[]; readonly figures: readonly HealthFigure[]; readonly fine: string },
): HealthResult {
  const { findings, figures, fine } = found;
  const all = [...findings, ...figures.flatMap(judgeFigure)];
  const state = all.some((finding) => finding.state === "CRITICAL") ? "CRITICAL" : all.length > 0 ? "WARNING" : "OK";
  return { check, subject, state, messages: all.length > 0 ? all.map(({ text }) => text) : [fine], figures };
}

/** A check that could not be made. */
export function unknown(check: string, subject: string, reason: string): HealthResult {
  return { check, subject, state: "UNKNOWN", messages: [reason], figures: [] };
}

/** The exit code of all results: critical is worst, then a warning, then what is not known. */
export function exitCodeOf(results: readonly HealthResult[]): number {
  const worst = (["CRITICAL", "WARNING", "UNKNOWN"] as const).find((state) => results.some((result) => result.state === state));
  return STATES[worst ?? "OK"];
}

/** One line a check, as monitoring plugins print it: `NAME STATE | figures`, with messages between. */
export function renderNagios(results: readonly HealthResult[]): string {
  return results.map(nagiosLine).join("");
}

/** A line for each check and one for each message, for people. */
export function renderText(
  results: readonly HealthResult[],
  paint: (state: HealthState, text: string) => string = (_state, text) => text,
): string {
  const lines = results.map((result) => {
    const title = `${paint(result.state, result.state.padEnd(8))} ${titleOf(result)}`;
    return [title, ...result.messages.map((message) => `         ${message}`)].join("\n");
  });
  return `${lines.join("\n")}\n`;
}

/** All results as a document. */
export function healthDocument(results: readonly HealthResult[]): Record<string, unknown> {
  const worst = Object.entries(STATES).find(([, code]) => code === exitCodeOf(results))?.[0];
  return { state: worst, checks: results };
}

function titleOf({ check, subject }: HealthResult): string {
  return subject === "" ? check : `${check} ${subject}`;
}

function nagiosLine(result: HealthResult): string {
  const figures = result.figures.map(
    ({ name, value, unit, warning, critical }) => `${name}=${value}${unit};${warning ?? ""};${critical ?? ""}`,
  );
  const tail = figures.length === 0 ? "" : ` | ${figures.join(" ")}`;
  // A line feed or a bar in a message would end it early.
  const words = result.messages.join(", ").replaceAll(/[|\n]/g, " ");
  return `${titleOf(result)} ${result.state}: ${words}${tail}\n`;
}

function judgeFigure({ name, value, unit, warning, critical }: HealthFigure): Finding[] {
  if (critical !== undefined && value >= critical)
    return [{ state: "CRITICAL", text: `${name} is ${value}${unit}, at or over ${critical}${unit}` }];
  if (warning !== undefined && value >= warning)
    return [{ state: "WARNING", text: `${name} is ${value}${unit}, at or over ${warning}${unit}` }];
  return [];
}
