/** What payloads must look like, whichever library says so: zod, or JSON Schema. */
import { z } from "zod";
import { compileJsonSchema, type JsonSchema } from "./json-schema.ts";

/** What a check came to: the value, as the schema transforms it, or why it does not fit, without the payload's values. */
export type Checked<Out> = { readonly error?: undefined; readonly value: Out } | { readonly error: string };

/** A schema ready to check payloads. `In` is what is published, `Out` what consumers get. */
export interface PayloadSchema<In, Out> {
  /** Checks a value; never throws. */
  readonly check: (value: unknown) => Checked<Out>;
  /** The schema of what is published, as JSON Schema 2020-12; parts it cannot express accept everything.
   * @throws ERR_CLIENT_SCHEMA when the schema has no such form */
  readonly document: () => JsonSchema;
  /** Only for the compiler: what may be published. */
  readonly accepts?: (value: In) => void;
}

/** A zod schema, or a JSON Schema of draft 2020-12, or of draft 7 when its `$schema` says so. */
export type SchemaSource = z.ZodType | JsonSchema;

const MOST_ISSUES = 5;

/**
 * Makes a schema ready; a JSON Schema is compiled once, however often it is given.
 * @throws ERR_CLIENT_SUBJECT when a JSON Schema cannot be compiled
 */
export function payloadSchema<In, Out>(source: SchemaSource): PayloadSchema<In, Out> {
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
