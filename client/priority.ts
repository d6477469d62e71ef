/** Lanes of a subject `<family>.<priority>.<event>`, and where its dead letters go. Pure. */

/** Priorities, most urgent first; `streams/catalog.ts` ships streams and consumers for them. */
export const PRIORITIES = ["critical", "high", "normal", "low"] as const;

/** One of {@link PRIORITIES}. */
export type Priority = (typeof PRIORITIES)[number];

const DEAD_LETTERS = "dead";

/** Whether `text` is one of {@link PRIORITIES}. */
export function isPriority(text: string | undefined): text is Priority {
  return PRIORITIES.some((priority) => priority === text);
}

/** Lane of a literal subject; `normal` when its second token names none. */
export function laneOf(subject: string): Priority {
  const token = subject.split(".")[1];
  return isPriority(token) ? token : "normal";
}

/** Where the dead letters of a literal subject go: `security.critical.alert` to `security.dead.alert`; without a priority `dead` is put in. */
export function deadLetterSubject(subject: string): string {
  const [family = subject, second, ...rest] = subject.split(".");
  const event = isPriority(second) || second === undefined ? rest : [second, ...rest];
  return [family, DEAD_LETTERS, ...event].join(".");
}

/** Whether a literal subject is one that dead letters go to. */
export function isDeadLetterSubject(subject: string): boolean {
  const start = subject.indexOf(".") + 1;
  const end = start + DEAD_LETTERS.length;
  return start > 0 && subject.startsWith(DEAD_LETTERS, start) && (subject.length === end || subject[end] === ".");
}
