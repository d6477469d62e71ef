import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { loadState } from "../../../engine/recorder.ts";
import { openSecrets } from "../../../engine/secrets.ts";
import type { EngineRunOutcome } from "../../support/engine-goldens/engine-run.ts";
import { PROJECT, runEngine, STACK } from "../../support/engine-goldens/engine-run.ts";
import type { Stage } from "../../support/engine-goldens/stage.ts";
import { createStage, PASSPHRASE, runRequest, writeProgram } from "../../support/engine-goldens/stage.ts";

const ONE = { resources: [{ kind: "probe", name: "a", props: { value: 1 } }] };

async function stateOf(stage: Stage) {
  return loadState({ root: stage.backend, project: PROJECT, stack: STACK }, await openSecrets(stage.salt, PASSPHRASE));
}

function errors({ events }: EngineRunOutcome): string {
  return events
    .flatMap((event) => ("diagnosticEvent" in event && event.diagnosticEvent.severity === "error" ? [event.diagnosticEvent.message] : []))
    .join("");
}

async function untilCalled(stage: Stage, operation: string): Promise<void> {
  const file = join(stage.directory, "calls.jsonl");
  for (let tries = 0; tries < 1500; tries++) {
    try {
      if (readFileSync(file, "utf8").includes(`"operation":"${operation}"`)) return;
    } catch {
      // not there yet
    }
    await pause(20);
  }
  throw new Error(`${operation} was never called`);
}

/** Replaces the program by `source`, which may use `pulumi`. */
function writeSource(stage: Stage, source: string): void {
  writeFileSync(join(stage.directory, "index.ts"), `import * as pulumi from "@pulumi/pulumi";\n${source}\n`);
}

describe("Ctrl-C", () => {
  it("twice stops at once and leaves what was running pending", async () => {
    using stage = await createStage("twice");
    writeProgram(stage, ONE, { a: { create: { slowMs: 30_000 } } });
    const graceful = new AbortController();
    const now = new AbortController();
    const running = runEngine(runRequest(stage, "up"), { graceful: graceful.signal, now: now.signal });
    await untilCalled(stage, "create");
    const began = Date.now();
    graceful.abort();
    await pause(100);
    now.abort();
    const outcome = await running;
    expect(Date.now() - began).toBeLessThan(10_000);
    expect(outcome.result).toMatchObject({ result: "failed", cancelled: true });
    const state = await stateOf(stage);
    expect(state.pendingOperations.map(({ type, resource }) => `${type} ${resource.urn.split("::").at(-1)}`)).toEqual(["creating a"]);
  });
});

/** What a run told on stderr or as an error, program and providers included. */
function complaints({ events }: EngineRunOutcome): string {
  return events
    .flatMap((event) =>
      "diagnosticEvent" in event && ["error", "info#err"].includes(event.diagnosticEvent.severity) ? [event.diagnosticEvent.message] : [],
    )
    .join("");
}

describe("Ctrl-C once", () => {
  it("shows what the program said before, and not that it is cut off", async () => {
    using stage = await createStage("once");
    writeSource(
      stage,
      `import { existsSync } from "node:fs";
      class Slow extends pulumi.dynamic.Resource { constructor(name: string, opts = {}) { super({ async create() {
        require("node:fs").appendFileSync("calls.jsonl", '{"operation":"create"}');
        await new Promise((done) => setTimeout(done, 1500));
        return { id: "x" };
      } }, name, {}, opts); } }
      console.error("said before");
      const a = new Slow("a");
      new Slow("b", { dependsOn: [a] });
      const timer = setInterval(() => {
        if (!existsSync("cancelled")) return;
        clearInterval(timer);
        console.error("Error: 14 UNAVAILABLE: Channel has been shut down\\n    at onReceiveStatus");
        void pulumi.log.error("failed to deliver log message");
      }, 20);`,
    );
    const graceful = new AbortController();
    const running = runEngine(runRequest(stage, "up"), { graceful: graceful.signal, now: new AbortController().signal });
    await untilCalled(stage, "create");
    graceful.abort();
    writeFileSync(join(stage.directory, "cancelled"), "");
    const told = complaints(await running);
    expect(told).toContain("said before");
    expect(told).toContain("update canceled");
    expect(told).not.toMatch(/UNAVAILABLE|Channel|failed to deliver|\n\s+at /);
  });
});

