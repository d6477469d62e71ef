import { removeLocks } from "../../engine/lock.ts";
import { stackFiles } from "../../engine/stack-files.ts";
import { EXIT } from "../exit-codes.ts";
import { assertStackExists, locateStack } from "../session.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

/** `natsbus cancel`. */
export const verb = defineVerb({
  name: "cancel",
  summary: "remove the lock of a run that died",
  synopsis: "",
  details: "Stops nothing: a run that is still alive goes on and may spoil the state. Make sure that it has ended.",
  args: {
    ...COMMON_ARGS,
    yes: { type: "boolean", alias: "y", description: "accepted for symmetry with the Pulumi CLI; nothing is asked" },
  },
  examples: [["cancel --stack dev", "after a run on another machine was killed"]],
  async run({ args, terminal }) {
    const { address } = locateStack(args);
    assertStackExists(address);
    const holders = removeLocks(stackFiles(address).locks);
    if (args.json === true) terminal.out(`${JSON.stringify(holders)}\n`);
    else if (holders.length === 0) terminal.err(`stack ${address.stack} is not locked\n`);
    for (const { username, hostname, pid, timestamp } of holders)
      terminal.err(`removed the lock of ${username}@${hostname} (pid ${pid}) at ${timestamp}\n`);
    return EXIT.ok;
  },
});
