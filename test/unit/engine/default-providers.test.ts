import { describe, expect, it } from "vitest";
import { createBuiltinProvider } from "../../../engine/builtins.ts";
import { defaultProviderGoal, withoutInternal } from "../../../engine/default-providers.ts";
import type { ResourceEntry } from "../../../engine/model.ts";
import { Secret } from "../../../engine/values.ts";

const CONFIG = { values: { "aws:region": "eu", "aws:token": "t", "proj:size": "3" }, secretKeys: ["aws:token"] };

describe("default providers", () => {
  it("are configured from their own namespace, secrets marked, with the version asked for", () => {
    const goal = defaultProviderGoal({ packageName: "aws", version: "1.2.3", downloadUrl: "" }, CONFIG);
    expect(goal).toMatchObject({ type: "pulumi:providers:aws", name: "default_1_2_3", parent: "" });
    expect(goal.inputs).toEqual({ region: "eu", token: new Secret("t"), version: "1.2.3" });
  });

  it("of dynamic resources get the whole configuration", () => {
    const goal = defaultProviderGoal({ packageName: "pulumi-nodejs", version: "", downloadUrl: "" }, CONFIG);
    expect(goal.name).toBe("default");
    expect(goal.inputs).toEqual({ "aws:region": "eu", "aws:token": new Secret("t"), "proj:size": "3" });
  });

  it("keep where they come from apart from what the plugin sees", () => {
    const goal = defaultProviderGoal({ packageName: "x", version: "", downloadUrl: "https://example.com/p" }, CONFIG);
    expect(goal.inputs).toEqual({ __internal: { pluginDownloadURL: "https://example.com/p" } });
    expect(withoutInternal(goal.inputs)).toEqual({});
  });

  it.each(['["*"]', '["aws"]'])("can be forbidden by %s", (text) => {
    const config = { values: { "pulumi:disable-default-providers": text }, secretKeys: [] };
    expect(() => defaultProviderGoal({ packageName: "aws", version: "", downloadUrl: "" }, config)).toThrow(
      expect.objectContaining({ code: "ERR_ENGINE_PROVIDER" }),
    );
  });
});

describe("the package in the engine", () => {
  const entry: ResourceEntry = { urn: "u", type: "t", custom: true, id: "7", inputs: {}, outputs: { x: 1 }, provider: "p::1" };
  const outputs = { url: "nats://here", password: new Secret("hush") };
  const provider = createBuiltinProvider({
    find: (urn) => (urn === "u" ? entry : undefined),
    readStackOutputs: async (name) => (name === "organization/p/prod" ? outputs : undefined),
  });
  const target = { urn: "r", type: "pulumi:pulumi:StackReference", name: "prod" };

  it("reads the outputs of another stack, and names the secret ones", async () => {
    const state = await provider.read({ ...target, id: "organization/p/prod", inputs: { name: "organization/p/prod" }, outputs: {} });
    expect(state.outputs).toEqual({ name: "organization/p/prod", outputs, secretOutputNames: ["password"] });
  });

  it("says which stack is not there", async () => {
    await expect(provider.read({ ...target, id: "x", inputs: { name: "nowhere" }, outputs: {} })).rejects.toThrow(
      'unknown stack "nowhere"',
    );
  });

  it("finds a resource of the running deployment", async () => {
    const { result } = await provider.invoke("pulumi:pulumi:getResource", { urn: "u" });
    expect(result).toEqual({ urn: "u", id: "7", provider: "p::1", state: { x: 1 } });
    await expect(provider.invoke("pulumi:pulumi:getResource", { urn: "v" })).rejects.toThrow("unknown resource v");
  });

  it("refuses what only the CLI covers", async () => {
    const refused = expect.objectContaining({ code: "ERR_ENGINE_UNSUPPORTED" });
    await expect(provider.invoke("pulumi:pulumi:other", {})).rejects.toEqual(refused);
    await expect(
      provider.check({ ...target, type: "pulumi:index:Stash", olds: {}, news: {}, randomSeed: new Uint8Array() }),
    ).rejects.toEqual(refused);
  });
});
