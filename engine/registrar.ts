import type { ApplyContext } from "./apply.ts";
import { applyChain, Stopped } from "./apply.ts";
import type { ProviderRequest, StackConfig } from "./default-providers.ts";
import { defaultProviderGoal, requestKey } from "./default-providers.ts";
import type { Generated, Generator } from "./generator.ts";
import { Refused } from "./generator.ts";
import type { Goal } from "./goal.ts";
import { SerialQueue } from "./limiter.ts";
import type { CheckFailure, ResourceEntry } from "./model.ts";
import { createUrn, isProviderType, packageOf, parseReference, providerReference, STACK_TYPE } from "./urn.ts";
import type { PropertyMap } from "./values.ts";

/** What became of a registration. */
export type Registered =
  | { readonly result: "done"; readonly entry: ResourceEntry }
  /** The resource failed, or was skipped because something it needs failed; only with continue-on-error. */
  | { readonly result: "failed" | "skipped"; readonly urn: string };

/** The run stopped; nothing more is answered. */
export class MonitorClosed extends Error {
  override readonly name = "MonitorClosed";
}

/** What a {@link Registrar} needs. */
export interface RegistrarOptions {
  readonly context: ApplyContext;
  readonly generator: Generator;
  readonly config: StackConfig;
  readonly stack: string;
  readonly project: string;
  readonly continueOnError: boolean;
}

/** Takes what the program asks for: decides serially, carries out in parallel, and remembers the outputs of the stack for the end. */
export class Registrar {
  readonly #options: RegistrarOptions;
  readonly #queue = new SerialQueue();
  readonly #defaults = new Map<string, Promise<string>>();
  readonly #running = new Set<Promise<unknown>>();
  readonly #preliminary = new Set<string>();
  #stackUrn: string | undefined;
  #stackOutputs: PropertyMap | undefined;

  constructor(options: RegistrarOptions) {
    this.#options = options;
  }

  /** URN of the root stack once it is registered. */
  get stackUrn(): string | undefined {
    return this.#stackUrn;
  }

  /** Outputs of the stack once the program has told them. */
  get stackOutputs(): PropertyMap | undefined {
    return this.#stackOutputs;
  }

