import { BusError } from "../core/errors.ts";
import { diffInputs, NO_CHANGE } from "./diff.ts";
import type { Provider, ResourceEntry } from "./model.ts";
import { containsSecret, isMap } from "./traversal.ts";
import { unsupported } from "./unsupported.ts";
import type { PropertyMap, Value } from "./values.ts";

const STACK_REFERENCE = "pulumi:pulumi:StackReference";

/** What the engine's own package can look at. */
export interface BuiltinSources {
  /** Entry as it is known now. */
  readonly find: (urn: string) => ResourceEntry | undefined;
  /** Outputs of another stack; undefined when there is no such stack. */
  readonly readStackOutputs: (name: string) => Promise<PropertyMap | undefined>;
}

/** Provider of the package `pulumi`, which lives in the engine: stack references and functions over the state. */
export function createBuiltinProvider(sources: BuiltinSources): Provider {
  return {
    supportsPreview: true,
    check: async ({ type, news }) => {
      assertType(type);
      const failures = typeof news["name"] === "string" ? [] : [{ property: "name", reason: "must be a text" }];
      return { inputs: news, failures };
    },
    diff: async ({ oldInputs, news }) => {
      const diff = diffInputs(oldInputs, news);
      return diff.changes === "none" ? NO_CHANGE : { ...diff, replaces: diff.diffs };
    },
    create: async ({ type, inputs }) => ({ id: text(inputs["name"]), outputs: await reference(sources, type, text(inputs["name"])) }),
    read: async ({ type, id, inputs }) => ({ id, inputs, outputs: await reference(sources, type, text(inputs["name"]) || id) }),
    update: async ({ type, id, news }) => ({ id, outputs: await reference(sources, type, text(news["name"])) }),
    delete: async () => undefined,
    invoke: async (token, args) => ({ result: await invoke(sources, token, args), failures: [] }),
    cancel: async () => undefined,
  };
}

async function reference(sources: BuiltinSources, type: string, name: string): Promise<PropertyMap> {
  assertType(type);
  const outputs = await stackOutputs(sources, name);
  return { name, outputs, secretOutputNames: Object.keys(outputs).filter((key) => containsSecret(outputs[key])) };
}

async function invoke(sources: BuiltinSources, token: string, args: PropertyMap): Promise<PropertyMap> {
  switch (token) {
    case "pulumi:pulumi:getResource":
      return getResource(sources, text(args["urn"]));
    case "pulumi:pulumi:readStackOutputs":
      return { name: text(args["name"]), outputs: await stackOutputs(sources, text(args["name"])) };
    default:
      throw unsupported(`function ${token}`);
  }
}

function getResource(sources: BuiltinSources, urn: string): PropertyMap {
  const entry = sources.find(urn);
  if (entry === undefined) throw new BusError("ERR_ENGINE_PROVIDER", `unknown resource ${urn}`);
  const result: Record<string, Value> = { urn: entry.urn, id: entry.id ?? "", provider: entry.provider ?? "", state: entry.outputs };
  return result;
}

async function stackOutputs(sources: BuiltinSources, name: string): Promise<PropertyMap> {
  const outputs = await sources.readStackOutputs(name);
  if (outputs !== undefined && isMap(outputs)) return outputs;
  throw new BusError("ERR_ENGINE_PROVIDER", `unknown stack "${name}"`, {
    remedy: "name an existing stack of this backend, as organization/project/stack",
  });
}

function assertType(type: string): void {
  if (type !== STACK_REFERENCE) throw unsupported(`resource type ${type}`);
}

function text(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}
