/** What the user says about receivers of alerts. */
import { assertNoProblems, type Problem } from "../core/errors.ts";
import type { Receiver } from "./receivers.ts";

/** A severity that reaches people. */
export type RoutedSeverity = "critical" | "warning" | "info";

/** A recurring time in which some severities keep silent, all in UTC. */
export interface MuteTime {
  /** Name. */
  readonly name: string;
  /** Days, `monday` or `monday:friday`. Alertmanager's week begins on Sunday, so a weekend is `["saturday", "sunday"]`.
   * @default - every day */
  readonly weekdays?: readonly string[];
  /** Hours within a day; a night is two of them.
   * @default - all day */
  readonly times?: readonly { /** `HH:MM`. */ readonly start: string /** `HH:MM`, up to `24:00`. */; readonly end: string }[];
  /** What is muted.
   * @default ["warning", "info"] */
  readonly severities?: readonly RoutedSeverity[];
}

/** Receivers, and who gets what. */
export interface AlertRouting {
  /** Everyone who can be told. */
  readonly receivers: readonly Receiver[];
  /** Receiver of critical alerts, usually a pager.
   * @default - nobody */
  readonly critical?: string;
  /** Receiver of warnings, usually tickets or a channel.
   * @default - nobody */
  readonly warning?: string;
  /** Receiver of informative alerts, usually a digest.
   * @default - nobody */
  readonly info?: string;
  /** Receiver of the heartbeat: an outside service that raises the alarm when it stops.
   * @default - nobody */
  readonly watchdog?: string;
  /** Receivers of stream and consumer alerts by the team of the stream; critical ones go to `critical` as well.
   * @default {} */
  readonly teams?: Readonly<Record<string, string>>;
  /** Times of silence.
   * @default [] */
  readonly muteTimes?: readonly MuteTime[];
}

/**
 * Checks that routes and receivers fit together.
 * @throws ERR_CONFIG_VALUE, or ERR_CONFIG with all problems
 */
export function assertRouting(routing: AlertRouting): void {
  assertNoProblems(routingProblems(routing));
}

/** What does not fit together in routes and receivers; empty when all is well. */
export function routingProblems(routing: AlertRouting): Problem[] {
  const names = routing.receivers.map(({ name }) => name);
  const { critical, warning, info, watchdog } = routing;
  const used = { critical, warning, info, watchdog, ...prefixed("teams.", routing.teams ?? {}) };
  return [
    ...Object.entries(used).flatMap(([setting, name]) =>
      name === undefined || names.includes(name) ? [] : [unknownReceiver(setting, name, names)],
    ),
    ...names.flatMap((name, index) => (name === "nobody" || names.indexOf(name) < index ? [takenName(name, index)] : [])),
    ...routing.receivers.flatMap(({ webhook, name }, index) =>
      (webhook?.url === undefined) === (webhook?.urlFrom === undefined) && webhook ? [addressOf(name, index)] : [],
    ),
    ...(routing.muteTimes ?? []).flatMap(muteTimeProblems),
  ];
}

const WEEK = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

function muteTimeProblems({ name, weekdays = [], times = [] }: MuteTime, index: number): Problem[] {
  const setting = `muteTimes[${index}]`;
  return [
    ...weekdays
      .filter((days) => !areDays(days))
      .map((days) =>
        problem(
          `${setting}.weekdays`,
          `mute time "${name}": "${days}" is no day and no rising range of days`,
          'write "monday" or "monday:friday"; the week begins on Sunday',
        ),
      ),
    ...times
      .filter(({ start, end }) => !isTime(start) || !isTime(end) || start >= end)
      .map(({ start, end }) =>
        problem(
          `${setting}.times`,
          `mute time "${name}": ${start} to ${end} is no time within a day`,
          "write HH:MM from 00:00 to 24:00; split a night at midnight",
        ),
      ),
  ];
}

function areDays(days: string): boolean {
  const [first = -1, last = first, ...rest] = days.split(":").map((day) => WEEK.indexOf(day));
  return rest.length === 0 && first >= 0 && last >= first;
}

function isTime(text: string): boolean {
  return /^(?:[01]\d|2[0-3]):[0-5]\d$|^24:00$/.test(text);
}

function prefixed(prefix: string, entries: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).map(([key, value]) => [prefix + key, value]));
}

function unknownReceiver(setting: string, name: string, names: readonly string[]): Problem {
  const known = names.length === 0 ? "there are none" : `there are ${names.join(", ")}`;
  return problem(setting, `receiver "${name}" does not exist; ${known}`, "add the receiver or correct the name");
}

function takenName(name: string, index: number): Problem {
  return problem(`receivers[${index}].name`, `the name "${name}" is already taken`, 'choose another name; "nobody" is reserved');
}

function addressOf(name: string, index: number): Problem {
  return problem(
    `receivers[${index}].webhook`,
    `webhook of receiver "${name}" needs exactly one of url and urlFrom`,
    "give one of the two",
  );
}

function problem(setting: string, message: string, remedy: string): Problem {
  return { code: "ERR_CONFIG_VALUE", path: `monitoring.alerting.${setting}`, message, remedy };
}
