import type { Comparison, Difference, FieldDifference } from "../../operations/compare.ts";
import type { Palette } from "./palette.ts";

const STEPS: Readonly<Record<Difference["step"], string>> = {
  create: "is declared and not there; up creates it",
  update: "differs; up updates it in place",
  adopt: "is there; up takes it over",
  recreate: "differs; up makes it anew",
  refuse: "differs; up refuses to change it",
  leave: "is there and not declared; up leaves it alone",
  wait: "is not known at the moment",
};

const MARKS: Readonly<Record<Difference["kind"], readonly [mark: string, color: keyof Palette]>> = {
  missing: ["+", "create"],
  extra: ["-", "delete"],
  differs: ["~", "update"],
  unknown: ["?", "warning"],
};

const EFFECTS: Readonly<Record<FieldDifference["effect"], string>> = {
  update: "in place",
  "one-way": "in place, and never back",
  replace: "only by making it anew",
};

/** Every difference with what it means, then a line that counts. `where` names the cluster. */
export function renderComparison({ equal, differences }: Comparison, where: string, palette: Palette): string {
  const blocks = differences.map((difference) => `${renderDifference(difference, palette)}\n`);
  const counted = (["missing", "differs", "extra", "unknown"] as const)
    .map((kind) => ({ kind, count: differences.filter((difference) => difference.kind === kind).length }))
    .filter(({ count }) => count > 0)
    .map(({ kind, count }) => `${count} ${kind === "differs" ? "different" : kind}`);
  const verdict =
    differences.length === 0
      ? palette.create(`${where} holds what is declared: ${equal} objects, nothing else.`)
      : `${where}: ${[...counted, `${equal} equal`].join(", ")}.`;
  return `${blocks.join("")}${blocks.length === 0 ? "" : "\n"}${verdict}\n`;
}

function renderDifference({ kind, noun, name, step, fields, reason, remedy }: Difference, palette: Palette): string {
  const [mark, color] = MARKS[kind];
  const width = Math.max(0, ...fields.map((field) => `${field.key} ${field.was} → ${field.want}`.length));
  return [
    palette[color](`${mark} ${noun} ${name} ${STEPS[step]}`),
    ...fields.map((field) => `    ${renderField(field, Math.min(width, 60))}`),
    ...[reason, remedy].filter((line) => line !== undefined).map((line) => `    ${palette.faint(line)}`),
  ].join("\n");
}

function renderField({ key, was, want, effect, reason, costs }: FieldDifference, width: number): string {
  const meaning = reason === undefined ? EFFECTS[effect] : `${EFFECTS[effect]}: ${reason}`;
  return `${`${key} ${was} → ${want}`.padEnd(width)}  ${[meaning, ...costs].join("; ")}`;
}
