import { tellAccounts } from "../account-look.ts";
import { runChange } from "../change.ts";
import { CHANGE_ARGS } from "../run-args.ts";
import { defineVerb } from "../verb.ts";

const { refresh: _, ...ARGS } = CHANGE_ARGS;

/** `natsbus refresh`. */
export const verb = defineVerb({
  name: "refresh",
  summary: "read the real state of every resource and note the drift",
  synopsis: "",
  details: "Changes the state only, never the bus. `up` afterwards repairs what drifted.",
  args: {
    ...ARGS,
    clearPendingCreates: { type: "boolean", description: "forget creates that a crashed run left unfinished" },
  },
  examples: [
    ["refresh", "show the drift, ask, note it"],
    ["refresh --preview-only", "show the drift only"],
    ["refresh --yes --expect-no-changes", "for scripts: exit code 7 when something drifted"],
  ],
  async run(call) {
    const code = await runChange("refresh", call, call.args);
    await tellAccounts(call.args, call.terminal);
    return code;
  },
});
