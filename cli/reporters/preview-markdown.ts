import type { Comparison } from "../../components/kubernetes/compare.ts";
import { type LeafChange, leafChanges } from "../../components/kubernetes/leaf-changes.ts";
import type { ChangedObject } from "../../components/kubernetes/object-change.ts";
import { changeRisks, type ObjectChange, type Risk } from "../../components/kubernetes/risk.ts";
import type { Json } from "../../engine/events.ts";

/** The parts of a `preview --json` document that are told. */
export interface PreviewDocument {
  readonly steps?: readonly PreviewStep[];
  readonly diagnostics?: readonly { readonly message: string; readonly severity: string }[];
  readonly changeSummary?: Readonly<Record<string, number>>;
}

interface PreviewStep {
  readonly op: string;
  readonly urn: string;
  readonly oldState?: PreviewState;
  readonly newState?: PreviewState;
  readonly notes?: readonly string[];
}

interface PreviewState {
  readonly type: string;
  readonly inputs?: { readonly [key: string]: Json };
}

interface Told {
  readonly title: string;
  readonly op: ObjectChange["op"];
  readonly leaves: readonly LeafChange[];
  readonly risks: readonly Risk[];
  readonly notes: readonly string[];
}

const SIGNS: Readonly<Record<ObjectChange["op"], string>> = { create: "+", update: "~", replace: "±", delete: "−" };
const OPS: Readonly<Record<string, ObjectChange["op"]>> = {
  create: "create",
  update: "update",
  replace: "replace",
  delete: "delete",
  import: "create",
};
const STACK_TYPE = "pulumi:pulumi:Stack";
// GitHub takes comments up to 65,536 characters.
const LONGEST = 60_000;
const MOST_LEAVES = 40;
const LONGEST_VALUE = 200;

/** A preview as Markdown for a pull request: a summary, what is at stake, and every change field by field. */
export function renderPreviewMarkdown(stack: string, document: PreviewDocument): string {
  const told = (document.steps ?? []).flatMap(tellStep);
  const counts = Object.entries(document.changeSummary ?? {}).filter(([op]) => op !== "same");
  const summary = counts.length === 0 ? "no changes" : counts.map(([op, count]) => `${count} to ${op}`).join(", ");
  const problems = (document.diagnostics ?? []).filter(({ severity }) => severity === "error" || severity === "warning");
  return bounded([
    `### Preview of \`${stack}\`: ${summary}`,
    ...riskSection(told),
    ...told.map(section),
    ...(problems.length === 0
      ? []
      : ["#### Messages", fence("", problems.map(({ severity, message }) => `${severity}: ${message.trim()}`).join("\n"))]),
  ]);
}

/** A comparison of rendered files as Markdown. */
export function renderComparisonMarkdown(stack: string, { objects, settings }: Comparison): string {
  const told = objects.map(tellObject);
  const title =
    objects.length + settings.length === 0 ? "no changes" : `${objects.length} objects and ${settings.length} server settings change`;
  const action = settings.some((setting) => setting.action === "restart")
    ? "a rolling restart, one server at a time"
    : "a reload, without a restart";
  const rows = settings.map(({ path, before, after, why }) => `| ${code(path)} | ${cell(before)} | ${cell(after)} | ${why} |`);
  return bounded([
    `### Rendered files of \`${stack}\`: ${title}`,
    ...riskSection(told),
    ...(rows.length === 0
      ? []
      : [`#### Server configuration: ${action}`, ["| setting | before | after | |", "| --- | --- | --- | --- |", ...rows].join("\n")]),
    ...told.map(section),
  ]);
}

function tellStep({ op, urn, oldState, newState, notes = [] }: PreviewStep): Told[] {
  const known = OPS[op];
  const type = newState?.type ?? oldState?.type ?? "";
  if (known === undefined || type === STACK_TYPE) return [];
  const kind = type.startsWith("kubernetes:") ? (type.split(":").at(-1) ?? "") : "";
  const isChange = known === "update" || known === "replace";
  const leaves = isChange ? leafChanges(oldState?.inputs ?? {}, newState?.inputs ?? {}) : [];
  const risks = kind === "" ? [] : changeRisks({ kind, op: known, leaves });
  return [{ title: `${type} ${urn.split("::").at(-1)}`, op: known, leaves, risks, notes }];
}

function tellObject({ kind, name, op, leaves, risks }: ChangedObject): Told {
  return { title: `${kind} ${name}`, op, leaves, risks, notes: [] };
}

function riskSection(told: readonly Told[]): string[] {
  const lines = told.flatMap(({ title, risks, notes }) => [
    ...risks.filter(({ level }) => level !== "none").map(({ level, text }) => `- **${level}**: ${text} (\`${title}\`)`),
    ...notes.map((note) => `- ${note} (\`${title}\`)`),
  ]);
  return lines.length === 0 ? [] : ["#### What is at stake", lines.join("\n")];
}

function section({ title, op, leaves, risks, notes }: Told): string {
  const words = [...risks.map(({ text }) => text), ...notes].join("; ");
  const head = `${SIGNS[op]} \`${title}\`${words === "" ? "" : `: ${words}`}`;
  if (leaves.length === 0) return head;
  const shown = leaves.slice(0, MOST_LEAVES).flatMap(leafLines);
  const more = leaves.length > MOST_LEAVES ? [`  … and ${leaves.length - MOST_LEAVES} more`] : [];
  return `<details><summary>${escapeHtml(`${SIGNS[op]} ${title}`)}${words === "" ? "" : `: ${escapeHtml(words)}`}</summary>\n\n${fence("diff", [...shown, ...more].join("\n"))}\n\n</details>`;
}

function leafLines({ path, before, after }: LeafChange): string[] {
  return [
    ...(before === undefined ? [] : [`- ${path}: ${shortText(before)}`]),
    ...(after === undefined ? [] : [`+ ${path}: ${shortText(after)}`]),
  ];
}

function cell(value: unknown): string {
  return value === undefined ? "" : code(shortText(value));
}

/** Text that cannot end its cell. */
function code(text: string): string {
  return `\`${text.replaceAll("|", "\\|").replaceAll("`", "'")}\``;
}

function shortText(value: unknown): string {
  const text = JSON.stringify(value) ?? "";
  return text.length > LONGEST_VALUE ? `${text.slice(0, LONGEST_VALUE)}…` : text;
}

function fence(language: string, text: string): string {
  const ticks = "`".repeat(Math.max(3, ...[...text.matchAll(/`+/g)].map(([run]) => run.length + 1)));
  return `${ticks}${language}\n${text}\n${ticks}`;
}

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** As many sections as fit, and a word about the rest. */
function bounded(sections: readonly string[]): string {
  const kept: string[] = [];
  let length = 0;
  for (const part of sections) {
    if (length + part.length > LONGEST) {
      kept.push(`… ${sections.length - kept.length} more sections do not fit; run the preview yourself.`);
      break;
    }
    kept.push(part);
    length += part.length;
  }
  return `${kept.join("\n\n")}\n`;
}
