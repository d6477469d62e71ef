import { observeMonitoring } from "../../components/process/monitoring/observe.ts";
import { startProbe } from "../../probe/probe.ts";
import { EXIT } from "../exit-codes.ts";
import { parsePort } from "../port-option.ts";
import { lookingProbe, runtimeFolder } from "../probe-place.ts";
import { untilInterrupted } from "../until-interrupted.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

/** `natsbus dashboard`. */
export const verb = defineVerb({
  name: "dashboard",
  summary: "show the bus live in a browser",
  synopsis: "",
  details:
    "Prints the address of the page. Where monitoring is enabled its probe serves it, and the verb ends at once; else it serves the page itself until Ctrl-C, without alerts. Only this machine can open it.",
  args: {
    ...COMMON_ARGS,
    port: { type: "string", valueHint: "PORT", description: "port on loopback where no probe runs (default: 7777)" },
  },
  examples: [["dashboard", "servers, streams, consumers and alerts of the dev stack"]],
  async run({ args, terminal }) {
    const tell = (url: string): void => terminal.out(args.json === true ? `${JSON.stringify({ url })}\n` : `${url}\n`);
    const watched = await observeMonitoring(await runtimeFolder(args));
    if (watched?.running.includes("probe") === true) {
      tell(watched.urls.probe);
      return EXIT.ok;
    }
    const { config, access } = await lookingProbe(args, parsePort(args.port, "--port"), (text) => terminal.err(`note: ${text}\n`));
    await using probe = await startProbe(config, access);
    tell(probe.url);
    await untilInterrupted();
    return EXIT.ok;
  },
});
