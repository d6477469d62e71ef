import { kubernetesSet } from "../../components/rollout/cluster-api.ts";
import type { RolloutRequest, SetView } from "../../components/rollout/model.ts";
import { podTrouble, stalePods } from "../../components/rollout/plan.ts";
import { rolloutPlace } from "../../components/rollout/wish.ts";
import { BusError } from "../../core/errors.ts";
import { loadDeclared } from "../declared.ts";
import { EXIT } from "../exit-codes.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

const REQUESTS: Readonly<Record<string, RolloutRequest | undefined>> = { pause: "paused", resume: undefined, abort: "aborted" };

/** `natsbus rollout`. */
export const verb = defineVerb({
  name: "rollout",
  summary: "show, pause, resume or abort the rolling restart of a bus on Kubernetes",
  synopsis: "[status|pause|resume|abort]",
  details:
    "Rolling restarts are done by `up`, which looks for a request before each server: paused it waits, aborted it stops and leaves the other servers as they are. Needs the right to read and annotate the StatefulSet, neither the state nor credentials of the bus. Exit code 1 when servers still run an older template.",
  args: { ...COMMON_ARGS, what: { type: "positional", required: false, description: "status when left out" } },
  examples: [
    ["rollout --stack prod", "which servers are ready and made from the newest template, and whether somebody paused the rollout"],
    ["rollout pause --stack prod", "no further server is restarted until resume"],
  ],
  async run({ args, terminal }) {
    const what = args.what ?? "status";
    if (what !== "status" && !(what in REQUESTS)) {
      throw new BusError("ERR_USAGE", `a rollout cannot be asked to ${JSON.stringify(what)}`, {
        remedy: "it knows status, pause, resume and abort",
      });
    }
    const { spec } = await loadDeclared(args, (text) => terminal.err(`note: ${text}\n`));
    if (spec.target !== "kubernetes") {
      throw new BusError("ERR_USAGE", `stack ${spec.stack} runs on the target ${spec.target}; its servers are restarted by up alone`, {
        remedy: "use it with stacks whose natsbus:target is kubernetes",
      });
    }
    const place = rolloutPlace(spec);
    const port = await kubernetesSet(place);
    if (what !== "status") await port.request(REQUESTS[what]);
    const view = await port.observe();
    if (view === undefined)
      throw new BusError("ERR_NOT_UP", `there is no StatefulSet ${place.set} in namespace ${place.namespace}`, {
        remedy: "bring the bus up first",
      });
    const status = describe(view, place.servers);
    terminal.out(args.json === true ? `${JSON.stringify(status, null, 2)}\n` : `${status.lines.join("\n")}\n`);
    return status.stale.length === 0 ? EXIT.ok : EXIT.error;
  },
});

function describe(view: SetView, servers: readonly string[]) {
  const stale = stalePods(view, servers);
  const lines = servers.map((name) => {
    const pod = view.pods.find((candidate) => candidate.name === name);
    const template = stale.includes(name) ? "older template" : "newest template";
    return `${name}: ${pod?.ready === true && !pod.leaving ? "ready" : podTrouble(pod, name)}, ${template}`;
  });
  const request = view.request === undefined ? [] : [`rollout: ${view.request}`];
  return { request: view.request ?? null, revision: view.revision, stale, pods: view.pods, lines: [...lines, ...request] };
}
