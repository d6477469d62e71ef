import type { Cancellation } from "../engine/run-options.ts";

/** Signals closer together than this are one Ctrl-C: the terminal, npm and the launcher may each pass it on. */
const ONE_PRESS_MS = 250;

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Turns Ctrl-C into a cancellation: once gracefully, twice at once. */
export interface Interrupts {
  readonly cancellation: Cancellation;
  /** How often it was pressed. */
  presses(): number;
  /** Takes one signal at `nowMs`. */
  press(nowMs: number): void;
}

/** Counts presses; `onPress` hears of the first and the second. */
export function createInterrupts(onPress: (count: number) => void): Interrupts {
  const graceful = new AbortController();
  const now = new AbortController();
  let presses = 0;
  let pressedAt = Number.NEGATIVE_INFINITY;
  return {
    cancellation: { graceful: graceful.signal, now: now.signal },
    presses: () => presses,
    press(nowMs) {
      if (nowMs - pressedAt < ONE_PRESS_MS) return;
      pressedAt = nowMs;
      presses += 1;
      (presses === 1 ? graceful : now).abort();
      if (presses <= 2) onPress(presses);
    },
  };
}

/** Listens to this process's signals until disposed. */
export function listenForInterrupts(onPress: (count: number) => void): Interrupts & Disposable {
  const interrupts = createInterrupts(onPress);
  const listen = (): void => interrupts.press(performance.now());
  for (const signal of SIGNALS) process.on(signal, listen);
  return Object.assign(interrupts, {
    [Symbol.dispose]() {
      for (const signal of SIGNALS) process.off(signal, listen);
    },
  });
}

/** What the user is told at the first and the second press. */
export function interruptText(count: number): string {
  return count === 1
    ? "^C received; cancelling. If you would like to terminate immediately, press ^C again.\nNote that terminating immediately may lead to orphaned resources and other inconsistencies.\n"
    : "^C received; terminating\n";
}
