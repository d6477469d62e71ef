import { isDeepStrictEqual } from "node:util";
import { isMap, isScalar, type Pair, parseDocument, type Range, stringify } from "yaml";

/**
 * The text of a settings file with one key of its `config` set, or removed when `value` is undefined. Every line that does not belong to the key stays as it is; only a
 * file laid out in a way that leaves no lines of its own to the key, for instance on one line, is written anew.
 */
export function editSetting(text: string, key: string, value: unknown): string {
  const wanted = parseDocument(text);
  if (value === undefined) wanted.deleteIn(["config", key]);
  else wanted.setIn(["config", key], wanted.createNode(value));
  const edited = editLines(text, key, value);
  const isRight = edited !== undefined && isDeepStrictEqual(read(edited), wanted.toJS());
  return isRight ? edited : wanted.toString({ lineWidth: 0, flowCollectionPadding: /[[{] /.test(text) });
}

/** The edit line by line; undefined when there is no block of settings to put it into. */
function editLines(text: string, key: string, value: unknown): string | undefined {
  const config = parseDocument(text).get("config", true);
  if (!isMap(config) || config.flow === true || config.items.length === 0) return undefined;
  const spans = config.items.map((item) => spanOf(text, item));
  const first = spans[0];
  const last = spans.at(-1);
  if (first === undefined || last === undefined) return undefined;
  const found = spans[config.items.findIndex((item) => isScalar(item.key) && item.key.value === key)];
  const lines = text.split("\n");
  const written = value === undefined ? [] : linesOf(key, value, first.indent);
  if (found === undefined) lines.splice(last.end, 0, ...written);
  else lines.splice(found.start, found.end - found.start, ...commented(written, found.comment));
  return lines.join("\n");
}

interface Span {
  /** Number of its first line. */
  readonly start: number;
  /** Number of the line after its last. */
  readonly end: number;
  readonly indent: string;
  /** Behind a value of one line, with the blanks before it. */
  readonly comment: string;
}

function spanOf(text: string, { key, value }: Pair): Span | undefined {
  const from = rangeOf(key)?.[0];
  if (from === undefined) return undefined;
  const to = rangeOf(value)?.[1] ?? from;
  const lineStart = text.lastIndexOf("\n", from) + 1;
  const start = text.slice(0, from).split("\n").length - 1;
  const body = text.slice(from, to).trimEnd();
  const end = start + body.split("\n").length;
  const comment = end === start + 1 ? (/^[ \t]+#.*/.exec(text.slice(from + body.length).split("\n")[0] ?? "")?.[0] ?? "") : "";
  return { start, end, indent: text.slice(lineStart, from), comment };
}

function rangeOf(node: unknown): Range | null | undefined {
  return (node as { readonly range?: Range | null } | null)?.range;
}

function linesOf(key: string, value: unknown, indent: string): readonly string[] {
  const lines = stringify({ [key]: value }, { lineWidth: 0 })
    .trimEnd()
    .split("\n");
  return lines.map((line) => (line === "" ? line : `${indent}${line}`));
}

function commented([first = "", ...rest]: readonly string[], comment: string): readonly string[] {
  return first === "" ? [] : [`${first}${comment}`, ...rest];
}

function read(text: string): unknown {
  const document = parseDocument(text);
  return document.errors.length > 0 ? undefined : document.toJS();
}
