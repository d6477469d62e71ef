/** nats-server versions: order, and what natsbus supports. */

/** Oldest and newest `major.minor` natsbus supports. */
export const SUPPORTED_MINORS = { oldest: "2.12", newest: "2.15" } as const;

/** Less than 0 when `a` is older than `b`, 0 when equal, by the three numbers; a suffix such as `-RC.1` makes a version older than the one without. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  const different = left.findIndex((part, index) => part !== right[index]);
  if (different >= 0) return (left[different] ?? 0) - (right[different] ?? 0);
  return Number(b.includes("-")) - Number(a.includes("-"));
}

/** `major.minor` of a version. */
export function minorOf(version: string): string {
  return version.split(".", 2).join(".");
}

/** Whether natsbus supports the version's minor release. */
export function isSupported(version: string): boolean {
  const minor = `${minorOf(version)}.0`;
  return compareVersions(minor, `${SUPPORTED_MINORS.oldest}.0`) >= 0 && compareVersions(minor, `${SUPPORTED_MINORS.newest}.0`) <= 0;
}

function numbersOf(version: string): number[] {
  const core = version.split("-", 1)[0] ?? "";
  return core.split(".").map((part) => Number.parseInt(part, 10));
}
