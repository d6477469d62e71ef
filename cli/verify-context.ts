/** Gathers what the acceptance suite works with: the declared bus, its users, its servers, and what may be done to them. */
import { dirname, resolve } from "node:path";
import { beginOutage, endOutage, endOutages } from "../components/process/outage.ts";
import type { ResolvedBus } from "../components/resolve.ts";
import { type ConnectionSpec, DEFAULT_TIMEOUT_MS } from "../core/connection.ts";
import { isBusError } from "../core/errors.ts";
import type { DisruptionRule } from "../core/verify-spec.ts";
import { acquireLock, type Lock } from "../engine/lock.ts";
import { stackFiles } from "../engine/stack-files.ts";
import type { Context, ServerControl, VerifyUser } from "../operations/verify/context.ts";
import { openScratch } from "../operations/verify/scratch.ts";
import { DEFAULT_THRESHOLDS, overrideThresholds } from "../operations/verify/thresholds.ts";
import { readBusFile, resolveConnection } from "./bus-access.ts";
import type { BusPlace } from "./bus-state.ts";
import { type ClusterOptions, resolveCluster } from "./cluster-access.ts";
import { loadDeclared } from "./declared.ts";
import { locateStack, openBus } from "./session.ts";
import { readSigner } from "./verify-signer.ts";

const CLOSE_WAIT_MS = 30_000;

/** Options that decide what is checked and how hard. */
export interface VerifyOptions extends ClusterOptions {
  readonly quick?: boolean | undefined;
  /** `NAME=NUMBER`, separated by commas. */
  readonly threshold?: string | undefined;
}

/** A context, and what has to be done at the end. */
export interface OpenedContext extends AsyncDisposable {
  readonly context: Context;
}

/** Who is told what, and what ends the run. */
export interface ContextTools {
  readonly signal: AbortSignal;
  readonly note: (text: string) => void;
  /** Whether servers may be stopped, or why not. */
  readonly mayStop: (rule: DisruptionRule) => Promise<true | string>;
}

/**
 * Opens a bus for checking. Disposing removes the scratch streams and starts every server that was stopped.
 * @throws BusError what finding and connecting throw
 */
export async function openContext(options: VerifyOptions, tools: ContextTools): Promise<OpenedContext> {
  const admin = { ...(await resolveCluster(options)), timeoutMs: DEFAULT_TIMEOUT_MS };
  return options.url === undefined ? openStackContext(options, admin, tools) : openForeignContext(options, admin, tools);
}

async function openForeignContext(options: VerifyOptions, admin: ConnectionSpec, tools: ContextTools): Promise<OpenedContext> {
  const scratch = await openScratch(admin, 1);
  const missing = "the cluster was named by its address";
  const context: Context = {
    ...common(options, tools),
    title: admin.servers.join(", ").replaceAll(/\/\/[^@/]*@/g, "//"),
    ...{ admin, users: [], servers: [], scratch },
    signer: { missing: `${missing}, so no keys that sign its users are at hand` },
    control: { missing: `${missing}, and its servers are not natsbus's to stop` },
    thresholds: overrideThresholds(DEFAULT_THRESHOLDS, options.threshold),
  };
  return { context, [Symbol.asyncDispose]: () => scratch.close(CLOSE_WAIT_MS) };
}

async function openStackContext(options: VerifyOptions, admin: ConnectionSpec, tools: ContextTools): Promise<OpenedContext> {
  const place = await openBus(options);
  const declared = await loadDeclared(options, tools.note);
  const opened = await openPlaceContext(place, declared, { ...tools, options, admin });
  const { control } = opened.context;
  const mayRevoke = "revoke" in (await readSigner(options));
  // Nobody may change the stack while one of its servers is away, or its account has one revocation more.
  const lock = "missing" in control && !mayRevoke ? undefined : await lockStack(options, tools.note);
  const signer = await readSigner(options);
  return {
    context: { ...opened.context, signer },
    async [Symbol.asyncDispose]() {
      await opened[Symbol.asyncDispose]();
      lock?.release();
    },
  };
}

/**
 * Opens a bus that is found already. Without the keys in its state: what has to be signed cannot be tried.
 * @param tools.admin how to connect; default: as the user that may do everything
 */
