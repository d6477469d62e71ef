import { runChange } from "../change.ts";
import { CHANGE_ARGS } from "../run-args.ts";
import { defineVerb } from "../verb.ts";

const { expectNoChanges: _, ...ARGS } = CHANGE_ARGS;

/** `natsbus destroy`. */
export const verb = defineVerb({
  name: "destroy",
  summary: "delete everything the stack made",
  synopsis: "",
  details: "Stops the servers and removes their data. The stack's settings and history stay; `natsbus stacks rm` removes them.",
  args: ARGS,
  examples: [
    ["destroy", "show what would be deleted, ask, delete it"],
    ["destroy --stack ci-17 --yes", "delete without a question"],
    ["destroy --preview-only", "show only"],
  ],
  run: (call) => runChange("destroy", call, call.args),
});
