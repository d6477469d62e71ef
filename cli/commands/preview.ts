import { runChange } from "../change.ts";
import { LOOK_ARGS } from "../run-args.ts";
import { defineVerb } from "../verb.ts";

/** `natsbus preview`. */
export const verb = defineVerb({
  name: "preview",
  summary: "show what up would change",
  synopsis: "",
  args: LOOK_ARGS,
  examples: [
    ["preview", "what `up` would do"],
    ["preview --diff", "with every property, old => new"],
    ["preview --refresh", "compare with what is really there, dead servers and changes by hand included"],
    ["preview --json --expect-no-changes", "for scripts: a document, and exit code 7 when something would change"],
  ],
  run: (call) => runChange("up", call, { ...call.args, previewOnly: true }),
});
