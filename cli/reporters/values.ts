import type { Json } from "../../engine/events.ts";
import { isUnknownText, SIGNATURE_KEY, SIGNATURES } from "../../engine/signatures.ts";
import { isInternalKey, isJsonObject, type ObjectDiff, type ValueDiff } from "./object-diff.ts";
import type { Palette } from "./palette.ts";

const LONGEST = 150;
const STEP = 4;

type Mark = "+" | "-" | "~" | " ";

/** How properties are rendered. */
export interface PropertyStyle {
  readonly palette: Palette;
  /** Leaves out what does not change.
   * @default false */
  readonly hideSame?: boolean;
}

function scalar(value: Json): string {
  if (value === null) return "<null>";
  if (typeof value !== "string") return JSON.stringify(value);
  if (value === "[secret]") return value;
  if (isUnknownText(value)) return "[unknown]";
  return value.length > LONGEST ? `${JSON.stringify(value.slice(0, LONGEST)).slice(0, -1)}..."` : JSON.stringify(value);
}

function special(value: Json): string | undefined {
  if (!isJsonObject(value)) return undefined;
  const hash = String(value["hash"] ?? "").slice(0, 7);
  if (value[SIGNATURE_KEY] === SIGNATURES.asset) return `asset(${hash})`;
  return value[SIGNATURE_KEY] === SIGNATURES.archive ? `archive(${hash})` : undefined;
}

function lineStart(mark: Mark, indent: number): string {
  return mark === " " ? " ".repeat(indent) : `${" ".repeat(indent - 2)}${mark} `;
}

/** A value with its key, every line carrying the same mark: used for what is added, removed or unchanged as a whole. */
function wholeLines(label: string, value: Json, place: { readonly mark: Mark; readonly indent: number }): string[] {
  const { mark, indent } = place;
  const start = lineStart(mark, indent);
  const text = special(value);
  if (text !== undefined) return [`${start}${label}${text}`];
  if (Array.isArray(value)) {
    if (value.length === 0) return [`${start}${label}[]`];
    // Elements of a list keep the mark in the column of the list itself.
    const items = value.flatMap((item: Json, index) => wholeLines(`[${index}]: `, item, { mark: " ", indent: STEP }));
    return [`${start}${label}[`, ...items.map((line) => `${start}${line}`), `${" ".repeat(indent)}]`];
  }
  if (!isJsonObject(value)) return [`${start}${label}${scalar(value)}`];
  const keys = Object.keys(value).filter((key) => !isInternalKey(key));
  if (keys.length === 0) return [`${start}${label}{}`];
  const width = Math.max(...keys.map((key) => key.length));
  const items = keys.sort().flatMap((key) => wholeLines(`${key.padEnd(width)}: `, value[key] ?? null, { mark, indent: indent + STEP }));
  return [`${start}${label}{`, ...items, `${" ".repeat(indent)}}`];
}

function updateLines(
  label: string,
  diff: Extract<ValueDiff, { kind: "update" }>,
  at: { readonly indent: number; readonly style: PropertyStyle },
): string[] {
  const { indent, style } = at;
  const start = lineStart("~", indent);
  const paint = style.palette.update;
  if (diff.object !== undefined) {
    return [paint(`${start}${label}{`), ...objectLines(diff.object, indent + STEP, style), paint(`${" ".repeat(indent)}}`)];
  }
  if (diff.list !== undefined) {
    const items = diff.list.flatMap((item, index) => diffLines(`[${index}]: `, item, { indent: indent + STEP, style }));
    return [paint(`${start}${label}[`), ...items, paint(`${" ".repeat(indent)}]`)];
  }
  const [old, current] = [wholeLines("", diff.old, { mark: " ", indent }), wholeLines("", diff.new, { mark: " ", indent })];
  const joined = [...old.slice(0, -1), `${old.at(-1)} => ${current[0]?.trimStart()}`, ...current.slice(1)];
  return [`${start}${label}${joined[0]?.trimStart()}`, ...joined.slice(1)].map(paint);
}

function diffLines(label: string, diff: ValueDiff, at: { readonly indent: number; readonly style: PropertyStyle }): string[] {
  const { indent, style } = at;
  switch (diff.kind) {
    case "same":
      return style.hideSame === true ? [] : wholeLines(label, diff.value, { mark: " ", indent });
    case "add":
      return wholeLines(label, diff.new, { mark: "+", indent }).map(style.palette.create);
    case "delete":
      return wholeLines(label, diff.old, { mark: "-", indent }).map(style.palette.delete);
    case "update":
      return updateLines(label, diff, at);
  }
}

/** Lines of a compared property bag, keys padded to one width, marks two columns left of `indent`. */
export function objectLines(diff: ObjectDiff, indent: number, style: PropertyStyle): string[] {
  const shown = [...diff].filter(([, value]) => style.hideSame !== true || value.kind !== "same");
  const width = Math.max(0, ...shown.map(([key]) => key.length));
  return shown.flatMap(([key, value]) => diffLines(`${key.padEnd(width)}: `, value, { indent, style }));
}
