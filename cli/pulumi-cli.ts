import { spawn } from "node:child_process";
import { constants as access, accessSync, statSync } from "node:fs";
import { constants } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { BusError } from "../core/errors.ts";
import type { DeployRequest } from "./deploy-request.ts";

/** Where the Pulumi CLI works and what it has to be told by environment. */
export interface PulumiPlace {
  /** Absolute folder of Pulumi.yaml. */
  readonly projectRoot: string;
  /** Absolute `file://` URL, or that of another backend. */
  readonly backendUrl: string;
  /** File that holds the passphrase when the environment does not.
   * @default - the environment has it */
  readonly passphraseFile?: string;
  /** Further variables for the program.
   * @default {} */
  readonly environment?: Readonly<Record<string, string>>;
}

/** The first executable file of that name on PATH. */
export function findOnPath(name: string, path = process.env["PATH"] ?? ""): string | undefined {
  for (const folder of path.split(delimiter).filter((part) => part !== "")) {
    const file = join(folder, name);
    try {
      accessSync(file, access.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      // not here: the next folder
    }
  }
  return undefined;
}

const SWITCHES: readonly (readonly [keyof DeployRequest, string])[] = [
  ["diff", "--diff"],
  ["json", "--json"],
  ["refresh", "--refresh"],
  ["expectNoChanges", "--expect-no-changes"],
  ["continueOnError", "--continue-on-error"],
  ["clearPendingCreates", "--clear-pending-creates"],
];

const ONLY_UP_AND_DESTROY: ReadonlySet<string> = new Set(["--refresh", "--continue-on-error"]);

/** Arguments that make the Pulumi CLI do what was asked of natsbus. */
export function pulumiArguments(request: DeployRequest): readonly string[] {
  const isPreview = request.previewOnly && request.kind === "up";
  const switches = SWITCHES.filter(([key, option]) => request[key] === true && suits(option, request.kind, isPreview)).map(
    ([, option]) => option,
  );
  return [
    isPreview ? "preview" : request.kind,
    ...["--stack", request.stack],
    ...(isPreview || !request.yes ? [] : ["--yes"]),
    ...(isPreview || !request.skipPreview ? [] : ["--skip-preview"]),
    ...(request.previewOnly && !isPreview ? ["--preview-only"] : []),
    ...switches,
    ...(request.parallel === undefined ? [] : ["--parallel", String(request.parallel)]),
    ...(request.message === undefined ? [] : ["--message", request.message]),
    ...["--color", request.color],
  ];
}

function suits(option: string, kind: DeployRequest["kind"], isPreview: boolean): boolean {
  if (option === "--clear-pending-creates") return kind === "refresh";
  if (option === "--continue-on-error" && isPreview) return false;
  // `destroy` knows no such promise.
  if (option === "--expect-no-changes" && kind === "destroy") return false;
  return !(kind === "refresh" && ONLY_UP_AND_DESTROY.has(option));
}

/** Environment of the Pulumi CLI: absolute backend, passphrase, and our own Node first on PATH, because the program needs it. */
export function pulumiEnvironment(place: PulumiPlace, env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const hasPassphrase = env["PULUMI_CONFIG_PASSPHRASE"] !== undefined || env["PULUMI_CONFIG_PASSPHRASE_FILE"] !== undefined;
  return {
    ...env,
    ...place.environment,
    PATH: [dirname(process.execPath), env["PATH"] ?? ""].join(delimiter),
    PULUMI_BACKEND_URL: place.backendUrl,
    PULUMI_SKIP_UPDATE_CHECK: env["PULUMI_SKIP_UPDATE_CHECK"] ?? "true",
    ...(hasPassphrase || place.passphraseFile === undefined ? {} : { PULUMI_CONFIG_PASSPHRASE_FILE: place.passphraseFile }),
  };
}

/**
 * Runs the Pulumi CLI on this terminal and answers its exit code. Signals are its own business: it is in the same process group.
 * @param onOutput gets what it prints, which then does not appear on the terminal
 * @throws BusError ERR_ENGINE_MISSING
 */
export async function runPulumi(args: readonly string[], place: PulumiPlace, onOutput?: (text: string) => void): Promise<number> {
  const binary = findOnPath("pulumi");
  if (binary === undefined) {
    throw new BusError("ERR_ENGINE_MISSING", "the engine `pulumi` was asked for and there is no Pulumi CLI on PATH", {
      remedy: "install it (https://www.pulumi.com/docs/install), or use --engine embedded",
    });
  }
  const child = spawn(binary, args, {
    cwd: place.projectRoot,
    env: pulumiEnvironment(place),
    stdio: ["inherit", onOutput === undefined ? "inherit" : "pipe", "inherit"],
  });
  if (onOutput !== undefined) child.stdout?.setEncoding("utf8").on("data", onOutput);
  // Ctrl-C reaches the child by the terminal; only what is sent to this process alone has to be passed on.
  const interrupt = (): void => {
    if (process.stdin.isTTY !== true) child.kill("SIGINT");
  };
  const terminate = (): void => void child.kill("SIGTERM");
  process.on("SIGINT", interrupt).on("SIGTERM", terminate);
  try {
    return await new Promise((done, fail) => {
      child.once("error", fail);
      child.once("close", (code, signal) => done(code ?? 128 + (signal === null ? 0 : constants.signals[signal])));
    });
  } finally {
    process.off("SIGINT", interrupt).off("SIGTERM", terminate);
  }
}
