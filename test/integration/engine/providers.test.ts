import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Provider, ProviderHost } from "../../../engine/model.ts";
import { DYNAMIC_PACKAGE } from "../../../engine/plugin-process.ts";
import { createProviderHost } from "../../../engine/providers.ts";
import { COMPUTED, type PropertyMap, Secret } from "../../../engine/values.ts";
import { isRunning, PROJECT_ROOT, programSettings, providerText } from "../../support/program-settings.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const TARGET = { urn: "urn:pulumi:dev::probe::pulumi-nodejs:dynamic:Resource::a", type: "pulumi-nodejs:dynamic:Resource", name: "a" };
const SEED = new Uint8Array(32);
const UNUSED_ENGINE = "127.0.0.1:1";

interface Started {
  readonly host: ProviderHost;
  readonly logs: string[];
  readonly progress: string[];
  provider(inputs?: PropertyMap): Promise<Provider>;
}

const open: ProviderHost[] = [];

afterEach(async () => {
  await Promise.all(open.splice(0).map((host) => host.close()));
});

function start(): Started {
  const logs: string[] = [];
  const progress: string[] = [];
  const host = createProviderHost(programSettings(), UNUSED_ENGINE, {
    onLog: (line) => logs.push(line),
    onProgress: (text) => progress.push(text),
  });
  open.push(host);
  return {
    host,
    logs,
    progress,
    provider: (inputs = {}) => host.configure({ packageName: DYNAMIC_PACKAGE, version: "", reference: "urn::id", inputs }),
  };
}

const create = (inputs: PropertyMap) => ({ ...TARGET, inputs, timeoutSeconds: 0, preview: false });

