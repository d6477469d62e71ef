import type { ApplyContext } from "../../engine/apply.ts";
import { createBuiltinProvider } from "../../engine/builtins.ts";
import type { EngineEventBody } from "../../engine/events.ts";
import { Generator } from "../../engine/generator.ts";
import type { Goal } from "../../engine/goal.ts";
import { emptyGoal } from "../../engine/goal.ts";
import { assertIntegrity } from "../../engine/integrity.ts";
import { Ledger } from "../../engine/ledger.ts";
import { Limiter } from "../../engine/limiter.ts";
import type { DiffAnswer, PendingOperation, Provider, ProviderHost, ResourceEntry, RunRecorder, Snapshot } from "../../engine/model.ts";
import { RecordedState } from "../../engine/recorded-state.ts";
import { refreshAll } from "../../engine/refresh.ts";
import type { Registered } from "../../engine/registrar.ts";
import { Registrar } from "../../engine/registrar.ts";
import { ProviderRegistry } from "../../engine/registry.ts";
import { Reporter } from "../../engine/reporter.ts";
import { RunState } from "../../engine/run-state.ts";
import { carryOutDeletes } from "../../engine/up.ts";
import { createUrn, STACK_TYPE, stackUrn } from "../../engine/urn.ts";
import type { PropertyMap } from "../../engine/values.ts";

/** Package whose resources the bench makes, and its type. */
const THING = "test:index:Thing";
export const PROVIDER_URN = "urn:pulumi:dev::proj::pulumi:providers:test::default";
export const STACK_URN = stackUrn("proj", "dev");

/** URN of a top-level thing. */
export function thingUrn(name: string): string {
  return createUrn({ stack: "dev", project: "proj", parent: STACK_URN, type: THING, name });
}

/** What the scripted provider does; each may be replaced for one resource name. */
type Script = Partial<Pick<Provider, "check" | "diff" | "create" | "read" | "update" | "delete">> & {
  readonly supportsPreview?: boolean;
};

/** Options of a bench. */
export interface BenchOptions {
  readonly base?: Snapshot;
  readonly script?: Script;
  readonly preview?: boolean;
  readonly continueOnError?: boolean;
  readonly replace?: readonly string[];
}

/** An engine without program, wire and files. */
export interface Bench {
  /** Provider calls as `operation name`. */
  readonly calls: string[];
  /** Begun steps as `op name`. */
  readonly ops: string[];
  readonly events: EngineEventBody[];
  /** Pending operations as they began. */
  readonly pending: string[];
  readonly state: RunState;
  readonly reporter: Reporter;
  stack(): Promise<Registered>;
  register(name: string, goal?: Partial<Goal>): Promise<Registered>;
  read(name: string, id: string, inputs?: PropertyMap): Promise<Registered>;
  deletes(): Promise<void>;
  refresh(): Promise<void>;
  /** What is recorded now; must be sound. */
  snapshot(): Snapshot;
  entry(urn: string): ResourceEntry | undefined;
  errors(): readonly string[];
}

/** A diff that finds nothing. */
export const UNCHANGED: DiffAnswer = { changes: "none", replaces: [], stables: [], diffs: [], deleteBeforeReplace: false };

/** The state of a stack in which `things` were created, with the entries of some names altered afterwards. */
export async function stackOf(
  things: Readonly<Record<string, Partial<Goal>>>,
  change: Readonly<Record<string, Partial<ResourceEntry>>> = {},
): Promise<Snapshot> {
  const bench = createBench();
  await bench.stack();
  for (const [name, goal] of Object.entries(things)) await bench.register(name, goal);
  const { resources } = bench.snapshot();
  return { resources: resources.map((entry) => ({ ...entry, ...change[nameOf(entry.urn)] })), pendingOperations: [] };
}