export async function openPlaceContext(
  place: BusPlace,
  declared: ResolvedBus,
  tools: ContextTools & { readonly options?: VerifyOptions; readonly admin?: ConnectionSpec },
): Promise<OpenedContext> {
  const { options = {}, admin = await resolveConnection(place, undefined), note } = tools;
  const thresholds = overrideThresholds(declared.spec.verify.thresholds, options.threshold);
  for (const name of await endOutages(runtimeFolder(place))) note(`${name} was left stopped by a run that was killed; it is started again`);
  const stopped = new Set<string>();
  const control = await openControl(place, declared, { ...tools, stopped });
  const scratch = await openScratch(admin, Math.min(3, declared.spec.cluster.servers));
  const caFile = place.bus.caFile === "" ? {} : { monitorCaFile: resolve(place.root, place.bus.caFile) };
  const context: Context = {
    ...common(options, tools),
    ...{ title: `stack ${place.stack}`, declared, admin, scratch, thresholds, control },
    users: await readUsers(place, note),
    servers: place.bus.servers.map(({ name, clientUrl, monitorUrl }) => ({ name, clientUrl, monitorUrl, ...caFile })),
    signer: { missing: "the keys of the stack were not opened" },
  };
  return {
    context,
    async [Symbol.asyncDispose]() {
      for (const folder of stopped) await endOutage(folder);
      // Right after a server came back there may be no meta leader that could delete a stream.
      await scratch.close(CLOSE_WAIT_MS);
    },
  };
}

async function lockStack(options: VerifyOptions, onNotice: (text: string) => void): Promise<Lock> {
  const { address } = locateStack(options);
  return acquireLock({ directory: stackFiles(address).locks, stack: address.stack, onNotice });
}

function common(options: VerifyOptions, { signal, note }: ContextTools): Pick<Context, "quick" | "signal" | "note" | "once"> {
  const done = new Map<string, Promise<unknown>>();
  return {
    quick: options.quick === true,
    signal,
    note,
    once<T>(key: string, work: () => Promise<T>) {
      const known = done.get(key) ?? work();
      done.set(key, known);
      return known as Promise<T>;
    },
  };
}

/** A user whose file cannot be read stays in the list with empty credentials: the suite then says so. */
async function readUsers(place: BusPlace, note: (text: string) => void): Promise<readonly VerifyUser[]> {
  return Promise.all(
    place.bus.users.map(async ({ name, account, role, file }) => {
      const creds = await readBusFile(place, file).catch((error: unknown) => {
        note(isBusError(error) ? error.message : String(error));
        return "";
      });
      return { name, account, role, creds };
    }),
  );
}

function runtimeFolder({ root, stack, bus }: BusPlace): string {
  const [first] = bus.servers;
  return first === undefined ? resolve(root, ".natsbus", stack) : dirname(resolve(root, first.directory));
}

/** Rule when the stack file names none: only what one developer uses alone is disturbed unasked. */
export function defaultRule({ target, stack }: Pick<ResolvedBus["spec"], "target" | "stack">): DisruptionRule {
  return target === "process" && (stack === "dev" || stack.startsWith("ephemeral")) ? "allow" : "ask";
}

async function openControl(
  { root, stack, bus }: BusPlace,
  { spec }: ResolvedBus,
  { mayStop, stopped }: ContextTools & { readonly stopped: Set<string> },
): Promise<ServerControl | { readonly missing: string }> {
  if (spec.target !== "process") return { missing: `servers of the target ${spec.target} are not stopped from here` };
  if (bus.servers.length < 3)
    return { missing: `with ${bus.servers.length} server${bus.servers.length === 1 ? "" : "s"} nothing goes on when one stops` };
  const answer = await mayStop(spec.verify.disruptive ?? defaultRule({ target: spec.target, stack }));
  if (answer !== true) return { missing: answer };
  return {
    async stop(name, how) {
      const server = bus.servers.find((one) => one.name === name);
      if (server === undefined) throw new Error(`there is no server ${name}`);
      const folder = resolve(root, server.directory);
      const { client, monitor, route } = server.ports;
      stopped.add(folder);
      await beginOutage({ folder, ports: [client, route, monitor] }, how);
      return {
        name,
        async restart() {
          await endOutage(folder);
          stopped.delete(folder);
        },
      };
    },
  };
}
