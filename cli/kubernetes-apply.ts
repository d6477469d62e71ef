import { PART_VARIABLE } from "../components/part.ts";
import { BusError } from "../core/errors.ts";
import type { Snapshot } from "../engine/model.ts";
import { isPluginInstalled } from "../engine/plugin-process.ts";
import type { DeployRequest } from "./deploy-request.ts";

interface Application {
  /** Pulumi package whose plugin does it. */
  readonly package: string;
  /** What it applies, in words. */
  readonly what: string;
  /** Types of its resources. */
  readonly types: RegExp;
  /** How somebody else applies it. */
  readonly otherwise: (stack: string) => string;
}

/** Map keyed by target: what a plugin applies, and somebody else can. */
const APPLICATIONS: Readonly<Record<string, Application>> = {
  kubernetes: {
    package: "kubernetes",
    what: "Kubernetes objects",
    types: /^(pulumi:providers:)?kubernetes(:|$)/,
    otherwise: (name) =>
      `write the objects with \`natsbus render --stack ${name} --out manifests\`, apply them with \`kubectl apply -f manifests\``,
  },
  docker: {
    package: "docker",
    what: "Docker containers",
    types: /^(pulumi:providers:)?docker(:|$)/,
    otherwise: (name) => `write Compose files with \`natsbus render --stack ${name} --out compose\`, run \`compose/apply.sh\``,
  },
  systemd: {
    package: "command",
    what: "services of hosts",
    types: /^(pulumi:providers:)?command(:|$)/,
    otherwise: (name) => `write the files of each host with \`natsbus render --stack ${name} --out hosts\`, run its \`install.sh\` there`,
  },
};

/** What the program is told for this request. */
export function programEnvironment({ contentsOnly }: Pick<DeployRequest, "contentsOnly">): Readonly<Record<string, string>> {
  return contentsOnly === true ? { [PART_VARIABLE]: "contents" } : {};
}

/**
 * Refuses a change that would begin and could not end, or would delete what somebody else applies.
 * @param config configuration of the stack, `project:key` to text
 * @throws BusError ERR_USAGE, ERR_SERVERS_APPLIED, ERR_ENGINE_PLUGIN_MISSING
 */
export function assertApplicable(
  request: Pick<DeployRequest, "kind" | "contentsOnly" | "previewOnly" | "stack">,
  stack: { readonly project: string; readonly config: Readonly<Record<string, string>>; readonly snapshot: () => Snapshot },
  embedded: boolean,
): void {
  if (request.kind !== "up") return;
  const application = APPLICATIONS[stack.config[`${stack.project}:target`] ?? ""];
  if (request.contentsOnly === true) {
    assertContentsOnly(request.stack, application, stack.snapshot);
    return;
  }
  if (application === undefined || !embedded || request.previewOnly || isPluginInstalled(application.package)) return;
  const { stack: name } = request;
  throw new BusError(
    "ERR_ENGINE_PLUGIN_MISSING",
    `${application.what} are applied by the Pulumi CLI and its ${application.package} plugin, and neither is installed`,
    { remedy: `install the Pulumi CLI; or ${application.otherwise(name)}, and run \`natsbus up --contents-only --stack ${name}\`` },
  );
}

function assertContentsOnly(name: string, application: Application | undefined, snapshot: () => Snapshot): void {
  if (application === undefined) {
    throw new BusError("ERR_USAGE", "--contents-only is for buses whose servers somebody else sets up", {
      remedy: "leave it out; on this target natsbus makes the servers itself",
    });
  }
  if (!snapshot().resources.some((entry) => entry.delete !== true && application.types.test(entry.type))) return;
  throw new BusError("ERR_SERVERS_APPLIED", `stack ${name} applied its ${application.what} itself, and would now delete them`, {
    remedy: `run \`natsbus up --stack ${name}\`; to hand them over to files, take them out of the state first with \`pulumi state delete\``,
  });
}