  /** Resolves when nothing is being decided or carried out. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  /**
   * Registers a resource and brings it about.
   * @throws MonitorClosed when the run has stopped
   */
  register(goal: Goal, request: ProviderRequest): Promise<Registered> {
    return this.#track(async () => {
      const spoilt = this.#spoiltReference(goal);
      if (spoilt) return this.#skip(goal);
      const provider = await this.#providerOf(goal, request);
      const done = await this.#carryOut({ ...goal, provider }, () => this.#options.generator.register({ ...goal, provider }));
      if (goal.type === STACK_TYPE && done.result === "done") this.#stackUrn = done.entry.urn;
      return done;
    });
  }

  /**
   * Looks up a resource that is not managed here.
   * @throws MonitorClosed when the run has stopped
   */
  read(goal: Goal, id: string, request: ProviderRequest): Promise<Registered> {
    return this.#track(async () => {
      if (this.#spoiltReference(goal)) return this.#skip(goal);
      const provider = await this.#providerOf(goal, request);
      return this.#carryOut(goal, () => this.#options.generator.read({ goal: { ...goal, provider }, id }));
    });
  }

  /** Sets the outputs of a component at once, those of the stack at the end of the run. */
  outputs(urn: string, outputs: PropertyMap): Promise<void> {
    return this.#track(async () => {
      if (urn === this.#stackUrn) {
        this.#stackOutputs = outputs;
        return;
      }
      await this.applyOutputs(urn, outputs);
    });
  }

  /** Sets the outputs of an entry written by this run and tells them. */
  async applyOutputs(urn: string, outputs: PropertyMap): Promise<void> {
    const { ledger, reporter } = this.#options.context;
    const from = ledger.written(urn);
    if (from === undefined) return;
    const to = { ...from, outputs };
    await ledger.commit({ changes: [{ from, to }] });
    reporter.outputs(to);
  }

  /** Calls a function of a package; undefined when something it depends on is not there yet (previews). */
  invoke(call: {
    readonly token: string;
    readonly args: PropertyMap;
    readonly provider: string;
    readonly request: ProviderRequest;
    readonly dependsOn: readonly string[];
  }): Promise<{ readonly result: PropertyMap; readonly failures: readonly CheckFailure[] } | undefined> {
    return this.#track(async () => {
      if (call.dependsOn.some((urn) => this.#preliminary.has(urn))) return undefined;
      const reference = call.provider === "" ? await this.#defaultProvider(call.request) : call.provider;
      const provider = await this.#options.context.registry.get(reference);
      return provider.invoke(call.token, call.args);
    });
  }

  async #carryOut(goal: Goal, decide: () => Promise<Generated>): Promise<Registered> {
    const { context, continueOnError } = this.#options;
    try {
      const { subject, steps } = await this.#queue.run(async () => {
        if (context.state.stopped.aborted) throw new Stopped(`stopped before ${goal.name}`);
        return decide();
      });
      await applyChain(context, steps);
      if (subject.new === undefined) throw new Stopped(`${subject.urn} was not reached`);
      if (context.preview && subject.new.custom && subject.new.id === undefined) this.#preliminary.add(subject.urn);
      return { result: "done", entry: subject.new };
    } catch (error) {
      if (!(error instanceof Stopped || error instanceof Refused)) throw error;
      if (continueOnError && !context.state.stopped.aborted) return { result: "failed", urn: this.#urn(goal) };
      throw new MonitorClosed("the deployment has stopped", { cause: error });
    }
  }

  /** Reference of the provider: the explicit one, the own or inherited one for the package, or the default one. */
  async #providerOf(goal: Goal, request: ProviderRequest): Promise<string> {
    if (!goal.custom || isProviderType(goal.type)) return "";
    if (goal.provider !== "") return goal.provider;
    const { packageName } = request;
    const parent = this.#options.generator.goal(goal.parent);
    const inherited = goal.providers[packageName] ?? parent?.providers[packageName] ?? sameProvider(parent, packageName);
    return inherited ?? this.#defaultProvider(request);
  }

  #defaultProvider(request: ProviderRequest): Promise<string> {
    const key = requestKey(request);
    const known = this.#defaults.get(key);
    if (known !== undefined) return known;
    const reference = this.#registerDefault(request);
    this.#defaults.set(key, reference);
    return reference;
  }

  async #registerDefault(request: ProviderRequest): Promise<string> {
    const goal = defaultProviderGoal(request, this.#options.config);
    const done = await this.#carryOut(goal, () => this.#options.generator.register(goal));
    if (done.result !== "done") throw new MonitorClosed(`the default provider of ${request.packageName} failed`);
    return providerReference(done.entry.urn, done.entry.id ?? "");
  }

  #spoiltReference(goal: Goal): boolean {
    const { spoilt } = this.#options.context.state;
    if (spoilt.size === 0) return false;
    const needed = [goal.parent, goal.deletedWith, parseReference(goal.provider).urn, ...goal.dependencies, ...goal.replaceWith];
    return [...needed, ...Object.values(goal.propertyDependencies).flat()].some((urn) => spoilt.has(urn));
  }

  #skip(goal: Goal): Registered {
    const urn = this.#urn(goal);
    this.#options.context.state.skip(urn);
    return { result: "skipped", urn };
  }

  #urn({ parent, type, name }: Goal): string {
    const { stack, project } = this.#options;
    return createUrn({ stack, project, parent, type, name });
  }

  #track<T>(task: () => Promise<T>): Promise<T> {
    if (this.#options.context.state.stopped.aborted) return Promise.reject(new MonitorClosed("the deployment has stopped"));
    const running = task();
    this.#running.add(running);
    const done = (): void => {
      this.#running.delete(running);
    };
    running.then(done, done);
    return running;
  }
}

function sameProvider(parent: Goal | undefined, packageName: string): string | undefined {
  if (parent === undefined || parent.provider === "") return undefined;
  const { urn } = parseReference(parent.provider);
  return packageOf(urn.split("::")[2] ?? "") === packageName ? parent.provider : undefined;
}
