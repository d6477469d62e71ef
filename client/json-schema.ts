/** JSON Schema as a schema of payloads, compiled by ajv. */
import { createRequire } from "node:module";
import type { Ajv, ErrorObject, ValidateFunction } from "ajv";
import { BusError } from "../core/errors.ts";
import { messageOf } from "./options.ts";
import type { JsonSchema, PayloadSchema } from "./schema.ts";

const OPTIONS = {
  strict: true,
  strictTypes: false,
  strictRequired: false,
  strictTuples: false,
  allErrors: false,
  validateFormats: true,
} as const;
const DRAFT_7 = /^https?:\/\/json-schema\.org\/draft-07\/schema#?$/;
const compiled = new WeakMap<JsonSchema, PayloadSchema<unknown, unknown>>();
// Applications that use zod alone do not wait for ajv to load.
const require = createRequire(import.meta.url);
const compilers = new Map<string, Ajv>();

/**
 * Compiles a JSON Schema, once for each object.
 * @throws ERR_CLIENT_SUBJECT when it is not well formed, uses a keyword that does not exist, or refers to another document
 */
export function compileJsonSchema(schema: JsonSchema): PayloadSchema<unknown, unknown> {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const validate = compile(schema);
  const made: PayloadSchema<unknown, unknown> = {
    check: (value) => {
      try {
        return validate(value) ? { value } : { error: describeErrors(validate.errors ?? []) };
      } catch (error) {
        // Deeper than the stack goes.
        return { error: `the schema could not be applied: ${messageOf(error)}` };
      }
    },
    document: () => schema,
  };
  compiled.set(schema, made);
  return made;
}

function compile(schema: JsonSchema): ValidateFunction {
  try {
    if (schema["$async"] === true) throw new Error("asynchronous schemas cannot be used");
    return compilerFor(schema).compile(schema);
  } catch (cause) {
    throw new BusError("ERR_CLIENT_SUBJECT", `the JSON Schema cannot be compiled: ${messageOf(cause)}`, {
      path: "schema",
      remedy: "correct the schema; it must be complete in itself, of draft 2020-12, or of draft 7 with that in $schema",
      cause,
    });
  }
}

/** A compiler remembers every `$id`, so each schema that has one gets its own. */
function compilerFor(schema: JsonSchema): Ajv {
  const draft = DRAFT_7.test(String(schema["$schema"] ?? "")) ? "draft 7" : "2020-12";
  const shared = compilers.get(draft);
  if (shared !== undefined && schema["$id"] === undefined) return shared;
  const made = createCompiler(draft);
  if (schema["$id"] === undefined) compilers.set(draft, made);
  return made;
}

function createCompiler(draft: "draft 7" | "2020-12"): Ajv {
  const module = require(draft === "draft 7" ? "ajv" : "ajv/dist/2020.js") as { readonly default: new (options: object) => Ajv };
  const made = new module.default(OPTIONS);
  const { default: addFormats } = require("ajv-formats") as { readonly default: (ajv: Ajv) => Ajv };
  return addFormats(made);
}

function describeErrors(errors: readonly ErrorObject[]): string {
  const [first] = errors;
  if (first === undefined) return "payload: does not fit the schema";
  const path = first.instancePath.slice(1).replaceAll("/", ".") || "payload";
  return `${path}: ${first.message ?? first.keyword}`;
}
