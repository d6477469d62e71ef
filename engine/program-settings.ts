import { createRequire } from "node:module";
import { join } from "node:path";
import { BusError } from "../core/errors.ts";
import { childEnvironment, GUARD_ARGUMENTS } from "./child-process.ts";

/** What the program and the provider host need to know about the project and the stack. */
export interface ProgramSettings {
  /** Project name. */
  readonly project: string;
  /** Stack name without project and organization. */
  readonly stack: string;
  /** Absolute folder of Pulumi.yaml. */
  readonly projectRoot: string;
  /** Absolute folder of the program; working folder of both children. */
  readonly programDirectory: string;
  /** File name of the program inside its folder, `.` for what its package.json names. */
  readonly entry: string;
  /** `runtime.options` of Pulumi.yaml. */
  readonly runtimeOptions: Readonly<Record<string, unknown>>;
  /** Stack configuration as text, `namespace:name` to value; secrets in clear. */
  readonly config: Readonly<Record<string, string>>;
  /** Keys of `config` that are secret. */
  readonly secretKeys: readonly string[];
  /** Further environment variables of the program and of dynamic resources.
   * @default {} */
  readonly environment?: Readonly<Record<string, string>>;
  /** Where compiled JavaScript is kept between runs.
   * @default - not kept */
  readonly compileCache?: string;
}

/** Where a script of the SDK lies, and the arguments of `node` before it. */
export interface SdkScript {
  readonly script: string;
  readonly nodeArguments: readonly string[];
}

/**
 * Finds `@pulumi/pulumi/cmd/NAME` as the program itself would.
 * @throws BusError ERR_ENGINE_SDK_MISSING
 */
export function resolveSdkScript(settings: ProgramSettings, name: "run" | "dynamic-provider"): SdkScript {
  const { programDirectory, runtimeOptions } = settings;
  try {
    const script = createRequire(join(programDirectory, "package.json")).resolve(`@pulumi/pulumi/cmd/${name}`);
    const own = name === "run" ? splitArguments(runtimeOptions["nodeargs"]) : [];
    return { script, nodeArguments: [...GUARD_ARGUMENTS, ...own] };
  } catch (cause) {
    throw new BusError("ERR_ENGINE_SDK_MISSING", `the package @pulumi/pulumi is not installed for the program in ${programDirectory}`, {
      remedy: "run `npm ci` in the project folder",
      cause,
    });
  }
}

/** Environment of both children: configuration, and the compile cache when there is one. */
export function sdkEnvironment(settings: ProgramSettings): Record<string, string | undefined> {
  return childEnvironment({
    ...settings.environment,
    PULUMI_CONFIG: JSON.stringify(settings.config),
    PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(settings.secretKeys),
    ...(settings.compileCache === undefined ? {} : { NODE_COMPILE_CACHE: settings.compileCache }),
  });
}

/** Splits the text of `nodeargs` at blanks, honouring single and double quotes. */
function splitArguments(text: unknown): string[] {
  if (Array.isArray(text)) return text.map(String);
  if (typeof text !== "string") return [];
  return [...text.matchAll(/(?:[^\s"']|"[^"]*"|'[^']*')+/g)].map(([part]) => part.replaceAll(/"([^"]*)"|'([^']*)'/g, "$1$2"));
}
