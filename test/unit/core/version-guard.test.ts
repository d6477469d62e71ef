import { describe, expect, test } from "vitest";
import { apiLevel, versionProblem } from "../../../core/version-guard.ts";

describe("from one nats-server version to another", () => {
  test.each<[string, string, number | undefined]>([
    ["2.15.2", "2.15.2", undefined],
    ["2.15.1", "2.15.2", undefined],
    ["2.14.7", "2.15.2", undefined],
    // There is no 2.13.
    ["2.12.15", "2.14.0", undefined],
    ["2.15.2", "2.15.1", 4],
    ["2.12.15", "2.12.6", 3],
    ["2.15.2", "2.16.0", undefined],
  ])("%s to %s is allowed", (from, to, level) => {
    expect(versionProblem(from, to, level)).toBeUndefined();
  });

  test.each<[string, string, number | undefined, string]>([
    ["2.12.15", "2.15.2", 0, "more than one minor version"],
    ["2.15.2", "2.17.0", 0, "more than one minor version"],
    ["2.15.2", "3.0.0", 0, "more than one minor version"],
    ["2.15.2", "2.14.7", 0, "is older"],
    ["2.14.0", "2.12.15", 0, "is older"],
    ["2.15.2", "2.15.1", undefined, "what the streams in use need is not known"],
    ["2.12.6", "2.12.5", 3, "streams in use need JetStream API level 3, and nats-server 2.12.5 has 2"],
  ])("%s to %s is refused", (from, to, level, words) => {
    const problem = versionProblem(from, to, level);
    expect(problem).toMatchObject({ code: "ERR_VERSION_STEP", path: "cluster.version" });
    expect(problem?.message).toContain(words);
  });

  test("names the version to go to first", () => {
    expect(versionProblem("2.12.15", "2.15.2", 0)?.remedy).toBe("go to the newest 2.14 first, and on from there");
  });
});

test.each([
  ["2.10.29", 0],
  ["2.11.0", 1],
  ["2.12.5", 2],
  ["2.12.6", 3],
  ["2.14.7", 4],
  ["2.15.2", 5],
])("%s has JetStream API level %i", (version, level) => {
  expect(apiLevel(version)).toBe(level);
});
