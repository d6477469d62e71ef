/** Whether data written by one JSON Schema can be read by another. Pure; what cannot be decided counts as incompatible. */
import { isDeepStrictEqual } from "node:util";
import { compileJsonSchema } from "./json-schema.ts";
import type { JsonSchema } from "./schema.ts";
import { boundProblems } from "./schema-bounds.ts";

/** Which versions must understand which: `backward`, new consumers read old messages; `forward`, old consumers read new ones; `full`, both. */
export type Compatibility = "backward" | "forward" | "full" | "none";

type Node = JsonSchema | boolean;

/** One side of a comparison with the document its references lead into. */
interface Side {
  readonly node: Node;
  readonly root: JsonSchema;
}

interface Comparison {
  readonly writer: Side;
  readonly reader: Side;
  /** Where in the payload, for instance `source.port`; "" at the top. */
  readonly path: string;
  /** Pairs that are being compared, against schemas that contain themselves. */
  readonly seen: readonly (readonly [Node, Node])[];
}

const TYPES = ["null", "boolean", "object", "array", "number", "string"];
// Compared one by one below, or without meaning for what is valid.
const KNOWN = new Set([
  ...[
    "$schema",
    "$id",
    "$defs",
    "definitions",
    "$ref",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "readOnly",
  ],
  ...["type", "enum", "const", "anyOf", "oneOf", "allOf", "properties", "required", "additionalProperties", "items", "writeOnly", "format"],
  ...["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minLength", "maxLength", "minItems", "maxItems"],
]);

const ANNOTATIONS = ["$schema", "$id", "$defs", "definitions", "$comment", "title", "description", "default", "examples"];
const CONSTRAINTS = new Set([...KNOWN].filter((name) => !ANNOTATIONS.includes(name)));

/** What a change of schema breaks, in words; empty when it breaks nothing the kind of compatibility asks for. */
export function compatibilityProblems(before: JsonSchema, after: JsonSchema, kind: Compatibility): string[] {
  const backward =
    kind === "backward" || kind === "full" ? readingProblems(before, after).map((text) => `new consumers, old messages: ${text}`) : [];
  const forward =
    kind === "forward" || kind === "full" ? readingProblems(after, before).map((text) => `old consumers, new messages: ${text}`) : [];
  return [...backward, ...forward];
}

/**
 * Why data that fits the writer's schema may not fit the reader's. Properties the writer does not name are taken as not sent, though its schema may allow them.
 */
export function readingProblems(writer: JsonSchema, reader: JsonSchema): string[] {
  return compare({ writer: { node: writer, root: writer }, reader: { node: reader, root: reader }, path: "", seen: [] });
}

function compare(given: Comparison): string[] {
  const writer = follow(given.writer);
  const reader = follow(given.reader);
  if (writer === undefined || reader === undefined) return [problem(given, "a reference leads nowhere")];
  const { seen } = given;
  if (reader.node === true || writer.node === false || isEmpty(reader.node)) return [];
  if (reader.node === false) return [problem(given, "is not accepted at all")];
  if (seen.some(([a, b]) => a === writer.node && b === reader.node)) return [];
  const here = { ...given, writer, reader, seen: [...seen, [writer.node, reader.node] as const] };
  return isDeepStrictEqual(writer, reader) ? [] : compareNodes(here);
}

function compareNodes(here: Comparison): string[] {
  const [writer, reader] = [nodeOf(here.writer), nodeOf(here.reader)];
  const branches = branchesOf(writer);
  if (branches !== undefined) return branches.flatMap((node) => compare({ ...here, writer: { ...here.writer, node } }));
  const values = valuesOf(writer);
  if (values !== undefined) return valueProblems(values, here);
  const choices = branchesOf(reader);
  if (choices !== undefined) {
    const { anyOf: _any, oneOf: _one, ...beside } = reader;
    return [...choiceProblems(choices, here), ...compare({ ...here, reader: { ...here.reader, node: beside } })];
  }
  if (valuesOf(reader) !== undefined) return [problem(here, "is limited to certain values")];
  return [
    ...typeProblems(writer, reader, here),
    ...boundProblems(writer, reader).map((text) => problem(here, text)),
    ...otherKeywordProblems(writer, reader, here),
    ...allOf(reader).flatMap((node) => compare({ ...here, reader: { ...here.reader, node } })),
    ...objectProblems(writer, reader, here),
    ...itemProblems(writer, reader, here),
  ];
}

function choiceProblems(choices: readonly Node[], here: Comparison): string[] {
  const tries = choices.map((node) => compare({ ...here, reader: { ...here.reader, node } }));
  return tries.some((problems) => problems.length === 0) ? [] : [problem(here, "fits none of the choices")];
}

function valueProblems(values: readonly unknown[], here: Comparison): string[] {
  const { root } = here.reader;
  const { $defs, definitions } = root;
  const { check } = compileJsonSchema({ ...nodeOf(here.reader), ...($defs ? { $defs } : {}), ...(definitions ? { definitions } : {}) });
  const refused = values.filter((value) => check(value).error !== undefined);
  return refused.length === 0
    ? []
    : [problem(here, `may be ${refused.map((value) => JSON.stringify(value)).join(", ")}, which is not accepted`)];
}

