import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createCliProject } from "../support/cli-project.ts";

const PROGRAM = {
  resources: [
    { kind: "component", name: "top" },
    { kind: "probe", name: "a", props: { value: 1 }, opts: { parent: "top" } },
  ],
  outputs: { a: { $ref: "a.computed" }, s: { $secret: "hush" } },
};
const CHANGED = { ...PROGRAM, resources: [PROGRAM.resources[0], { ...PROGRAM.resources[1], props: { value: 2 } }] };

describe("the life of a stack", () => {
  test("preview, up, no change, change, export, import, destroy, removal", async () => {
    using project = createCliProject(PROGRAM);
    const stateFolder = join(project.directory, ".natsbus");

    const preview = await project.run(["preview"]);
    expect(preview).toMatchObject({ code: 0, stderr: "" });
    expect(preview.stdout).toContain("    + 3 to create\n");
    expect(existsSync(stateFolder), "a preview leaves nothing behind").toBe(false);

    const refused = await project.run(["up"]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain("[ERR_NO_TERMINAL]");
    expect(refused.stderr).toContain("`natsbus preview --stack dev` to look only");
    expect((await project.run(["destroy"])).stderr).toContain("`natsbus destroy --preview-only --stack dev` to look only");
    expect(existsSync(stateFolder)).toBe(false);

    const up = await project.run(["up", "--yes"]);
    expect(up.code).toBe(0);
    expect(up.stdout).toContain('Outputs:\n    a: "computed-a"\n    s: [secret]\n');
    expect(up.stdout).toContain("Resources:\n    + 3 created\n");
    expect(up.stderr).toContain("generated into .natsbus/passphrase");
    expect(up.stderr).toContain("Updating (dev):\n");
    expect(statSync(join(stateFolder, "passphrase")).mode & 0o777).toBe(0o600);

    expect((await project.run(["up", "--yes", "--expect-no-changes"])).code).toBe(0);

    project.declare(CHANGED);
    const document = await project.run(["preview", "--json", "--expect-no-changes"]);
    expect(document.code).toBe(7);
    expect(document.stderr).toContain("no changes were expected for preview but changes were proposed");
    expect(JSON.parse(document.stdout)).toMatchObject({ changeSummary: { update: 1, same: 2 } });
    expect((await project.run(["preview"])).stdout).toContain("~ value: 1 => 2\n");

    const events = (await project.run(["up", "--yes", "--json"])).stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { summaryEvent?: object });
    expect(events.find((event) => event.summaryEvent !== undefined)?.summaryEvent).toMatchObject({
      resourceChanges: { update: 1, same: 2 },
      result: "succeeded",
    });

    expect(JSON.parse((await project.run(["outputs", "--json"])).stdout)).toEqual({ a: "computed-a", s: "[secret]" });
    expect((await project.run(["outputs", "s", "--show-secrets"])).stdout).toBe("hush\n");
    expect((await project.run(["outputs", "nope"])).code).toBe(2);

    const file = join(project.directory, "state.json");
    writeFileSync(file, "", { mode: 0o644 });
    expect((await project.run(["export", "--file", file])).code).toBe(0);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, "utf8")).not.toContain("hush");
    expect((await project.run(["import-state", "--yes", "--file", file])).stderr).toContain("Import complete.");
    expect((await project.run(["up", "--yes", "--expect-no-changes"])).code).toBe(0);

    writeFileSync(file, readFileSync(file, "utf8").replaceAll("urn:pulumi:dev::", "urn:pulumi:other::"));
    const foreign = await project.run(["import-state", "--yes", "--file", file]);
    expect(foreign.code).toBe(1);
    expect(foreign.stderr).toContain("is of stack other, not of dev");

    // The count is the one the summary of the update shows.
    expect(JSON.parse((await project.run(["stacks", "ls", "--json"])).stdout)).toMatchObject([{ stack: "dev", resources: 3 }]);
    expect((await project.run(["stacks", "rm", "dev", "--yes"])).stderr).toContain("still has 3 resources");
    expect((await project.run(["stacks", "rm", "nobody", "--yes"])).stderr).toContain("`natsbus stacks` lists the stacks");
    expect(await project.run(["import-state", "--yes", "--file", "absent.json"])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("absent.json cannot be read"),
    });
    expect((await project.run(["destroy", "--yes"])).stdout).toContain("    - 3 deleted\n");
    expect(JSON.parse((await project.run(["stacks", "--json"])).stdout)).toMatchObject([{ stack: "dev", resources: 0 }]);
    const removed = await project.run(["stacks", "rm", "dev", "--yes", "--json"]);
    expect({ code: removed.code, document: JSON.parse(removed.stdout) }).toEqual({ code: 0, document: { stack: "dev", removed: true } });
    expect((await project.run(["stacks"])).stderr).toContain("there is no stack yet");
    expect((await project.run(["destroy", "--yes"])).code).toBe(6);
  });

  test("a failing resource ends in exit code 1 with its reason on stderr", async () => {
    using project = createCliProject(PROGRAM);
    project.behave({ a: { create: { fail: "no room" } } });
    const { code, stdout, stderr } = await project.run(["up", "--yes"]);
    expect(code).toBe(1);
    expect(stderr).toContain("Diagnostics:\n  pulumi-nodejs:dynamic/gold:Probe (a):\n    error: no room\n");
    expect(stdout).toMatch(/Resources:\n {4}\+ \d created\n {4}\d errored\n/);
  });
});

