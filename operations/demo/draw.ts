/** Small pictures in text. Pure. */

const LEVELS = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;
const FULL = "█";
const EMPTY = "░";

/** A bar of `width` characters, filled to the share (0 to 1). */
export function bar(share: number, width: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, share)) * width);
  return FULL.repeat(filled) + EMPTY.repeat(width - filled);
}

/** One character a number, as high as it is against the largest; a dot for nothing. */
export function sparkline(counts: readonly number[]): string {
  const most = Math.max(...counts, 1);
  return counts
    .map((count) => (count <= 0 ? "·" : (LEVELS[Math.min(LEVELS.length - 1, Math.ceil((count / most) * LEVELS.length) - 1)] ?? FULL)))
    .join("");
}

/** How many of the moments fall into each slot of `slotMs` from `fromMs` to `toMs`. */
export function slots(
  moments: readonly number[],
  { fromMs, toMs, slotMs }: { readonly fromMs: number; readonly toMs: number; readonly slotMs: number },
): readonly number[] {
  const counts = Array.from({ length: Math.max(0, Math.ceil((toMs - fromMs) / slotMs)) }, () => 0);
  for (const moment of moments) {
    const index = Math.floor((moment - fromMs) / slotMs);
    if (index >= 0 && index < counts.length) counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}
