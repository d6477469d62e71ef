/** Which nats-server versions may follow one another over the same data. Pure. */
import type { Problem } from "./errors.ts";

/** Minor versions that were published, in order; 2.13 never was. */
const MINORS = ["2.10", "2.11", "2.12", "2.14", "2.15"];

/** JetStream API levels by the version that brought them, oldest first. */
const LEVELS: readonly (readonly [string, number])[] = [
  ["2.11.0", 1],
  ["2.12.0", 2],
  ["2.12.6", 3],
  ["2.14.0", 4],
  ["2.15.0", 5],
];

/** JetStream API level of a version: what its streams may use. */
export function apiLevel(version: string): number {
  return LEVELS.findLast(([since]) => compareVersions(since, version) <= 0)?.[1] ?? 0;
}

/**
 * Why `to` may not follow `from`; `undefined` when it may. Upwards one minor version at a time, as that is what is tested and what data formats allow for; downwards never below the minor
 * version that runs, nor below what streams in use need.
 * @param usedLevel highest API level that a stream or consumer in use needs; absent: not known, so that no step down is allowed
 */
export function versionProblem(from: string, to: string, usedLevel: number | undefined, path = "cluster.version"): Problem | undefined {
  const steps = minorIndex(to) - minorIndex(from);
  const refuse = (message: string, remedy: string): Problem => ({ code: "ERR_VERSION_STEP", path, message, remedy });
  if (steps < 0)
    return refuse(`nats-server ${from} runs, and ${to} is older: it may not read what the newer one wrote`, `set it back to ${from}`);
  if (steps > 1) {
    const next = MINORS[minorIndex(from) + 1] ?? minorOf(from);
    return refuse(`from nats-server ${from} to ${to} is more than one minor version`, `go to the newest ${next} first, and on from there`);
  }
  if (compareVersions(to, from) >= 0) return undefined;
  if (usedLevel === undefined)
    return refuse(`nats-server ${from} runs, and ${to} is older; what the streams in use need is not known`, `set it back to ${from}`);
  if (apiLevel(to) >= usedLevel) return undefined;
  return refuse(
    `streams in use need JetStream API level ${usedLevel}, and nats-server ${to} has ${apiLevel(to)}`,
    `set it back to ${from}`,
  );
}

/** Negative when `a` is the older one, 0 when they are the same. */
function compareVersions(a: string, b: string): number {
  const [left, right] = [partsOf(a), partsOf(b)];
  const different = left.findIndex((part, index) => part !== right[index]);
  return different < 0 ? 0 : (left[different] ?? 0) - (right[different] ?? 0);
}

function partsOf(version: string): number[] {
  return version.split("-", 1)[0]?.split(".").map(Number) ?? [];
}

function minorOf(version: string): string {
  return partsOf(version).slice(0, 2).join(".");
}

/** Place of a minor version in the published line; those after its end follow by number. */
function minorIndex(version: string): number {
  const known = MINORS.indexOf(minorOf(version));
  if (known >= 0) return known;
  const [major = 0, minor = 0] = partsOf(version);
  const [, newest = 0] = partsOf(MINORS.at(-1) ?? "");
  return minor > newest || major > 2 ? MINORS.length - 1 + (minor - newest) + (major - 2) * 100 : -1;
}
