import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const LAUNCHER = join(import.meta.dirname, "../../../cli/natsbus.js");

/** The launcher as an old Node on some platform without an installed Node 24 would run it. */
function launchOn(platform: string, arch: string): { readonly status: number | null; readonly stderr: string } {
  using folder = temporaryFolder();
  const disguise = join(folder.path, "old-node.cjs");
  mkdirSync(join(folder.path, "cache"));
  writeFileSync(
    disguise,
    `Object.defineProperty(process, "platform", { value: ${JSON.stringify(platform)} });
Object.defineProperty(process, "arch", { value: ${JSON.stringify(arch)} });
Object.defineProperty(process.versions, "node", { value: "20.1.0" });`,
  );
  const env = { ...process.env, NATSBUS_RELAUNCHED: "1", NATSBUS_CACHE_DIR: join(folder.path, "cache") };
  const { status, stderr } = spawnSync(process.execPath, ["--require", disguise, LAUNCHER, "--version"], { env, encoding: "utf8" });
  return { status, stderr };
}

test.each([
  ["linux", "x64", "installs one"],
  ["darwin", "x64", "installs one"],
  ["darwin", "arm64", "from nodejs.org or a version manager"],
])("on %s %s an old Node says how to get a newer one", (platform, arch, remedy) => {
  const { status, stderr } = launchOn(platform, arch);
  expect(status).toBe(1);
  expect(stderr).toContain("needs Node 24 or newer");
  expect(stderr).toContain(remedy);
});
