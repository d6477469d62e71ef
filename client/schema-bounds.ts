/** Limits of numbers, texts and lists: whether one schema's lie within another's. Pure. */
import type { JsonSchema } from "./schema.ts";

const LOWER = ["minimum", "minLength", "minItems"];
const UPPER = ["maximum", "maxLength", "maxItems"];

/** Limits of the reader that the writer's data may break, in words. */
export function boundProblems(writer: JsonSchema, reader: JsonSchema): string[] {
  return [
    ...LOWER.flatMap((name) => (isTighter(writer, reader, name, 1) ? [`may be below the ${name} ${String(reader[name])}`] : [])),
    ...UPPER.flatMap((name) => (isTighter(writer, reader, name, -1) ? [`may be above the ${name} ${String(reader[name])}`] : [])),
    ...exclusiveProblems(writer, reader, 1),
    ...exclusiveProblems(writer, reader, -1),
  ];
}

/** @param sign 1 for a lower limit, -1 for an upper one */
function isTighter(writer: JsonSchema, reader: JsonSchema, name: string, sign: 1 | -1): boolean {
  const limit = numberOf(reader[name]);
  if (limit === undefined || (name.startsWith("min") && name !== "minimum" && limit <= 0)) return false;
  const exclusive = numberOf(writer[name === "minimum" ? "exclusiveMinimum" : name === "maximum" ? "exclusiveMaximum" : ""]);
  return ![numberOf(writer[name]), exclusive].some((own) => own !== undefined && sign * own >= sign * limit);
}

function exclusiveProblems(writer: JsonSchema, reader: JsonSchema, sign: 1 | -1): string[] {
  const [name, inclusive] = sign === 1 ? ["exclusiveMinimum", "minimum"] : ["exclusiveMaximum", "maximum"];
  const limit = numberOf(reader[name]);
  if (limit === undefined) return [];
  const [own, reached] = [numberOf(writer[name]), numberOf(writer[inclusive])];
  const isWithin = (own !== undefined && sign * own >= sign * limit) || (reached !== undefined && sign * reached > sign * limit);
  return isWithin ? [] : [`may break the ${name} ${limit}`];
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
