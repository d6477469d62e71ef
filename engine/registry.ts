import { randomUUID } from "node:crypto";
import { BusError } from "../core/errors.ts";
import { withoutInternal } from "./default-providers.ts";
import { diffInputs } from "./diff.ts";
import type { Provider, ProviderHost, ProviderState, ResourceEntry, Target } from "./model.ts";
import { UNKNOWN } from "./signatures.ts";
import { containsUnknown } from "./traversal.ts";
import { isProviderType, packageOf, parseReference, parseUrn, providerReference } from "./urn.ts";
import type { PropertyMap } from "./values.ts";

/** What a {@link ProviderRegistry} needs. */
export interface RegistryOptions {
  readonly host: ProviderHost;
  /** The engine's own package. */
  readonly builtin: Provider;
  /** Finds the entry of a provider resource. */
  readonly find: (urn: string) => ResourceEntry | undefined;
}

const BUILTIN_PACKAGE = "pulumi";

/** Hands out the configured provider behind a reference, and acts as the provider of provider resources. */
export class ProviderRegistry {
  readonly #options: RegistryOptions;
  readonly #providers = new Map<string, Promise<Provider>>();

  constructor(options: RegistryOptions) {
    this.#options = options;
  }

  /**
   * The provider of a resource entry; undefined for components.
   * @throws BusError ERR_ENGINE_PROVIDER for a reference that names no known provider
   */
  async of(entry: ResourceEntry): Promise<Provider | undefined> {
    if (isProviderType(entry.type)) return this.resources;
    if (!entry.custom) return undefined;
    return this.get(entry.provider ?? "");
  }

  /** The provider behind a reference, configured from its entry when this run has not met it yet. */
  async get(reference: string): Promise<Provider> {
    const known = this.#providers.get(reference);
    if (known !== undefined) return known;
    const { urn, id } = parseReference(reference);
    const entry = this.#options.find(urn);
    if (entry === undefined || (entry.id !== id && id !== UNKNOWN)) {
      throw new BusError("ERR_ENGINE_PROVIDER", `no provider is known under ${reference}`, {
        remedy: "run refresh, or give the resource a provider of this program",
      });
    }
    return this.configure(urn, id, entry.inputs);
  }

  /** Configures the provider of a provider resource anew. Unknown settings (previews) leave it unconfigured. */
  configure(urn: string, id: string, inputs: PropertyMap): Promise<Provider> {
    const reference = providerReference(urn, id);
    const provider = this.#configure(reference, inputs);
    // Whoever asks for the provider sees the failure.
    provider.catch(() => undefined);
    this.#providers.set(reference, provider);
    return provider;
  }

  async #configure(reference: string, inputs: PropertyMap): Promise<Provider> {
    const { packageName, version } = plugin(parseReference(reference).urn, inputs);
    if (packageName === BUILTIN_PACKAGE) return this.#options.builtin;
    if (containsUnknown(inputs)) return UNCONFIGURED;
    return this.#options.host.configure({ packageName, version, reference, inputs: withoutInternal(inputs) });
  }

  /** The provider of provider resources themselves. */
  readonly resources: Provider = {
    supportsPreview: true,
    check: async ({ urn, type, olds, news }) => {
      if (packageOf(type) === BUILTIN_PACKAGE || containsUnknown(news)) return { inputs: news, failures: [] };
      const checked = await this.#options.host.checkConfig({
        ...plugin(urn, news),
        urn,
        olds: withoutInternal(olds),
        news: withoutInternal(news),
      });
      const internal = news["__internal"];
      return internal === undefined ? checked : { ...checked, inputs: { ...checked.inputs, __internal: internal } };
    },
    diff: async ({ urn, type, id, oldInputs, oldOutputs, news }) => {
      if (packageOf(type) === BUILTIN_PACKAGE || containsUnknown(news)) return diffInputs(oldInputs, news);
      return this.#options.host.diffConfig({ ...plugin(urn, news), urn, id, oldInputs, oldOutputs, news: withoutInternal(news) });
    },
    create: async ({ urn, inputs, preview }) => this.#settle(urn, preview ? UNKNOWN : randomUUID(), inputs),
    update: async ({ urn, id, news }) => this.#settle(urn, id, news),
    read: async ({ id, inputs, outputs }) => ({ id, inputs, outputs }),
    delete: async () => undefined,
    invoke: async () => ({ result: {}, failures: [] }),
    cancel: async () => undefined,
  };

  async #settle(urn: string, id: string, inputs: PropertyMap): Promise<ProviderState> {
    await this.configure(urn, id, inputs);
    return { id, outputs: withoutInternal(inputs) };
  }
}

function plugin(urn: string, inputs: PropertyMap): { readonly packageName: string; readonly version: string } {
  // The type alone: a provider that belongs to a component carries the component's type before its own.
  const { type } = parseUrn(urn);
  const version = inputs["version"];
  return { packageName: packageOf(type), version: typeof version === "string" ? version : "" };
}

const UNCONFIGURED: Provider = {
  supportsPreview: false,
  check: async ({ news }) => ({ inputs: news, failures: [] }),
  diff: async ({ oldInputs, news }) => diffInputs(oldInputs, news),
  create: async (request) => unknownYet(request),
  update: async (request) => unknownYet(request),
  read: async ({ id }) => ({ id, outputs: {} }),
  delete: async (request) => {
    unknownYet(request);
  },
  invoke: async () => ({ result: {}, failures: [] }),
  cancel: async () => undefined,
};

function unknownYet(target: Target): never {
  throw new BusError("ERR_ENGINE_PROVIDER", `the provider of ${target.urn} has settings that are not known yet`);
}