describe("settings", () => {
  test("are set, shown, encrypted and removed", async () => {
    using project = createCliProject(PROGRAM);
    expect((await project.run(["config", "set", "size", "3"])).code).toBe(0);
    expect((await project.run(["config", "set", "token", "-", "--secret"], { stdin: "hush\n" })).code).toBe(0);
    expect((await project.run(["config", "get", "size"])).stdout).toBe("3\n");
    expect((await project.run(["config", "get", "token"])).stdout).toBe("[secret]\n");
    expect((await project.run(["config", "get", "token", "--show"])).stdout).toBe("hush\n");
    expect(JSON.parse((await project.run(["config", "--json"])).stdout)).toEqual({ "goldens:size": "3", "goldens:token": "[secret]" });
    expect(readFileSync(join(project.directory, "Pulumi.dev.yaml"), "utf8")).not.toContain("hush");
    expect(JSON.parse((await project.run(["config", "set", "size", "4", "--json"])).stdout)).toMatchObject({ key: "goldens:size" });
    expect(JSON.parse((await project.run(["config", "rm", "size", "--json"])).stdout)).toMatchObject({ key: "goldens:size" });
    expect((await project.run(["config", "get", "size"])).code).toBe(2);
  });
});

describe("Ctrl-C", () => {
  test("lets the running step end, saves it, releases the lock and ends in exit code 1", async () => {
    using project = createCliProject(PROGRAM);
    project.behave({ a: { create: { slowMs: 1500 } } });
    let sent = false;
    const { code, stderr } = await project.run(["up", "--yes"], {
      onStderr(text, child) {
        if (sent || !text.includes("Probe a creating")) return;
        sent = true;
        // As from a terminal, by way of npm: more than one, and still one press.
        child.kill("SIGINT");
        child.kill("SIGINT");
      },
    });
    expect(code).toBe(1);
    expect(stderr).toContain("^C received; cancelling.");
    expect(stderr).not.toContain("^C received; terminating");
    expect(stderr).toContain("error: update canceled");
    const locks = join(project.directory, ".natsbus/state/.pulumi/locks/organization/goldens/dev");
    expect(existsSync(locks) ? readdirSync(locks) : []).toEqual([]);
    project.behave({});
    const again = await project.run(["up", "--yes"]);
    expect(again.code).toBe(0);
    expect(again.stdout).not.toContain("3 created");
  });

  test("a second run while the first works names the holder; cancel removes a lock", async () => {
    using project = createCliProject(PROGRAM);
    project.behave({ a: { create: { slowMs: 4000 } } });
    let second: Promise<{ readonly code: number | null; readonly stderr: string }> | undefined;
    const first = await project.run(["up", "--yes"], {
      onStderr(text) {
        if (text.includes("Probe a creating")) second ??= project.run(["up", "--yes"]);
      },
    });
    expect(first.code).toBe(0);
    const refused = await second;
    expect(refused?.code).toBe(1);
    expect(refused?.stderr).toContain("[ERR_STATE_LOCKED]");
    expect((await project.run(["cancel", "--yes"])).stderr).toContain("is not locked");
  });
});
