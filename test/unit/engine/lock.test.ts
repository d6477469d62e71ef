import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { acquireLock, type LockHolder, removeLocks } from "../../../engine/lock.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const OTHER: LockHolder = { pid: process.pid, username: "ann", hostname: hostname(), timestamp: "2026-01-02T03:04:05Z" };

function options(directory: string, notices: string[] = []): Parameters<typeof acquireLock>[0] {
  return { directory: join(directory, "locks"), stack: "dev", onNotice: (text) => notices.push(text) };
}

function plant(directory: string, holder: Partial<LockHolder> | string): void {
  mkdirSync(join(directory, "locks"), { recursive: true });
  writeFileSync(join(directory, "locks", "planted.json"), typeof holder === "string" ? holder : JSON.stringify({ ...OTHER, ...holder }));
}

function endedPid(): number {
  return spawnSync(process.execPath, ["--eval", "0"]).pid;
}

describe("the lock of a stack", () => {
  it("is held by one run and free again afterwards", async () => {
    using folder = temporaryFolder();
    const first = await acquireLock(options(folder.path));
    const [file = ""] = readdirSync(join(folder.path, "locks"));
    expect(JSON.parse(readFileSync(join(folder.path, "locks", file), "utf8"))).toMatchObject({ pid: process.pid, hostname: hostname() });
    await expect(acquireLock(options(folder.path))).rejects.toMatchObject({
      code: "ERR_STATE_LOCKED",
      message: expect.stringContaining(`process ${process.pid} of`),
      remedy: expect.stringContaining("`natsbus cancel --stack dev`"),
    });
    first.release();
    first.release();
    (await acquireLock(options(folder.path))).release();
    expect(readdirSync(folder.path, { recursive: true })).toEqual(["locks"]);
  });

  it("goes to at most one of many who want it at once", async () => {
    using folder = temporaryFolder();
    const results = await Promise.allSettled(Array.from({ length: 8 }, () => acquireLock(options(folder.path))));
    expect(results.filter(({ status }) => status === "fulfilled").length).toBeLessThanOrEqual(1);
    expect(readdirSync(join(folder.path, "locks")).length).toBeLessThanOrEqual(1);
  });

  it.each<[string, () => Partial<LockHolder>]>([
    ["has ended", () => ({ pid: endedPid() })],
    ["left its number to another process", () => ({ started: "1" })],
  ])("is taken from a process of this machine that %s, and says so", async (_name, holder) => {
    using folder = temporaryFolder();
    plant(folder.path, holder());
    const notices: string[] = [];
    (await acquireLock(options(folder.path, notices))).release();
    expect(notices).toEqual([expect.stringContaining("ann@")]);
  });

  it.each<[string, () => Partial<LockHolder> | string]>([
    ["runs", () => ({})],
    ["is on another machine", () => ({ pid: endedPid(), hostname: "elsewhere" })],
    ["is in another container or from before a restart", () => ({ pid: endedPid(), realm: "other" })],
    ["cannot be told", () => "{"],
  ])("is respected when its holder %s", async (_name, holder) => {
    using folder = temporaryFolder();
    plant(folder.path, holder());
    await expect(acquireLock(options(folder.path))).rejects.toMatchObject({ code: "ERR_STATE_LOCKED" });
    expect(readdirSync(join(folder.path, "locks"))).toEqual(["planted.json"]);
  });

  it("can be removed by force, naming whose it was", async () => {
    using folder = temporaryFolder();
    plant(folder.path, { hostname: "elsewhere" });
    expect(removeLocks(join(folder.path, "locks"))).toMatchObject([{ username: "ann", hostname: "elsewhere" }]);
    (await acquireLock(options(folder.path))).release();
  });

  it("cannot be taken in a folder that cannot be written", async () => {
    using folder = temporaryFolder();
    writeFileSync(join(folder.path, "locks"), "");
    await expect(acquireLock(options(folder.path))).rejects.toMatchObject({ code: "ERR_STATE_WRITE" });
  });
});