/** Puts an engine together around a scripted provider. */
export function createBench(options: BenchOptions = {}): Bench {
  const preview = options.preview ?? false;
  const calls: string[] = [];
  const ops: string[] = [];
  const events: EngineEventBody[] = [];
  const pending: string[] = [];
  const recorded = new RecordedState(options.base ?? { resources: [], pendingOperations: [] });
  const emit = (body: EngineEventBody): void => {
    events.push(body);
    if ("resourcePreEvent" in body) ops.push(`${body.resourcePreEvent.metadata.op} ${nameOf(body.resourcePreEvent.metadata.urn)}`);
  };
  const reporter = new Reporter({ emit, preview, countsRefresh: true });
  const state = new RunState(options.continueOnError ?? false);
  const ledger = new Ledger(recorded.snapshot(), preview ? undefined : memoryRecorder(recorded, pending));
  const find = (urn: string): ResourceEntry | undefined => ledger.current(urn);
  const registry = new ProviderRegistry({
    host: hostOf(scriptedProvider(options.script ?? {}, calls)),
    builtin: createBuiltinProvider({ find, readStackOutputs: async () => undefined }),
    find,
  });
  const names = { stack: "dev", project: "proj" };
  const requested = new Set(options.replace ?? []);
  const generator = new Generator({ ...names, preview, ledger, registry, reporter, state, isRequested: (urn) => requested.has(urn) });
  const context: ApplyContext = { preview, ledger, registry, isDeleted: generator.isDeleted, reporter, state, limiter: new Limiter(8) };
  const config = { values: {}, secretKeys: [] };
  const registrar = new Registrar({ ...names, context, generator, config, continueOnError: options.continueOnError ?? false });
  const request = { packageName: "test", version: "", downloadUrl: "" };
  const snapshot = (): Snapshot => {
    const now = recorded.snapshot();
    assertIntegrity(now.resources);
    return now;
  };
  return {
    calls,
    ops,
    events,
    pending,
    state,
    reporter,
    stack: () => registrar.register({ ...emptyGoal(STACK_TYPE, "proj-dev"), custom: false }, request),
    register: (name, goal = {}) => registrar.register({ ...emptyGoal(THING, name), parent: STACK_URN, ...goal }, request),
    read: (name, id, inputs = {}) => registrar.read({ ...emptyGoal(THING, name), parent: STACK_URN, inputs }, id, request),
    deletes: () => carryOutDeletes({ generator, context, state, ledger }),
    refresh: () => refreshAll({ ledger, context, state, reporter, registry }),
    snapshot,
    entry: (urn) => snapshot().resources.find((entry) => entry.urn === urn),
    errors: () =>
      events.flatMap((body) =>
        "diagnosticEvent" in body && body.diagnosticEvent.severity === "error" ? [body.diagnosticEvent.message] : [],
      ),
  };
}

function memoryRecorder(recorded: RecordedState, pending: string[]): RunRecorder {
  return {
    base: recorded.snapshot(),
    begin: async (operation: PendingOperation) => {
      pending.push(`${operation.type} ${nameOf(operation.resource.urn)}`);
      recorded.begin(operation);
    },
    commit: async (change) => recorded.apply(recorded.numbered(change)),
    rebase: async (resources) => recorded.rebase(resources),
    clearPending: async ({ all }) => recorded.clearPending(all),
    snapshot: () => recorded.snapshot(),
    finish: async () => undefined,
  };
}

function hostOf(provider: Provider): ProviderHost {
  return {
    warmUp: () => undefined,
    configure: async () => provider,
    checkConfig: async ({ news }) => ({ inputs: news, failures: [] }),
    diffConfig: async () => UNCHANGED,
    cancel: async () => undefined,
    close: async () => undefined,
  };
}

function scriptedProvider(script: Script, calls: string[]): Provider {
  let serial = 0;
  const note = (operation: string, name: string): void => {
    calls.push(`${operation} ${name}`);
  };
  return {
    supportsPreview: script.supportsPreview ?? false,
    check: async (request) => {
      note("check", request.name);
      return script.check?.(request) ?? { inputs: request.news, failures: [] };
    },
    diff: async (request) => {
      note("diff", request.name);
      return script.diff?.(request) ?? { ...UNCHANGED, changes: "unknown" };
    },
    create: async (request) => {
      note("create", request.name);
      return script.create?.(request) ?? { id: `${request.name}-${++serial}`, outputs: request.inputs };
    },
    read: async (request) => {
      note("read", request.name);
      return script.read?.(request) ?? { id: request.id, outputs: request.outputs };
    },
    update: async (request) => {
      note("update", request.name);
      return script.update?.(request) ?? { id: request.id, outputs: request.news };
    },
    delete: async (request) => {
      note("delete", request.name);
      await script.delete?.(request);
    },
    invoke: async () => ({ result: {}, failures: [] }),
    cancel: async () => undefined,
  };
}

function nameOf(urn: string): string {
  return urn.split("::").at(-1) ?? "";
}
