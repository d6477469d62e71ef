/** The stack file's settings as a flat list, read from the schema: what problems quote and what the configuration reference prints. */
import { z } from "zod";
import { stackSchema } from "./stack-schema.ts";

/** One setting, or a section that holds settings. */
export interface Setting {
  /** Path below `natsbus:`, for instance `limits.maxPayload`; empty for the root. */
  readonly path: string;
  /** What it means. */
  readonly description: string;
  /** Kind of value in words. */
  readonly type: string;
  /** What is allowed, in words. */
  readonly allowed: string;
  /** Default as Markdown; `undefined` for a section. */
  readonly defaultText: string | undefined;
  /** Keys of a section, empty for a plain setting. */
  readonly keys: readonly string[];
  /** The only values allowed, empty when there is no such list. */
  readonly choices: readonly string[];
}

/** The part of a JSON schema this module reads. */
export interface SettingSchema {
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly allowed?: string;
  readonly default?: unknown;
  readonly defaultText?: string;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly properties?: Readonly<Record<string, SettingSchema>>;
}

/** JSON schema of the stack file's settings, keys without `natsbus:`. */
export function settingsSchema(): SettingSchema {
  return z.toJSONSchema(stackSchema, { io: "input" }) as SettingSchema;
}

/** Every section and setting, parents before children, in the order of the schema. */
export function listSettings(): readonly Setting[] {
  return collect("", settingsSchema());
}

function collect(path: string, schema: SettingSchema): Setting[] {
  const keys = Object.keys(schema.properties ?? {});
  const own: Setting = {
    path,
    description: schema.description ?? "",
    type: typeOf(schema),
    allowed: allowedOf(schema),
    defaultText: keys.length > 0 ? undefined : (schema.defaultText ?? `\`${JSON.stringify(schema.default)}\``),
    keys,
    choices: schema.enum ?? [],
  };
  return [own, ...Object.entries(schema.properties ?? {}).flatMap(([key, child]) => collect(path === "" ? key : `${path}.${key}`, child))];
}

function typeOf(schema: SettingSchema): string {
  if (schema.title !== undefined) return schema.title;
  if (schema.enum !== undefined) return "choice";
  const words: Record<string, string> = { object: "block", integer: "whole number", boolean: "true or false", string: "text" };
  return words[schema.type ?? ""] ?? schema.type ?? "value";
}

function allowedOf(schema: SettingSchema): string {
  if (schema.allowed !== undefined) return schema.allowed;
  if (schema.enum !== undefined) return `one of ${schema.enum.join(", ")}`;
  if (schema.properties !== undefined) return `a block with ${Object.keys(schema.properties).join(", ")}`;
  if (schema.minimum !== undefined && schema.maximum !== undefined)
    return `a ${schema.type === "integer" ? "whole number" : "number"} from ${schema.minimum} to ${schema.maximum}`;
  return `a ${typeOf(schema)}`.replace("a true or false", "true or false");
}
