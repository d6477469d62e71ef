import { PART_VARIABLE } from "../components/part.ts";
import { BusError } from "../core/errors.ts";
import type { Snapshot } from "../engine/model.ts";
import { isPluginInstalled } from "../engine/plugin-process.ts";
import type { DeployRequest } from "./deploy-request.ts";

const PACKAGE = "kubernetes";
const OBJECT_TYPE = /^(pulumi:providers:)?kubernetes(:|$)/;

/** What the program is told for this request. */
export function programEnvironment({ contentsOnly }: Pick<DeployRequest, "contentsOnly">): Readonly<Record<string, string>> {
  return contentsOnly === true ? { [PART_VARIABLE]: "contents" } : {};
}

/**
 * Refuses a change that would begin and could not end, or would delete what somebody else applies.
 * @param config configuration of the stack, `project:key` to text
 * @throws BusError ERR_USAGE, ERR_KUBERNETES_APPLIED, ERR_ENGINE_PLUGIN_MISSING
 */
export function assertApplicable(
  request: Pick<DeployRequest, "kind" | "contentsOnly" | "previewOnly" | "stack">,
  stack: { readonly project: string; readonly config: Readonly<Record<string, string>>; readonly snapshot: () => Snapshot },
  embedded: boolean,
): void {
  if (request.kind !== "up") return;
  const isKubernetes = stack.config[`${stack.project}:target`] === PACKAGE;
  if (request.contentsOnly === true) assertContentsOnly(request.stack, isKubernetes, stack.snapshot);
  if (request.contentsOnly === true || !isKubernetes || !embedded || request.previewOnly || isPluginInstalled(PACKAGE)) return;
  const { stack: name } = request;
  throw new BusError(
    "ERR_ENGINE_PLUGIN_MISSING",
    "Kubernetes objects are applied by the Pulumi CLI and its kubernetes plugin, and neither is installed",
    {
      remedy: `install the Pulumi CLI; or write the objects with \`natsbus render --stack ${name} --out manifests\`, apply them with \`kubectl apply -f manifests\`, and run \`natsbus up --contents-only --stack ${name}\``,
    },
  );
}

function assertContentsOnly(name: string, isKubernetes: boolean, snapshot: () => Snapshot): void {
  if (!isKubernetes) {
    throw new BusError("ERR_USAGE", "--contents-only is for buses whose Kubernetes objects somebody else applies", {
      remedy: "leave it out; on this target natsbus makes the servers itself",
    });
  }
  if (!snapshot().resources.some((entry) => entry.delete !== true && OBJECT_TYPE.test(entry.type))) return;
  throw new BusError("ERR_KUBERNETES_APPLIED", `stack ${name} applied its Kubernetes objects itself, and would now delete them`, {
    remedy: `run \`natsbus up --stack ${name}\`; to hand the objects over to files, take them out of the state first with \`pulumi state delete\``,
  });
}
