import { availableParallelism } from "node:os";
import type { BusError } from "../core/errors.ts";
import type { ApplyContext } from "./apply.ts";
import { createBuiltinProvider } from "./builtins.ts";
import type { EngineEventBody } from "./events.ts";
import { Generator } from "./generator.ts";
import { Ledger } from "./ledger.ts";
import { Limiter } from "./limiter.ts";
import type { ProviderHost } from "./model.ts";
import type { LogMessage, Monitor } from "./monitor.ts";
import { startMonitor } from "./monitor.ts";
import { Registrar } from "./registrar.ts";
import { ProviderRegistry } from "./registry.ts";
import { Reporter } from "./reporter.ts";
import type { RunOptions } from "./run-options.ts";
import { RunState } from "./run-state.ts";
import { urnMatcher } from "./urn.ts";

/** Everything that works together in one run. */
export interface Deployment {
  readonly options: RunOptions;
  readonly preview: boolean;
  readonly parallel: number;
  readonly state: RunState;
  readonly reporter: Reporter;
  readonly ledger: Ledger;
  readonly host: ProviderHost;
  readonly registry: ProviderRegistry;
  readonly generator: Generator;
  readonly context: ApplyContext;
  readonly registrar: Registrar;
  readonly monitor: Monitor;
  /** Resolves when the program says that it has registered everything. */
  readonly shutdown: Promise<void>;
  /** Whether {@link Deployment.shutdown} has resolved. */
  hasShutDown(): boolean;
}

/**
 * Opens the services of a run and puts its parts together.
 * @throws BusError ERR_ENGINE_LISTEN
 */
export async function openDeployment(options: RunOptions, emit: (body: EngineEventBody) => void): Promise<Deployment> {
  const preview = options.preview ?? false;
  const parallel = options.parallel ?? 4 * availableParallelism();
  const config = { values: options.config, secretKeys: options.secretKeys };
  const state = new RunState(options.continueOnError ?? false);
  const reporter = new Reporter({ emit, preview, countsRefresh: options.kind === "refresh" });
  const ledger = new Ledger(options.recorder.base, preview ? undefined : options.recorder);
  const shutdown = Promise.withResolvers<void>();
  let signalled = false;
  const parts: { registrar?: Registrar } = {};
  const monitor = await startMonitor({
    project: options.project.name,
    projectRoot: options.project.root,
    stack: options.stack,
    config,
    preview,
    parallel,
    registrar: () => present(parts.registrar),
    onLog: (message) => {
      if (!(state.cancelled && CUT_OFF.test(message.message))) tell(reporter, message);
    },
    onUnsupported: (error) => refuse(reporter, state, error),
    onShutdown: () => {
      signalled = true;
      shutdown.resolve();
    },
  });
  const host = options.createProviders(monitor.address, {
    onLog: (line) => {
      if (!state.cancelled) reporter.diagnostic({ severity: "info#err", message: `${line}\n` });
    },
    onProgress: (text) => reporter.progress(text),
  });
  const builtin = createBuiltinProvider({
    find: (urn) => ledger.current(urn),
    readStackOutputs: options.readStackOutputs ?? (async () => undefined),
  });
  const registry = new ProviderRegistry({ host, builtin, find: (urn) => ledger.current(urn) });
  const names = { stack: options.stack, project: options.project.name };
  const generator = new Generator({ ...names, preview, ledger, registry, reporter, state, isRequested: urnMatcher(options.replace ?? []) });
  const limiter = new Limiter(parallel);
  const context: ApplyContext = { preview, ledger, registry, isDeleted: generator.isDeleted, reporter, state, limiter };
  const registrar = new Registrar({ ...names, context, generator, config, continueOnError: options.continueOnError ?? false });
  parts.registrar = registrar;
  const made = { options, preview, parallel, state, reporter, ledger, host, registry, generator, context, registrar, monitor };
  return { ...made, shutdown: shutdown.promise, hasShutDown: () => signalled };
}

function present<T>(part: T | undefined): T {
  if (part === undefined) throw new Error("the engine is not ready yet");
  return part;
}

/** How the program complains that the run it belongs to does not answer any more. */
const CUT_OFF = /\b(UNAVAILABLE|CANCELLED)\b|Channel has been (shut down|closed)|failed to deliver log message/;

const PREFIXES: Readonly<Record<LogMessage["severity"], string>> = { debug: "debug: ", info: "", warning: "warning: ", error: "error: " };

function tell(reporter: Reporter, { severity, message, urn, streamId, ephemeral }: LogMessage): void {
  const prefix = PREFIXES[severity];
  reporter.diagnostic({
    severity,
    message: `${message}\n`,
    ...(prefix === "" ? {} : { prefix }),
    ...(urn === "" ? {} : { urn }),
    ...(streamId === 0 ? {} : { streamID: streamId }),
    ...(ephemeral ? { ephemeral } : {}),
  });
}

function refuse(reporter: Reporter, state: RunState, error: BusError): void {
  if (!state.failed) reporter.error(`${error.message}; ${error.remedy ?? ""} [${error.code}]`);
  state.stop();
}
