import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, it } from "vitest";
import { launchProgram } from "../../../engine/launch.ts";
import type { ProgramRun } from "../../../engine/model.ts";
import type { ProgramSettings } from "../../../engine/program-settings.ts";
import { startFakeMonitor } from "../../support/fake-monitor.ts";
import { isRunning, PROJECT_ROOT, programSettings } from "../../support/program-settings.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

/** A folder with a program that can see the SDK. */
function programIn(folder: string, text: string): string {
  symlinkSync(join(PROJECT_ROOT, "node_modules"), join(folder, "node_modules"));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "probe", type: "module", main: "index.ts" }));
  writeFileSync(join(folder, "index.ts"), text);
  return folder;
}

function launch(
  folder: string,
  monitor: string,
  changes: Partial<ProgramSettings> = {},
): { readonly run: ProgramRun; readonly output: string[] } {
  const output: string[] = [];
  const onOutput = (line: string, stream: string) => output.push(`${stream}: ${line}`);
  const run = launchProgram(programSettings(folder, changes), {
    monitor,
    engine: monitor,
    dryRun: true,
    parallel: 7,
    onOutput,
  });
  return { run, output };
}

const TELL = `
  import { fileURLToPath } from "node:url";
  const names = ["PROJECT", "STACK", "ORGANIZATION", "DRY_RUN", "PARALLEL", "MONITOR", "TYPESCRIPT"];
  const told: (string | undefined)[] = names.map((name) => process.env["PULUMI_NODEJS_" + name]);
  console.log(JSON.stringify([...told, process.env.PULUMI_CONFIG, process.env.PULUMI_CONFIG_SECRET_KEYS, process.execArgv.length]));
  console.error(new Error("here").stack?.split("\\n")[1]?.trim());
  process.exit(5);
`;

const REGISTER = `
  import * as pulumi from "@pulumi/pulumi";
  const handled = { async create(inputs) { return { id: "1", outs: inputs }; } };
  class Thing extends pulumi.dynamic.Resource { constructor(name, props) { super(handled, name, props, undefined, "probe", "Thing"); } }
  class Group extends pulumi.ComponentResource { constructor(name) { super("probe:index:Group", name); this.registerOutputs({}); } }
  new Group("group");
  new Thing("thing", { a: 1 });
  export const found = pulumi.automation.LocalWorkspace.name;
`;

describe("launching the program", () => {
  it("runs it to its end with all it registers, whatever of the SDK was postponed", async () => {
    using folder = temporaryFolder();
    await using monitor = await startFakeMonitor();
    const { run, output } = launch(programIn(folder.path, REGISTER), monitor.address);
    expect(await run.exited).toEqual({ code: 0, signal: null });
    expect([output, monitor.errors]).toEqual([[], []]);
    expect([...monitor.registered].sort()).toEqual(["probe:index:Group", "pulumi-nodejs:dynamic/probe:Thing", "pulumi:pulumi:Stack"]);
  });

  it("tells it about the stack, reads its output by lines and its exit code", async () => {
    using folder = temporaryFolder();
    await using monitor = await startFakeMonitor();
    const { run, output } = launch(programIn(folder.path, TELL), monitor.address, {
      config: { "probe:a": "1" },
      secretKeys: ["probe:a"],
      runtimeOptions: { typescript: false, nodeargs: "--no-deprecation" },
    });
    expect(await run.exited).toEqual({ code: 5, signal: null });
    const told = ["probe", "dev", "organization", "true", "7", monitor.address, null, '{"probe:a":"1"}', '["probe:a"]', 2];
    expect(output).toEqual([`stdout: ${JSON.stringify(told)}`, expect.stringMatching(/^stderr: at .*index\.ts:6:/)]);
  });

  it("ends it when asked to", async () => {
    using folder = temporaryFolder();
    await using monitor = await startFakeMonitor();
    const { run, output } = launch(
      programIn(folder.path, `console.log(process.pid); await new Promise((resolve) => setTimeout(resolve, 60_000));`),
      monitor.address,
    );
    await expect.poll(() => output.length, { timeout: 20_000 }).toBe(1);
    run.kill();
    expect(await run.exited).toEqual({ code: null, signal: "SIGKILL" });
    expect(isRunning(Number(output[0]?.replace("stdout: ", "")))).toBe(false);
  });

  it("keeps compiled code between runs when given a folder for it", async () => {
    using folder = temporaryFolder();
    await using monitor = await startFakeMonitor();
    const compileCache = join(folder.path, "cache");
    await launch(programIn(folder.path, "process.exit(0);"), monitor.address, { compileCache }).run.exited;
    expect(existsSync(compileCache) && readdirSync(compileCache).length).toBeGreaterThan(0);
  });

  it("says that the SDK is missing", () => {
    using folder = temporaryFolder();
    expect(() => launch(folder.path, "127.0.0.1:1")).toThrow(expect.objectContaining({ code: "ERR_ENGINE_SDK_MISSING" }));
  });

  it("does not leave it running when this process is killed", async () => {
    using folder = temporaryFolder();
    await using monitor = await startFakeMonitor();
    programIn(folder.path, `console.log(process.pid); setInterval(() => {}, 1000);`);
    const engine = `
      import { launchProgram } from ${JSON.stringify(join(PROJECT_ROOT, "engine/launch.ts"))};
      import { programSettings } from ${JSON.stringify(join(PROJECT_ROOT, "test/support/program-settings.ts"))};
      const args = { monitor: ${JSON.stringify(monitor.address)}, engine: ${JSON.stringify(monitor.address)}, dryRun: false, parallel: 1, onOutput: (line) => console.log(line) };
      await launchProgram(programSettings(${JSON.stringify(folder.path)}), args).exited;
    `;
    const parent = spawn(process.execPath, ["--input-type=module", "--eval", engine], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(createInterface({ input: parent.stdout }), "line")) as [string];
    expect(isRunning(Number(line))).toBe(true);
    parent.kill("SIGKILL");
    await expect.poll(() => isRunning(Number(line)), { timeout: 5000 }).toBe(false);
  });
});
