import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../support/cli-project.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const ROOT = join(import.meta.dirname, "../..");
const promtool = spawnSync("promtool", ["--version"]).error === undefined;
if (!promtool) process.stderr.write("promtool is not installed: what render writes is not checked with it\n");

test("render monitoring writes rules that promtool accepts, the same bytes each time, and asks no server", async () => {
  using folder = temporaryFolder();
  const out = join(folder.path, "monitoring");
  const rendered = await runCli(ROOT, ["render", "monitoring", "--out", out, "--json"]);
  expect(rendered.code, rendered.stderr).toBe(0);
  const { files } = JSON.parse(rendered.stdout) as { files: string[] };
  expect(files.filter((file) => existsSync(file))).toEqual(files);
  const rules = join(out, "prometheus/rules.yml");
  expect(files).toContain(rules);
  if (promtool) expect(spawnSync("promtool", ["check", "rules", rules]).status).toBe(0);
  const first = files.map((file) => readFileSync(file, "utf8"));
  await runCli(ROOT, ["render", "monitoring", "--out", out]);
  expect(files.map((file) => readFileSync(file, "utf8"))).toEqual(first);
});

test("render refuses what it cannot write", async () => {
  const refused = await runCli(ROOT, ["render", "pods"]);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toContain("ERR_USAGE");
});
