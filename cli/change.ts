import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { acquireLock } from "../engine/lock.ts";
import { loadProject, type Project, resolveBackend } from "../engine/project.ts";
import { loadState, openRecorder } from "../engine/recorder.ts";
import { type OpenStack, type OpenStackOptions, openStack } from "../engine/stack.ts";
import { stackFiles } from "../engine/stack-files.ts";
import { HIDDEN_SECRETS, readBusState } from "./bus-state.ts";
import { deploy, questionOf } from "./deploy.ts";
import type { DeployRequest } from "./deploy-request.ts";
import { EXIT } from "./exit-codes.ts";
import { interruptText, listenForInterrupts } from "./interrupts.ts";
import { assertApplicable, programEnvironment } from "./kubernetes-apply.ts";
import type { Phase } from "./phases.ts";
import { assertCanAsk } from "./prompt.ts";
import { findOnPath, type PulumiPlace, pulumiArguments, runPulumi } from "./pulumi-cli.ts";
import { renderConnect, renderPhases } from "./reporters/connect.ts";
import { type PreviewDocument, renderPreviewMarkdown } from "./reporters/preview-markdown.ts";
import { type ChangeOptions, type EngineChoice, resolveRequest } from "./run-args.ts";
import { type PlaceOptions, stackName, startFolder } from "./session.ts";
import type { Terminal } from "./terminal.ts";

/** Options of a verb that deploys. */
export type DeployVerbOptions = ChangeOptions & PlaceOptions & { readonly engine?: EngineChoice | undefined };

/** Runs `up`, `preview`, `refresh` or `destroy` with the engine that was chosen; answers the exit code. */
export async function runChange(
  kind: DeployRequest["kind"],
  call: { readonly terminal: Terminal },
  options: DeployVerbOptions,
): Promise<number> {
  const { terminal } = call;
  const request = resolveRequest(kind, stackName(options), options);
  if (!request.previewOnly && !request.yes) assertCanAsk(terminal, questionOf(request));
  const isPulumi = options.engine === "pulumi" || (options.engine !== "embedded" && findOnPath("pulumi") !== undefined);
  return isPulumi ? changeWithPulumi(request, options, terminal) : changeEmbedded(request, options, terminal);
}

type Absent = NonNullable<OpenStackOptions["absent"]>;

/** Only `up` makes a stack; its preview needs none. */
function whenAbsent(request: DeployRequest): Absent {
  if (request.kind !== "up") return "refuse";
  return request.previewOnly ? "pretend" : "create";
}

function open(request: DeployRequest, options: PlaceOptions & { readonly absent: Absent }, terminal: Terminal): Promise<OpenStack> {
  return openStack({
    directory: startFolder(options),
    stack: request.stack,
    absent: options.absent,
    onNotice: notice(terminal),
    ...(terminal.canAsk ? { askPassphrase: () => terminal.askSecret("Enter your passphrase to unlock config/secrets: ") } : {}),
  });
}

function notice(terminal: Terminal): (text: string) => void {
  return (text) => terminal.err(`${terminal.errPalette.warning("note:")} ${text}\n`);
}

async function changeEmbedded(request: DeployRequest, options: PlaceOptions, terminal: Terminal): Promise<number> {
  // The key of the secrets is derived on another thread; loading the engine meanwhile costs no time.
  const [stack, { runEmbedded }] = await Promise.all([
    open(request, { ...options, absent: whenAbsent(request) }, terminal),
    import("./embedded.ts"),
  ]);
  assertApplicable(request, applicationOf(stack), true);
  using interrupts = listenForInterrupts((count) => terminal.err(interruptText(count)));
  const directory = stackFiles(stack.address).locks;
  const lock = request.previewOnly ? undefined : await acquireLock({ directory, stack: request.stack, onNotice: notice(terminal) });
  try {
    const { cancellation } = interrupts;
    const outcome = await deploy({
      request,
      project: stack.project.name,
      terminal,
      shownConfig: maskConfig(stack.config),
      cancellation,
      execute: (execution) =>
        runEmbedded(stack, {
          ...execution,
          request,
          cancellation,
          environment: programEnvironment(request),
          onNotice: notice(terminal),
        }),
    });
    if (outcome.exitCode === EXIT.ok && outcome.applied && kindShowsBus(request))
      showBus(stack, request, { terminal, phases: outcome.clock.phases() });
    if (outcome.exitCode === EXIT.ok && outcome.applied && request.kind === "destroy" && !request.json) tellLeftovers(stack, terminal);
    return outcome.exitCode;
  } finally {
    lock?.release();
  }
}