describe("the dynamic provider host", () => {
  it("plays a whole life and gives back the secret marks the host lost", async () => {
    const text = providerText(`
      async check(olds, news) { return { inputs: { ...news, checked: true }, failures: [] }; },
      async create(inputs) { return { id: "i-1", outs: { ...inputs, made: inputs.password + "!" } }; },
      async diff(id, olds, news) { return { changes: olds.value !== news.value, replaces: [], deleteBeforeReplace: true }; },
      async update(id, olds, news) { return { outs: { ...news, was: olds.value } }; },
      async read(id, props) { return { id, props: { ...props, seen: true } }; },
      async delete(id, props) { console.error("deleted " + id + " " + props.value); },`);
    const { provider: configured, logs } = start();
    const provider = await configured();
    const news = { __provider: text, value: 1, password: new Secret("hush") };
    const { inputs, failures } = await provider.check({ ...TARGET, olds: {}, news, randomSeed: SEED });
    expect({ inputs, failures }).toEqual({ inputs: { ...news, checked: true }, failures: [] });
    const created = await provider.create(create(inputs));
    expect(created).toEqual({ id: "i-1", outputs: { ...inputs, made: "hush!" } });
    const changed = { ...inputs, value: 2 };
    const states = { ...TARGET, id: "i-1", oldInputs: inputs, oldOutputs: created.outputs, news: changed, ignoreChanges: [] };
    expect(await provider.diff(states)).toMatchObject({ changes: "some", replaces: [], deleteBeforeReplace: true });
    const updated = await provider.update({ ...states, timeoutSeconds: 0, preview: false });
    expect(updated).toEqual({ id: "i-1", outputs: { ...changed, was: 1 } });
    const read = await provider.read({ ...TARGET, id: "i-1", inputs: changed, outputs: updated.outputs });
    expect(read).toEqual({ id: "i-1", outputs: { ...updated.outputs, seen: true } });
    await provider.delete({ ...TARGET, id: "i-1", inputs: changed, outputs: read.outputs, timeoutSeconds: 0 });
    await expect.poll(() => logs).toContain("deleted i-1 2");
  });

  it("tells a partial failure with what exists, and a plain one with the provider's words", async () => {
    const text = providerText(`
      async create(inputs) { throw Object.assign(new Error("not well"), inputs.exists ? { id: "i-2", properties: { ...inputs }, reasons: ["slow", "small"] } : {}); },`);
    const provider = await start().provider();
    const inputs = { __provider: text, exists: true, password: new Secret("hush") };
    await expect(provider.create(create(inputs))).rejects.toMatchObject({
      name: "PartialFailure",
      message: "not well",
      state: { id: "i-2", outputs: inputs },
      reasons: ["slow", "small"],
    });
    await expect(provider.create(create({ __provider: text }))).rejects.toMatchObject({ code: "ERR_ENGINE_PROVIDER", message: "not well" });
  });

  it("hands check failures and unknowns through", async () => {
    const text = providerText(`async check(olds, news) { return { inputs: news, failures: [{ property: "a.b", reason: news.a }] }; },`);
    const provider = await start().provider();
    const news = { __provider: text, a: COMPUTED };
    const answer = await provider.check({ ...TARGET, olds: {}, news, randomSeed: SEED });
    expect(answer).toEqual({ inputs: news, failures: [{ property: "a.b", reason: "04da6b54-80e4-46f7-96ec-b56ff0331ba9" }] });
  });

  it("tells progress apart from log lines and hands configuration over in clear", async () => {
    const text = providerText(`
      async configure(request) { this.word = request.config.require("word"); },
      async create() { process.stderr.write("natsbus-progress: half way\\nplain\\n"); return { id: "i", outs: { word: this.word } }; },`);
    const { provider: configured, logs, progress } = start();
    const provider = await configured({ "probe:word": new Secret("hello") });
    expect((await provider.create(create({ __provider: text }))).outputs).toMatchObject({ word: "hello" });
    await expect.poll(() => [progress, logs]).toEqual([["half way"], ["plain"]]);
  });

  it("answers questions about its configuration without a process", async () => {
    const { host } = start();
    const call = { packageName: DYNAMIC_PACKAGE, version: "", urn: "urn" };
    expect(await host.checkConfig({ ...call, olds: {}, news: { a: "1" } })).toEqual({ inputs: { a: "1" }, failures: [] });
    const difference = await host.diffConfig({ ...call, id: "id", oldInputs: {}, oldOutputs: { a: "1" }, news: { a: "2", b: "3" } });
    expect(difference).toMatchObject({ changes: "some", diffs: ["a", "b"], replaces: [] });
  });

  it("ends when closed, even in the middle of a call", async () => {
    const { host, provider: configured } = start();
    const text = providerText(
      "async create(inputs) { if (inputs.hang) await new Promise(() => {}); return { id: String(process.pid), outs: {} }; },",
    );
    const provider = await configured();
    const { id } = await provider.create(create({ __provider: text }));
    const hanging = provider.create(create({ __provider: text, hang: true })).catch((error: unknown) => error);
    await host.close();
    expect(await hanging).toMatchObject({ code: "ERR_ENGINE_PROVIDER" });
    expect(isRunning(Number(id))).toBe(false);
  });

  it("names what to install for a plugin that is not there", async () => {
    const { host } = start();
    const missing = host.configure({ packageName: "no-such-package", version: "1.2.3", reference: "urn::id", inputs: {} });
    await expect(missing).rejects.toMatchObject({
      code: "ERR_ENGINE_PLUGIN_MISSING",
      remedy: expect.stringContaining("pulumi plugin install resource no-such-package 1.2.3"),
    });
  });

  it("finds an installed binary of the newest version that is new enough, and configures it in clear text too", async () => {
    using folder = temporaryFolder();
    const script = join(PROJECT_ROOT, "node_modules/@pulumi/pulumi/cmd/dynamic-provider");
    for (const version of ["1.0.0", "1.2.0", "1.10.0"]) {
      const plugin = join(folder.path, "plugins", `resource-probe-v${version}`);
      mkdirSync(plugin, { recursive: true });
      const text = `#!/bin/sh\necho chosen ${version} >&2\nexec "${process.execPath}" "${script}" "$@"\n`;
      writeFileSync(join(plugin, "pulumi-resource-probe"), text, { mode: 0o755 });
    }
    const { host, logs } = start();
    vi.stubEnv("PULUMI_HOME", folder.path);
    const call = { packageName: "probe", version: "1.1.0" };
    try {
      expect(await host.checkConfig({ ...call, urn: "urn", olds: {}, news: { a: "1" } })).toEqual({ inputs: { a: "1" }, failures: [] });
      const provider = await host.configure({ ...call, reference: "urn::id", inputs: { "probe:word": "x" } });
      const code = providerText("async create() { return { id: 'i', outs: {} }; },");
      expect((await provider.create(create({ __provider: code }))).id).toBe("i");
      expect(logs).toEqual(["chosen 1.10.0"]);
      await expect(host.configure({ ...call, version: "2.0.0", reference: "urn::id", inputs: {} })).rejects.toMatchObject({
        code: "ERR_ENGINE_PLUGIN_MISSING",
      });
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it("says that the SDK is missing", async () => {
    const host = createProviderHost(programSettings("/"), UNUSED_ENGINE, { onLog: () => undefined, onProgress: () => undefined });
    host.warmUp(DYNAMIC_PACKAGE);
    const configured = host.configure({ packageName: DYNAMIC_PACKAGE, version: "", reference: "urn::id", inputs: {} });
    await expect(configured).rejects.toMatchObject({ code: "ERR_ENGINE_SDK_MISSING" });
    await host.close();
  });
});

const ENGINE = `
  import { createProviderHost } from ${JSON.stringify(join(PROJECT_ROOT, "engine/providers.ts"))};
  import { programSettings, providerText } from ${JSON.stringify(join(PROJECT_ROOT, "test/support/program-settings.ts"))};
  const host = createProviderHost(programSettings(), "127.0.0.1:1", { onLog() {}, onProgress() {} });
  const provider = await host.configure({ packageName: "pulumi-nodejs", version: "", reference: "urn::id", inputs: {} });
  const text = providerText(\`async create() {
    const { spawn } = await import("node:child_process");
    const server = spawn("sleep", ["60"], { detached: true, stdio: "ignore" });
    server.unref();
    return { id: process.pid + " " + server.pid, outs: {} };
  },\`);
  const { id } = await provider.create({ urn: "u", type: "t", name: "n", inputs: { __provider: text }, timeoutSeconds: 0, preview: false });
  console.log(id);
  setInterval(() => {}, 1000);
`;

describe("an engine that is killed", () => {
  it("takes the provider host with it, and leaves the servers the provider started", async () => {
    const engine = spawn(process.execPath, ["--input-type=module", "--eval", ENGINE], { stdio: ["ignore", "pipe", "inherit"] });
    const [line] = (await once(createInterface({ input: engine.stdout }), "line")) as [string];
    const [host = 0, server = 0] = line.split(" ").map(Number);
    expect([isRunning(host), isRunning(server)]).toEqual([true, true]);
    engine.kill("SIGKILL");
    try {
      await expect.poll(() => isRunning(host), { timeout: 5000 }).toBe(false);
      await pause(200);
      expect(isRunning(server)).toBe(true);
    } finally {
      process.kill(server, "SIGKILL");
    }
  });
});
