import { loadDeclared } from "../declared.ts";
import { EXIT } from "../exit-codes.ts";
import { checkHostConfig, reachHosts } from "../host-check.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

/** `natsbus check-config`. */
export const verb = defineVerb({
  name: "check-config",
  summary: "have the servers' own tools look at what would be rendered",
  synopsis: "[--reach]",
  details:
    "The stack file and the catalogues are read as for up; then every server's configuration is tried by nats-server, units by systemd-analyze, the site by nginx, the firewall by nft, as far as this machine has them. Keys and certificates are stand-ins made for the check; no state is needed, nothing is changed. With --reach it also logs in to each host as up would, and learns whether its key is the pinned one and its user may set up services. Exit code 1 when something is wrong.",
  args: { ...COMMON_ARGS, reach: { type: "boolean", description: "log in to each host of the systemd target too", default: false } },
  examples: [
    ["check-config --stack prod", "one line for each file and the tool that looked at it"],
    ["check-config --reach --stack prod", "and whether every host can be set up"],
    ["check-config --json", "the same as a document"],
  ],
  async run({ args, terminal }) {
    const bus = await loadDeclared(args, (text) => terminal.err(`note: ${text}\n`));
    const found = [...(await checkHostConfig(bus.spec)), ...(args.reach === true ? await reachHosts(bus.spec) : [])];
    const bad = found.filter(({ outcome }) => outcome === "bad");
    const skipped = found.filter(({ outcome }) => outcome === "skipped");
    if (args.json === true) terminal.out(`${JSON.stringify({ inspections: found }, null, 2)}\n`);
    else {
      for (const { subject, tool, outcome, detail } of found) {
        const word = outcome === "skipped" ? "not checked" : outcome;
        terminal.out(`${word}  ${subject} (${tool})${detail === "" ? "" : `: ${detail}`}\n`);
      }
      terminal.out(`${found.length - bad.length - skipped.length} fine, ${bad.length} bad, ${skipped.length} not checked\n`);
    }
    return bad.length === 0 ? EXIT.ok : EXIT.error;
  },
});
