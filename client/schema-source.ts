/** The schemas an application may write: zod's, or JSON Schema. */
import { z } from "zod";
import { BusError } from "../core/errors.ts";
import { compileJsonSchema } from "./json-schema.ts";
import type { JsonSchema, PayloadSchema } from "./schema.ts";

/** A zod schema, or a JSON Schema of draft 2020-12, or of draft 7 when its `$schema` says so. */
export type SchemaSource = z.ZodType | JsonSchema;

const MOST_ISSUES = 5;

/**
 * Makes a schema ready; a JSON Schema is compiled once, however often it is given.
 * @throws ERR_CLIENT_SUBJECT when a JSON Schema cannot be compiled
 */
export function payloadSchema<In, Out>(source: SchemaSource): PayloadSchema<In, Out> {
  if (typeof source !== "object" || source === null) {
    throw new BusError("ERR_CLIENT_SUBJECT", "the schema is missing", { path: "schema", remedy: "give a zod schema, or a JSON Schema" });
  }
  const isShape =
    !isZod(source) && Object.values(source).some((part) => typeof part === "object" && part !== null && isZod(part as SchemaSource));
  if (isShape) {
    throw new BusError("ERR_CLIENT_SUBJECT", "the schema is a record of zod schemas", { path: "schema", remedy: "wrap it in z.object(…)" });
  }
  return (isZod(source) ? zodSchema(source) : compileJsonSchema(source)) as PayloadSchema<In, Out>;
}

// By shape, as an application may have a copy of zod of its own.
function isZod(source: SchemaSource): source is z.ZodType {
  return typeof source["safeParse"] === "function";
}

function zodSchema(schema: z.ZodType): PayloadSchema<unknown, unknown> {
  return {
    check: (value) => {
      try {
        const result = schema.safeParse(value);
        return result.success ? { value: result.data } : { error: describeIssues(result.error.issues) };
      } catch (error) {
        return { error: `the schema could not be applied: ${error instanceof Error ? error.message : String(error)}` };
      }
    },
    document: () => z.toJSONSchema(schema, { io: "input", unrepresentable: "any" }) as JsonSchema,
  };
}

function describeIssues(issues: readonly { readonly path: readonly PropertyKey[]; readonly message: string }[]): string {
  const shown = issues.slice(0, MOST_ISSUES);
  return shown.map((issue) => `${issue.path.map(String).join(".") || "payload"}: ${issue.message}`).join("; ");
}
