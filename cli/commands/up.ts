import { runChange } from "../change.ts";
import { CHANGE_ARGS } from "../run-args.ts";
import { defineVerb } from "../verb.ts";

/** `natsbus up`. */
export const verb = defineVerb({
  name: "up",
  summary: "create or update the bus",
  synopsis: "",
  details:
    "Shows what would change, asks, and does it. Without a terminal it refuses unless --yes is given. After the answer no the exit code is 0, as with the Pulumi CLI; after Ctrl-C 130.",
  args: CHANGE_ARGS,
  examples: [
    ["up", "preview, ask, update the stack dev"],
    ["up --yes", "update without a question and without a preview"],
    ["up --stack prod --diff", "show every property that differs before asking"],
    ["up --yes --json", "one engine event a line on stdout"],
  ],
  run: (call) => runChange("up", call, call.args),
});
