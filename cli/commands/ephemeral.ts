import { EPHEMERAL_ARGS, removeKept, runEphemeral } from "../ephemeral.ts";
import { defineVerb } from "../verb.ts";

/** `natsbus ephemeral`. */
export const verb = defineVerb({
  name: "ephemeral",
  summary: "run a command against a throw-away cluster",
  synopsis: "",
  details:
    "Brings up a stack of its own on free ports in a temporary folder, runs COMMAND with NATS_URL, NATS_CREDS, NATS_CA and NATSBUS_STACK set, and removes\neverything, also when COMMAND fails or Ctrl-C comes. Exits with COMMAND's code. Messages of natsbus go to stderr.",
  args: EPHEMERAL_ARGS,
  takesCommand: true,
  examples: [
    ["ephemeral -- npm test", "tests against a fresh bus"],
    ["ephemeral --stack prod -- ./smoke.sh", "with the settings of the stack prod"],
    ["ephemeral --keep -- true", "leave it running; the last line says how to remove it"],
    ["ephemeral --remove FOLDER", "remove one that was kept, or whose natsbus was killed"],
  ],
  run: ({ args, command, terminal }) =>
    args.remove === undefined ? runEphemeral(args, command, terminal) : removeKept(args.remove, args, terminal),
});
