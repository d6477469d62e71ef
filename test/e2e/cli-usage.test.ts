import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, expect, test } from "vitest";
import { VERBS } from "../../cli/verbs.ts";
import { createCliProject, runCli } from "../support/cli-project.ts";

const HERE = import.meta.dirname;

function olderNode(): string | undefined {
  const candidates = (process.env["PATH"] ?? "").split(delimiter).map((folder) => join(folder, "node"));
  return candidates.find(
    (file) => existsSync(file) && Number.parseInt(execFileSync(file, ["-p", "process.versions.node"]).toString(), 10) < 24,
  );
}

describe("help and usage", () => {
  test("--help names every verb, on stdout", async () => {
    const { code, stdout, stderr } = await runCli(HERE, ["--help"]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const name of Object.keys(VERBS)) expect(stdout).toContain(`  ${name} `);
  });

  test("every verb has help with examples, whose first words are the verb", async () => {
    for (const [name, { load, summary }] of Object.entries(VERBS)) {
      const { verb } = await load();
      expect({ name: verb.name, summary: verb.summary }).toEqual({ name, summary });
      expect(verb.examples.length).toBeGreaterThan(0);
      for (const [command] of verb.examples) expect(command).toMatch(new RegExp(`^${name}\\b`));
      // A tour for people has no document to print.
      const common = ["stack", ...(name === "demo" ? [] : ["json"]), "cwd", "color"];
      for (const option of common) expect(Object.keys(verb.args)).toContain(option);
    }
    const { code, stdout } = await runCli(HERE, ["ephemeral", "--help"]);
    expect(code).toBe(0);
    expect(stdout).toContain("Usage: natsbus ephemeral [options] -- COMMAND");
  });

  test.each([
    [[], ""],
    [["upp"], "did you mean up?"],
    [["--stack", "dev", "up"], "the verb comes first"],
    [["up", "--jes"], "unknown option --jes; did you mean --yes?"],
    [["up", "--stack"], "--stack needs a value"],
    [["up", "--engine", "best"], '--engine is "best"; allowed is auto, pulumi, embedded'],
    [["up", "--yes", "--parallel", "0"], "a whole number from 1 to 1024"],
    [["publish", "a.b"], "see `natsbus publish --help`"],
    [["ephemeral"], "needs a command behind `--`"],
    [["config", "drop", "x"], "allowed are get, set and rm"],
  ])("%j is refused with exit code 2", async (args, message) => {
    const { code, stderr } = await runCli(HERE, args);
    expect(code).toBe(2);
    expect(stderr).toContain(message);
  });

  test("--json tells failures as a document too", async () => {
    const { code, stdout, stderr } = await runCli(tmpdir(), ["status", "--json"]);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "ERR_PROJECT" } });
    expect(stderr).toContain("[ERR_PROJECT]");
  });

  test("an older Node hands over to the installed one", async (context) => {
    const node = olderNode();
    if (node === undefined) return context.skip("no Node older than 24 on PATH");
    const { code, stdout, stderr } = await runCli(HERE, ["--version"], { node });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test("an older Node with nowhere to hand over to says so", async (context) => {
    const node = olderNode();
    if (node === undefined) return context.skip("no Node older than 24 on PATH");
    const { code, stderr } = await runCli(HERE, ["--version"], { node, env: { NATSBUS_RELAUNCHED: "1" } });
    expect(code).toBe(1);
    expect(stderr).toContain("needs Node 24");
  });
});

describe("the Pulumi CLI as engine", () => {
  test("is started with the same stack, an absolute state folder and the passphrase, and its exit code is ours", async () => {
    using project = createCliProject();
    const bin = mkdtempSync(join(tmpdir(), "natsbus-bin-"));
    try {
      const record = join(bin, "record");
      const script = `#!/bin/sh\necho "$@" > ${record}\nenv >> ${record}\nexit 7\n`;
      writeFileSync(join(bin, "pulumi"), script, { mode: 0o755 });
      const env = { PATH: `${bin}${delimiter}${process.env["PATH"]}` };
      const { code } = await project.run(["up", "--yes", "--stack", "qa", "--parallel", "3"], { env });
      expect(code).toBe(7);
      const recorded = execFileSync("cat", [record]).toString();
      expect(recorded.split("\n")[0]).toBe("up --stack qa --yes --skip-preview --parallel 3 --color auto");
      expect(recorded).toContain(`PULUMI_BACKEND_URL=file://${project.directory}/.natsbus/state\n`);
      expect(recorded).toContain(`PULUMI_CONFIG_PASSPHRASE_FILE=${project.directory}/.natsbus/passphrase\n`);
      expect(existsSync(join(project.directory, ".natsbus/state/.pulumi/stacks/goldens/qa.json"))).toBe(true);
      expect((await project.run(["preview", "--stack", "qa", "--engine", "embedded"], { env })).code).toBe(0);
    } finally {
      rmSync(bin, { recursive: true, force: true });
    }
  });

  test("--engine pulumi without it on PATH says what to do", async () => {
    using project = createCliProject();
    const { code, stderr } = await project.run(["up", "--yes", "--engine", "pulumi"], { env: { PATH: "/nonexistent" } });
    expect(code).toBe(2);
    expect(stderr).toContain("[ERR_ENGINE_MISSING]");
  });
});
