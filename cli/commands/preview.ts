import { tellAccounts } from "../account-look.ts";
import { runChange } from "../change.ts";
import { LOOK_ARGS } from "../run-args.ts";
import { defineVerb } from "../verb.ts";

/** `natsbus preview`. */
export const verb = defineVerb({
  name: "preview",
  summary: "show what up would change",
  synopsis: "",
  details:
    "--markdown writes what a reviewer needs: every change field by field, and what is at stake for data and service. --compare does the same for rendered Kubernetes files: BASE_DIR holds those of the branch that is compared with, written by `natsbus render --secrets none`; no state is needed.",
  args: {
    ...LOOK_ARGS,
    markdown: { type: "boolean", description: "print Markdown for a pull request on stdout" },
    compare: { type: "string", valueHint: "BASE_DIR", description: "compare rendered files with those in BASE_DIR instead" },
  },
  examples: [
    ["preview", "what `up` would do"],
    ["preview --diff", "with every property, old => new"],
    ["preview --refresh", "compare with what is really there, dead servers and changes by hand included"],
    ["preview --markdown --stack prod", "for a comment on a pull request"],
    ["preview --compare base/manifests --stack prod", "what changes in the rendered files, and what is at stake"],
    ["preview --json --expect-no-changes", "for scripts: a document, and exit code 7 when something would change"],
  ],
  async run(call) {
    if (call.args.compare !== undefined)
      return (await import("../compare-files.ts")).runCompare(call.args.compare, call.args, call.terminal);
    const code = await runChange("up", call, { ...call.args, previewOnly: true });
    await tellAccounts(call.args, call.terminal);
    return code;
  },
});