describe("what a provider says while it compares", () => {
  const source = (value: number): string => `
    class Said extends pulumi.dynamic.Resource { constructor(name: string) { super({
      async check(_olds: unknown, news: any) { return { inputs: news, failures: [] }; },
      async diff(_id: string, _olds: unknown, news: any) {
        process.stderr.write("natsbus-progress: " + news.name + " loses " + news.value + " things\\n");
        return { changes: news.value > 1 && news.name !== "c" };
      },
      async create() { return { id: "x" }; },
    }, name, { name, value: ${value} }); } }
    for (const name of ["a", "b", "c"]) new Said(name);`;

  it("becomes notes of that resource's step in a preview, and of no unchanged one", async () => {
    using stage = await createStage("notes");
    writeSource(stage, source(1));
    expect((await runEngine(runRequest(stage, "up"))).exitCode).toBe(0);
    writeSource(stage, source(2));
    const { result, events } = await runEngine(runRequest(stage, "preview"));
    const notes = (result?.steps ?? []).flatMap(({ urn, notes: own }) => (own === undefined ? [] : [[urn.split("::").at(-1), ...own]]));
    expect(notes.sort()).toEqual([
      ["a", "a loses 2 things"],
      ["b", "b loses 2 things"],
    ]);
    const told = events.flatMap((event) => ("resourcePreEvent" in event ? (event.resourcePreEvent.metadata.notes ?? []) : []));
    expect(told.sort()).toEqual(["a loses 2 things", "b loses 2 things"]);
  });
});

describe("a program that ends early", () => {
  it("does not lose what it had no time to register", async () => {
    using stage = await createStage("early");
    writeProgram(stage, ONE);
    expect((await runEngine(runRequest(stage, "up"))).exitCode).toBe(0);
    // Past the handler with which the SDK notices what is left to do.
    writeSource(stage, "(process as unknown as { reallyExit(code: number): void }).reallyExit(0);");
    const outcome = await runEngine(runRequest(stage, "up"));
    expect(outcome.exitCode).toBe(1);
    expect(errors(outcome)).toContain("does it call process.exit?");
    expect((await stateOf(stage)).resources.map(({ urn }) => urn.split("::").at(-1))).toContain("a");
  });
});

describe("what only the Pulumi CLI covers", () => {
  it.each<[feature: string, source: string, named: string]>([
    [
      "a stack transform",
      "pulumi.runtime.registerResourceTransform(async () => undefined); new pulumi.ComponentResource('t:i:C', 'c');",
      "a stack transform",
    ],
    [
      "a transform of a resource",
      "new pulumi.ComponentResource('t:i:C', 'c', {}, { transforms: [async () => undefined] });",
      "option transforms of t:i:C c",
    ],
    [
      "a remote component",
      "class R extends pulumi.ComponentResource { constructor() { super('t:i:R', 'r', {}, {}, true); } } new R();",
      "the remote component t:i:R r",
    ],
    [
      "a hook",
      "const h = new pulumi.ResourceHook('h', () => undefined); new pulumi.ComponentResource('t:i:C', 'c', {}, { hooks: { afterCreate: [h] } });",
      "hook",
    ],
  ])("refuses %s by name", async (_feature, source, named) => {
    using stage = await createStage("unsupported");
    writeSource(stage, source);
    const outcome = await runEngine(runRequest(stage, "up"));
    expect(outcome.exitCode).toBe(1);
    expect(errors(outcome)).toContain(`${named}`);
    expect(errors(outcome)).toContain("ERR_ENGINE_UNSUPPORTED");
    expect(errors(outcome)).toContain("--engine pulumi");
  });
});

describe("the engine's own package", () => {
  it("says that another stack is not there", async () => {
    using stage = await createStage("reference");
    writeSource(stage, "new pulumi.StackReference('organization/goldens/prod');");
    const outcome = await runEngine(runRequest(stage, "up"));
    expect(outcome.exitCode).toBe(1);
    expect(errors(outcome)).toContain('unknown stack "organization/goldens/prod"');
  });
});
