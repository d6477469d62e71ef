/**
 * When a certificate or credential was issued, when it ends and when it is due for renewal. A provider's `check` keeps this beside the inputs, so that a
 * renewal is an ordinary property change that a preview shows.
 */

/** Time a credential or certificate is good for. Times are ISO 8601 in UTC, whole seconds. */
export interface Validity {
  /** Time of issue. */
  readonly issuedAt: string;
  /** End of validity; absent means none. */
  readonly expiresAt?: string;
}

/** What decides the validity of the next issue. */
export interface ValidityWish {
  /** Length of validity in milliseconds; 0 means no end. */
  readonly lifetimeMs: number;
  /** Time before the end from which on it is renewed, in milliseconds; below `lifetimeMs`. */
  readonly renewBeforeMs: number;
}

/**
 * The validity to use now: the present one while it is outside its renewal window and its length is still the wanted one, else one that starts now.
 * @param before validity in use; absent when nothing was issued yet
 */
export function nextValidity(before: Validity | undefined, wish: ValidityWish, now: Date): Validity {
  if (before !== undefined && !isDue(before, wish, now)) return before;
  const issued = Math.floor(now.getTime() / 1000) * 1000;
  const issuedAt = renderTime(issued);
  return wish.lifetimeMs === 0 ? { issuedAt } : { issuedAt, expiresAt: renderTime(issued + wish.lifetimeMs) };
}

/** Whether it is time to issue anew. */
function isDue(before: Validity, wish: ValidityWish, now: Date): boolean {
  const length = before.expiresAt === undefined ? 0 : Date.parse(before.expiresAt) - Date.parse(before.issuedAt);
  // Written lengths are whole seconds, so a wish of 1500ms is met by one of them.
  if (Math.abs(length - wish.lifetimeMs) >= 1000) return true;
  return before.expiresAt !== undefined && now.getTime() >= Date.parse(before.expiresAt) - wish.renewBeforeMs;
}

/** A Unix time in milliseconds as text, in whole seconds. */
function renderTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}
