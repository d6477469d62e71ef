/** Rotation of credentials and keys with two of them alive: a new generation is issued beside the old one, and the next run ends the old one. Pure. */

/** Where a credential or key stands. */
export interface RotationPhase {
  /** How often it was rotated. */
  readonly generation: number;
  /** When its successor was issued, as long as the one before is still good; ISO 8601. Absent: there is only one. */
  readonly overlapSince?: string;
}

/**
 * The phase after this run: a wanted generation that differs begins an overlap, a run that finds one ends it.
 * @param was phase before; absent: never rotated
 * @param isNew whether nothing was issued yet, so that there is nothing to overlap with
 * @returns `undefined` for what was never rotated
 */
export function nextPhase(
  was: RotationPhase | undefined,
  wanted: { readonly generation: number; readonly isNew: boolean },
  now: Date,
): RotationPhase | undefined {
  const { generation, isNew } = wanted;
  if (isNew) return generation === 0 ? undefined : { generation };
  if (generation !== (was?.generation ?? 0)) return { generation, overlapSince: now.toISOString() };
  return was?.overlapSince === undefined ? was : { generation };
}

/** Phases of many, by name. Those that were never rotated are left out. */
export function nextPhases(
  names: readonly string[],
  want: { readonly generations: Readonly<Record<string, number>>; readonly isNew: (name: string) => boolean },
  before: Readonly<Record<string, RotationPhase>>,
  now: Date,
): Record<string, RotationPhase> {
  const phases = names.flatMap((name) => {
    const phase = nextPhase(before[name], { generation: want.generations[name] ?? 0, isNew: want.isNew(name) }, now);
    return phase === undefined ? [] : [[name, phase] as const];
  });
  return Object.fromEntries(phases);
}
