import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const FOLDERS = ["components/systemd/files", "components/docker/files", "test/hosts"];

test("shell scripts parse, and shellcheck has nothing to say", ({ skip }) => {
  const scripts = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith(".sh"))
      .map((name) => join(ROOT, folder, name)),
  );
  expect(scripts.length).toBeGreaterThan(8);
  for (const script of scripts) execFileSync("bash", ["-n", script]);
  try {
    execFileSync("shellcheck", ["--version"]);
  } catch {
    skip("shellcheck is not installed");
  }
  expect(execFileSync("shellcheck", ["-x", ...scripts], { encoding: "utf8" })).toBe("");
});