function typeProblems(writer: JsonSchema, reader: JsonSchema, here: Comparison): string[] {
  const accepted = typesOf(reader);
  const wider = typesOf(writer).filter((type) => !accepted.includes(type) && !(type === "integer" && accepted.includes("number")));
  return wider.length === 0 || reader["type"] === undefined
    ? []
    : [problem(here, `may be ${wider.join(" or ")}, and ${accepted.join(" or ")} is expected`)];
}

/** Keywords this comparison does not understand must not change. */
function otherKeywordProblems(writer: JsonSchema, reader: JsonSchema, here: Comparison): string[] {
  const changed = Object.keys(reader).filter((name) => !KNOWN.has(name) && !isDeepStrictEqual(writer[name], reader[name]));
  const format = reader["format"] !== undefined && writer["format"] !== reader["format"] ? ["format"] : [];
  return [...changed, ...format].map((name) => problem(here, `has another ${name}`));
}

function objectProblems(writer: JsonSchema, reader: JsonSchema, here: Comparison): string[] {
  const [sent, read] = [propertiesOf(writer), propertiesOf(reader)];
  const certain = listOf(writer["required"]);
  const missing = listOf(reader["required"]).filter((name) => !certain.includes(name));
  const rest = (reader["additionalProperties"] ?? true) as Node;
  const wrong = Object.entries(sent).flatMap(([name, node]) => {
    const expected = Object.hasOwn(read, name) ? (read[name] ?? true) : rest;
    const path = here.path === "" ? name : `${here.path}.${name}`;
    return compare({ ...here, writer: { ...here.writer, node }, reader: { ...here.reader, node: expected }, path });
  });
  const opens = rest === false && writer["additionalProperties"] !== undefined && writer["additionalProperties"] !== false;
  return [
    ...missing.map((name) => problem(here, `may come without ${name}, which is required`)),
    ...wrong,
    ...(opens ? [problem(here, "may have properties that are not named")] : []),
  ];
}

function itemProblems(writer: JsonSchema, reader: JsonSchema, here: Comparison): string[] {
  if (reader["items"] === undefined || !typesOf(writer).includes("array")) return [];
  if (Array.isArray(reader["items"]) || Array.isArray(writer["items"])) {
    return isDeepStrictEqual(writer["items"], reader["items"]) ? [] : [problem(here, "has other items")];
  }
  const [node, expected] = [(writer["items"] ?? true) as Node, reader["items"] as Node];
  return compare({ ...here, writer: { ...here.writer, node }, reader: { ...here.reader, node: expected }, path: `${here.path}[]` });
}

function follow(side: Side): Side | undefined {
  let { node } = side;
  for (let steps = 0; typeof node === "object" && typeof node["$ref"] === "string"; steps += 1) {
    const found: unknown = steps > 20 ? undefined : resolveReference(side.root, node["$ref"]);
    if (typeof found !== "object" && typeof found !== "boolean") return undefined;
    node = withSiblings(node, found as Node);
  }
  return { ...side, node };
}

/** What stands beside a reference holds as well. */
function withSiblings(
  { $ref: _reference, $defs: _defs, definitions: _older, $schema: _dialect, ...beside }: JsonSchema,
  found: Node,
): Node {
  return Object.keys(beside).some((name) => CONSTRAINTS.has(name) || !KNOWN.has(name)) ? { allOf: [found, beside] } : found;
}

function resolveReference(root: JsonSchema, reference: string): unknown {
  if (!reference.startsWith("#")) return undefined;
  const steps = reference.slice(1).split("/").slice(1);
  const names = steps.map((step) => decodeURIComponent(step).replaceAll("~1", "/").replaceAll("~0", "~"));
  return names.reduce<unknown>(
    (found, name) => (typeof found === "object" && found !== null ? (found as JsonSchema)[name] : undefined),
    root,
  );
}

function branchesOf(node: JsonSchema): Node[] | undefined {
  const list = node["anyOf"] ?? node["oneOf"];
  return Array.isArray(list) ? (list as Node[]) : undefined;
}

function allOf(node: JsonSchema): Node[] {
  return Array.isArray(node["allOf"]) ? (node["allOf"] as Node[]) : [];
}

function valuesOf(node: JsonSchema): unknown[] | undefined {
  if ("const" in node) return [node["const"]];
  return Array.isArray(node["enum"]) ? node["enum"] : undefined;
}

function typesOf(node: JsonSchema): readonly string[] {
  const { type } = node;
  if (typeof type === "string") return [type];
  return Array.isArray(type) ? (type as string[]) : TYPES;
}

function propertiesOf(node: JsonSchema): Readonly<Record<string, Node>> {
  return (node["properties"] ?? {}) as Record<string, Node>;
}

function listOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? (value as string[]) : [];
}

function nodeOf({ node }: Side): JsonSchema {
  return typeof node === "boolean" ? {} : node;
}

function isEmpty(node: Node): boolean {
  return typeof node === "object" && Object.keys(node).length === 0;
}

function problem({ path }: Comparison, text: string): string {
  return `${path || "payload"} ${text}`;
}
