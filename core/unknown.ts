/** What a dynamic provider's `check` and `diff` see, in a preview, in place of a value that another resource has yet to make. */
export const UNKNOWN_VALUE = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Whether `value` is not known yet, or holds a part that is not. */
export function isUnknown(value: unknown): boolean {
  if (value === UNKNOWN_VALUE) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(isUnknown);
}
