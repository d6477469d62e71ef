/** Turns what the schema found into problems a user can act on. */
import type { z } from "zod";
import { ERROR_CODES, type ErrorCode, type Problem } from "./errors.ts";
import { nearestWord } from "./nearest.ts";
import { listSettings, type Setting } from "./settings.ts";

type Issue = z.core.$ZodIssue;

/** One problem an unknown key, several issues otherwise one each, in the order found.
 * @param settings the values that were checked, to quote the one that is wrong */
export function describeIssues(issues: readonly Issue[], settings: unknown): readonly Problem[] {
  return issues.flatMap((issue) => {
    const path = renderPath(issue.path);
    if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(path, key));
    return [wrongValue(issue, path, valueAt(settings, issue.path))];
  });
}

/** The problem of a key that does not exist in the section at `parent` (empty: the top level); names the nearest one that does. */
export function unknownKey(parent: string, key: string): Problem {
  const known = listSettings().find((setting) => setting.path === parent)?.keys ?? [];
  const nearest = nearestWord(key, known);
  const elsewhere = listSettings().find((setting) => setting.path.split(".").at(-1) === key)?.path;
  const place = parent === "" ? "natsbus:" : parent;
  let remedy = "remove it";
  if (nearest !== undefined) remedy = `did you mean "${nearest}"?`;
  else if (elsewhere !== undefined) remedy = `did you mean "${elsewhere}"?`;
  return {
    code: "ERR_CONFIG_KEY",
    path: parent === "" ? key : `${parent}.${key}`,
    message: `unknown key "${key}"; ${place} has ${known.join(", ")}`,
    remedy,
  };
}

function wrongValue(issue: Issue, path: string, value: unknown): Problem {
  const setting = settingOf(path);
  const code = codeOf(issue, setting, value);
  const detail = issue.code === "custom" && !isEmpty(value) ? issue.message : refusal(value);
  const nearest = typeof value === "string" ? nearestWord(value, setting.choices) : undefined;
  const fallback = setting.defaultText === undefined ? "" : `, or remove it for the default ${setting.defaultText}`;
  return {
    code,
    path,
    message: code === "ERR_NAME" ? detail : `${detail}; allowed is ${setting.allowed}`,
    remedy: nearest === undefined ? `correct it${fallback}` : `did you mean "${nearest}"?`,
  };
}

function codeOf(issue: Issue, setting: Setting, value: unknown): ErrorCode {
  if (isEmpty(value)) return "ERR_CONFIG_MISSING";
  const code: unknown = issue.code === "custom" ? issue.params?.["code"] : undefined;
  if (typeof code === "string" && code in ERROR_CODES) return code as ErrorCode;
  const isQuantity = setting.type === "duration" || setting.type === "size";
  return isQuantity && typeof value === "number" ? "ERR_UNIT" : "ERR_CONFIG_VALUE";
}

function renderPath(path: readonly PropertyKey[]): string {
  return path.map((key, index) => (typeof key === "number" ? `[${key}]` : `${index === 0 ? "" : "."}${String(key)}`)).join("");
}

/** The setting at `path`, or the nearest one above it for a list's element or a record's entry. */
function settingOf(path: string): Setting {
  const all = listSettings();
  const [root] = all;
  for (let at = path; at !== ""; at = at.slice(0, Math.max(0, at.search(/[.[][^.[]*$/)))) {
    const found = all.find((setting) => setting.path === at);
    if (found !== undefined) return found;
  }
  return root as Setting;
}

function valueAt(settings: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null ? (value as Record<PropertyKey, unknown>)[key] : undefined),
    settings,
  );
}

function refusal(value: unknown): string {
  return isEmpty(value) ? "the key has no value" : `${quote(value)} is not allowed`;
}

/** A key with nothing behind it, as YAML gives it. */
function isEmpty(value: unknown): boolean {
  return value === null || value === "";
}

function quote(value: unknown): string {
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === "object" && value !== null) return "a block";
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
