import { isBusError } from "../core/errors.ts";
import { diffInputs } from "./diff.ts";
import type { Provider, ProviderHost, Target } from "./model.ts";
import { unsupported } from "./unsupported.ts";

/**
 * A host for previews that goes on without plugins that are not installed: what they would make is compared with the state by its inputs alone. Everything else is
 * left to `host`.
 * @param onAbsent hears once of each missing package, with the message and what to do
 */
export function tolerateAbsentPlugins(host: ProviderHost, onAbsent: (packageName: string, text: string) => void): ProviderHost {
  const told = new Set<string>();
  const absent = <T>(packageName: string, fallback: T) => {
    return (error: unknown): T => {
      if (!isBusError(error) || error.code !== "ERR_ENGINE_PLUGIN_MISSING") throw error;
      if (!told.has(packageName)) onAbsent(packageName, `${error.message}; ${error.remedy ?? ""}`);
      told.add(packageName);
      return fallback;
    };
  };
  return {
    ...host,
    configure: (request) => host.configure(request).catch(absent(request.packageName, BY_INPUTS)),
    checkConfig: (call) => host.checkConfig(call).catch(absent(call.packageName, { inputs: call.news, failures: [] })),
    diffConfig: (call) => host.diffConfig(call).catch(absent(call.packageName, diffInputs(call.oldInputs, call.news))),
  };
}

/** Knows nothing about its resources but their inputs. */
const BY_INPUTS: Provider = {
  supportsPreview: false,
  check: async ({ news }) => ({ inputs: news, failures: [] }),
  diff: async ({ oldInputs, news }) => diffInputs(oldInputs, news),
  create: async (request) => refuse(request),
  read: async ({ id, inputs, outputs }) => ({ id, inputs, outputs }),
  update: async (request) => refuse(request),
  delete: async (request) => {
    refuse(request);
  },
  invoke: async () => ({ result: {}, failures: [] }),
  cancel: async () => undefined,
};

function refuse({ urn }: Target): never {
  throw unsupported(`changing ${urn} without its provider plugin`);
}
