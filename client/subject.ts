/** Typed subjects: what may be published where, and in which shape. */
import type { z } from "zod";
import { BusError } from "../core/errors.ts";
import { subjectCovers, subjectProblem } from "../core/names.ts";
import { parseSize, type Size } from "../core/units.ts";
import { assertOneOf } from "./options.ts";
import { isPriority, PRIORITIES, type Priority } from "./priority.ts";
import type { JsonSchema, PayloadSchema } from "./schema.ts";
import { payloadSchema, type SchemaSource } from "./schema-source.ts";

/** What a consumer does with a payload of a version it does not know. */
type UnknownVersionPolicy = "dead-letter" | "validate" | "skip";

/** Options of {@link defineSubject}. */
export interface SubjectArgs {
  /** Id of the schema, sent with each message.
   * @default - the subject */
  readonly schemaId?: string;
  /** Version of the schema. Range: whole numbers from 1; count up when old payloads would not fit the new schema.
   * @default 1 */
  readonly version?: number;
  /** Turns a payload of an older version into one of the next version, by the older version's number; the result of the last is validated.
   * @default {} */
  readonly upgrades?: Readonly<Record<number, (payload: unknown) => unknown>>;
  /** What to do with versions that are neither the present one nor upgraded: put them with the dead letters, try the present schema, or acknowledge them unread.
   * @default "dead-letter" */
  readonly unknownVersions?: UnknownVersionPolicy;
  /** Largest payload, refused on both sides before it is parsed.
   * @default "1MiB" */
  readonly maxSize?: Size;
}

/** A subject, or a pattern of subjects, with the schema of its payloads. `In` is what is published, `Out` what consumers get. */
export interface Subject<In, Out> {
  /** Literal subject, or a pattern such as `security.*.alert`. */
  readonly pattern: string;
  /** Checks payloads. */
  readonly schema: PayloadSchema<In, Out>;
  /** Id of the schema, sent in a header. */
  readonly schemaId: string;
  /** Version of the schema, sent in a header. */
  readonly version: number;
  /** Map keyed by an older version: turns its payload into that of the next one. */
  readonly upgrades: Readonly<Record<number, (payload: unknown) => unknown>>;
  /** What to do with payloads of versions that are not known. */
  readonly unknownVersions: UnknownVersionPolicy;
  /** In bytes. */
  readonly maxBytes: number;
}

/** Where exactly a message of a pattern goes. */
export interface SubjectChoice {
  /** Literal subject the pattern covers.
   * @default - the pattern itself */
  readonly subject?: string;
  /** Priority put in place of a `*` that is the second token.
   * @default - none */
  readonly priority?: Priority;
}

/**
 * Declares what may be published to a subject.
 * @param pattern literal, or with wildcards when each message chooses its own subject or priority
 * @param schema zod or JSON Schema; validates payloads on both sides; what it transforms is transformed for the consumer only
 * @throws ERR_CLIENT_SUBJECT when the subject, the version or a JSON Schema is not well formed, ERR_UNIT for a size that is none
 *
 * @example
 * const alert = defineSubject("security.*.alert", z.object({ host: z.string(), text: z.string() }), { version: 2 });
 * await bus.publish(alert, { host: "n1", text: "login refused" }, { priority: "critical" });
 * const load = defineSubject<{ percent: number }>("performance.low.load", { type: "object", properties: { percent: { type: "number" } } });
 */
export function defineSubject<Schema extends z.ZodType>(
  pattern: string,
  schema: Schema,
  args?: SubjectArgs,
): Subject<z.input<Schema>, z.output<Schema>>;
/** The same with a JSON Schema; the type of the payloads is named, as it cannot be read from the schema. */
export function defineSubject<Value = unknown>(pattern: string, schema: JsonSchema, args?: SubjectArgs): Subject<Value, Value>;
export function defineSubject(pattern: string, schema: SchemaSource, args: SubjectArgs = {}): Subject<unknown, unknown> {
  const { schemaId = pattern, version = 1, upgrades = {}, unknownVersions = "dead-letter", maxSize = "1MiB" } = args;
  assertOneOf("unknownVersions", unknownVersions, ["dead-letter", "validate", "skip"]);
  const problem = subjectProblem(pattern);
  if (problem !== undefined) throw new BusError("ERR_CLIENT_SUBJECT", problem, { remedy: "correct the subject given to defineSubject" });
  if (!Number.isSafeInteger(version) || version < 1) {
    throw new BusError("ERR_CLIENT_SUBJECT", `subject ${pattern}: version ${version} is not a whole number from 1`, { path: "version" });
  }
  if (schemaId === "" || /[\r\n]/.test(schemaId)) {
    throw new BusError("ERR_CLIENT_SUBJECT", `subject ${pattern}: the schema id is empty or has several lines`, { path: "schemaId" });
  }
  return { pattern, schema: payloadSchema(schema), schemaId, version, upgrades, unknownVersions, maxBytes: parseSize(maxSize, "maxSize") };
}

/**
 * The literal subject a message goes to.
 * @throws ERR_CLIENT_SUBJECT when a wildcard is left, or the subject chosen is not one of the pattern
 */
export function resolveSubject(pattern: string | undefined, choice: SubjectChoice): string {
  const { subject, priority } = choice;
  if (pattern === undefined) {
    throw new BusError("ERR_CLIENT_SUBJECT", "what is published to is not a subject definition", {
      remedy: "give what defineSubject returned",
    });
  }
  const chosen = subject ?? withPriority(pattern, priority);
  const problem = subjectProblem(chosen, { wildcards: false });
  if (problem !== undefined) {
    throw new BusError("ERR_CLIENT_SUBJECT", problem, { remedy: "give the message a subject or a priority that leaves no wildcard" });
  }
  if (subjectCovers(pattern, chosen)) return chosen;
  throw new BusError("ERR_CLIENT_SUBJECT", `subject ${chosen} is not covered by ${pattern}`, {
    remedy: "publish it with the definition of its own subject",
  });
}

function withPriority(pattern: string, priority: Priority | undefined): string {
  if (priority === undefined) return pattern;
  if (!isPriority(priority)) {
    throw new BusError("ERR_CLIENT_SUBJECT", `${JSON.stringify(priority)} is not a priority`, { remedy: `give ${PRIORITIES.join(", ")}` });
  }
  const [family, second, ...event] = pattern.split(".");
  if (second === "*") return [family, priority, ...event].join(".");
  if (second === priority) return pattern;
  const reason = isPriority(second) ? `has the priority ${second}` : "has no * as its second token";
  throw new BusError("ERR_CLIENT_SUBJECT", `subject ${pattern} ${reason}, so a message cannot have the priority ${priority}`);
}
