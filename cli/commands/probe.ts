import { loadProbeConfig } from "../../probe/config.ts";
import { startProbe } from "../../probe/probe.ts";
import { EXIT } from "../exit-codes.ts";
import { parsePort } from "../port-option.ts";
import { lookingProbe } from "../probe-place.ts";
import { untilInterrupted } from "../until-interrupted.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

/** `natsbus probe`. */
export const verb = defineVerb({
  name: "probe",
  summary: "serve what no exporter tells about the bus, for Prometheus and for people",
  synopsis: "",
  details:
    "Runs until Ctrl-C. Without --config it looks at the stack's servers on this machine and publishes nothing; with --config it does what the file says, as the probe that `up` starts with natsbus:monitoring enabled.",
  args: {
    ...COMMON_ARGS,
    config: {
      type: "string",
      valueHint: "FILE",
      description: "configuration that natsbus wrote (.natsbus/STACK/monitoring/probe/probe.json)",
    },
    port: { type: "string", valueHint: "PORT", description: "port on loopback (default: 7777)" },
  },
  examples: [
    ["probe", "metrics of the dev stack at http://127.0.0.1:7777/metrics, the exporter's at /servers/n1/metrics"],
    ["probe --config probe.json", "whatever the file says"],
  ],
  async run({ args, terminal }) {
    const notice = (text: string): void => terminal.err(`note: ${text}\n`);
    const { config, access } =
      args.config === undefined
        ? await lookingProbe(args, parsePort(args.port, "--port"), notice)
        : { config: await loadProbeConfig(args.config), access: undefined };
    await using probe = await startProbe(config, access);
    terminal.out(args.json === true ? `${JSON.stringify({ url: probe.url })}\n` : `${probe.url}\n`);
    await untilInterrupted();
    return EXIT.ok;
  },
});