function applicationOf({ project, config, address }: OpenStack): Parameters<typeof assertApplicable>[1] {
  return { project: project.name, config: config.config, snapshot: () => loadState(address, HIDDEN_SECRETS) };
}

function kindShowsBus(request: DeployRequest): boolean {
  return request.kind === "up" && !request.json;
}

function showBus(
  stack: Pick<OpenStack, "address">,
  request: DeployRequest,
  about: { readonly terminal: Terminal; readonly phases: readonly Phase[] },
): void {
  const { terminal, phases } = about;
  const bus = readBusState(loadState(stack.address, HIDDEN_SECRETS));
  const stackOption = request.stack === stackName({}) ? "" : `--stack ${request.stack}`;
  const sections = [renderPhases(phases, terminal.outPalette), renderConnect(bus, stackOption, terminal.outPalette)];
  for (const section of sections.filter((text) => text !== "")) terminal.out(`\n${section}`);
}

/** A destroy leaves nothing but what it names. */
function tellLeftovers({ project, address }: Pick<OpenStack, "project" | "address">, terminal: Terminal): void {
  const passphrase = join(project.root, ".natsbus", "passphrase");
  const kept = [
    `state and history in ${address.root}`,
    ...(existsSync(passphrase) ? [`the passphrase in ${passphrase}`] : []),
    `downloaded servers in ${cacheFolder()}`,
  ];
  terminal.out(`\nLeft on this machine: ${kept.join("; ")}.\n`);
}

function cacheFolder(env: NodeJS.ProcessEnv = process.env): string {
  return env["NATSBUS_CACHE_DIR"] || join(env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "natsbus");
}

function maskConfig({ config, secretKeys }: OpenStack["config"]): Readonly<Record<string, string>> {
  const secret = new Set(secretKeys);
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key, secret.has(key) ? "[secret]" : value]));
}

async function changeWithPulumi(request: DeployRequest, options: PlaceOptions, terminal: Terminal): Promise<number> {
  const project = loadProject(startFolder(options));
  const backendUrl = process.env["PULUMI_BACKEND_URL"] || project.backendUrl || "file://./.natsbus/state";
  const isFolder = backendUrl.startsWith("file://");
  // The CLI would ask whether to make a stack that does not exist yet; ours is made with its state folder and passphrase.
  const stack = isFolder ? await open(request, { ...options, absent: request.kind === "up" ? "create" : "refuse" }, terminal) : undefined;
  if (stack !== undefined) assertApplicable(request, applicationOf(stack), false);
  if (stack !== undefined && !request.previewOnly) await settleCrash(stack, terminal);
  const place = { ...pulumiPlace(project, backendUrl), environment: programEnvironment(request) };
  if (request.markdown === true) return previewWithPulumi(request, place, terminal);
  const exitCode = await runPulumi(pulumiArguments(request), place);
  if (exitCode === EXIT.ok && stack !== undefined && !request.previewOnly && kindShowsBus(request))
    showBus(stack, request, { terminal, phases: [] });
  return exitCode;
}

/** The CLI's document as Markdown. */
async function previewWithPulumi(request: DeployRequest, place: PulumiPlace, terminal: Terminal): Promise<number> {
  let text = "";
  const exitCode = await runPulumi(pulumiArguments({ ...request, json: true }), place, (part) => {
    text += part;
  });
  // A failed preview may end before its document.
  const document = text.trimStart().startsWith("{") ? (JSON.parse(text) as PreviewDocument) : {};
  terminal.out(renderPreviewMarkdown(request.stack, document));
  return exitCode;
}

/** The CLI cannot read the journal of a crashed run: it becomes part of the checkpoint first. */
async function settleCrash(stack: OpenStack, terminal: Terminal): Promise<void> {
  const { address, secrets, config } = stack;
  const lock = await acquireLock({ directory: stackFiles(address).locks, stack: address.stack, onNotice: notice(terminal) });
  try {
    openRecorder({ address, secrets, config: config.recorded, onNotice: notice(terminal) });
  } finally {
    lock.release();
  }
}

function pulumiPlace(project: Project, backendUrl: string): PulumiPlace {
  const passphraseFile = join(project.root, ".natsbus", "passphrase");
  return {
    projectRoot: project.root,
    backendUrl: backendUrl.startsWith("file://") ? pathToFileURL(resolveBackend(project)).href : backendUrl,
    ...(existsSync(passphraseFile) ? { passphraseFile } : {}),
  };
}
