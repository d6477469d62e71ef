/** How long servers remember message ids when nobody says. */

const TWO_MINUTES_MS = 120_000;

/** The server's own `duplicateWindow`, in milliseconds: two minutes, or `maxAge` (0 for none) when that is shorter. */
export function defaultWindow({ maxAge }: { readonly maxAge: number }): number {
  return maxAge === 0 ? TWO_MINUTES_MS : Math.min(TWO_MINUTES_MS, maxAge);
}
