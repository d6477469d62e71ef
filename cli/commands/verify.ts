import { BusError } from "../../core/errors.ts";
import type { DisruptionRule } from "../../core/verify-spec.ts";
import { connectAsUser } from "../../operations/user-connection.ts";
import type { Section } from "../../operations/verify/check.ts";
import { isAccepted, renderJunit, renderMarkdown, reportDocument } from "../../operations/verify/report.ts";
import { runSections, type VerifyResult } from "../../operations/verify/run.ts";
import { sweepScratch } from "../../operations/verify/scratch.ts";
import { selectSections } from "../../operations/verify/sections.ts";
import { CLUSTER_ARGS } from "../cluster-access.ts";
import { EXIT } from "../exit-codes.ts";
import { runHealth } from "../health.ts";
import { listenForInterrupts } from "../interrupts.ts";
import { assertWritable, writeReport } from "../report-file.ts";
import { createVerifyProgress, renderVerifyTable } from "../reporters/verify.ts";
import type { Terminal } from "../terminal.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";
import { openContext, type VerifyOptions } from "../verify-context.ts";

const INTERRUPTED = 130;
// Longer than nats-server takes to elect a meta leader.
const SWEEP_WAIT_MS = 10_000;

interface Options extends VerifyOptions {
  readonly section?: string | undefined;
  readonly disruptive?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly junit?: string | undefined;
  readonly markdown?: string | undefined;
}

/** `natsbus verify`. */
export const verb = defineVerb({
  name: "verify",
  summary: "prove that a bus does what it should, in ten sections",
  synopsis: "",
  details:
    "Works with subjects and streams of its own and removes them, also after Ctrl-C; what a killed run left, the next one removes. The section availability really stops a server and starts it again: on the stack dev and on ephemeral ones without a question, elsewhere only with --disruptive. Exit code 1 when a check fails; what cannot be done here is skipped with the reason.",
  args: {
    ...COMMON_ARGS,
    ...CLUSTER_ARGS,
    section: { type: "string", valueHint: "NAMES", description: "only these sections, separated by commas" },
    health: { type: "boolean", description: "only look, as monitoring plugins do: exit code 0 ok, 1 warning, 2 critical, 3 unknown" },
    nagios: { type: "boolean", description: "with --health: one line a check, with figures" },
    quick: { type: "boolean", alias: "q", description: "with few messages: about a minute" },
    disruptive: { type: "boolean", description: "allow stopping a server of a stack other than dev" },
    threshold: { type: "string", valueHint: "NAME=N,…", description: "limits for this run, over those of the stack file" },
    junit: { type: "string", valueHint: "FILE", description: "write the result as JUnit XML, too" },
    markdown: { type: "string", valueHint: "FILE", description: "write the result as Markdown, too" },
  },
  examples: [
    ["verify", "all sections against the stack dev"],
    ["verify --quick --junit verify.xml", "a short run for continuous integration"],
    ["verify --section security,errors --stack prod", "two sections against prod; no server is stopped"],
    ["verify --health --nagios", "a gate after `up`, and a check every five minutes"],
    ["verify --section publishing --threshold publishRate=10000", "with another limit"],
  ],
  run: ({ args, terminal }) => (args.health === true ? runHealth(args, terminal) : runVerify(args, terminal)),
});

async function runVerify(options: Options, terminal: Terminal): Promise<number> {
  const sections = selectSections(options.section);
  assertWritable(options.junit, options.markdown);
  using interrupts = listenForInterrupts(() => terminal.err("\nstopping; what the run made is removed\n"));
  const progress = createVerifyProgress(terminal);
  const mayStop = (rule: DisruptionRule) => decideDisruption(rule, { options, sections, terminal });
  await using opened = await openContext(options, {
    signal: interrupts.cancellation.graceful,
    note: (text) => progress.note(text),
    mayStop,
  });
  const { context } = opened;
  terminal.err(await sweep(context.admin));
  const result = await runSections(sections, context, progress);
  progress.end();
  report(result, options, terminal);
  if (result.cancelled) return INTERRUPTED;
  return isAccepted(result) ? EXIT.ok : EXIT.error;
}

/** A bus that is ill must not keep the suite from saying so. @returns a line that says what was done, "" for nothing */
async function sweep(admin: Parameters<typeof connectAsUser>[0]): Promise<string> {
  const connection = await connectAsUser(admin);
  try {
    const swept = await sweepScratch(connection, SWEEP_WAIT_MS);
    return swept.length === 0 ? "" : `removed what a killed run left: ${swept.join(", ")}\n`;
  } catch (error) {
    return `what a killed run may have left could not be looked for: ${error instanceof Error ? error.message : String(error)}\n`;
  } finally {
    await connection.close();
  }
}

/** Whether a server may be stopped: `true`, or why not. Asked for by name and not allowed is an error, not a silent skip. */
async function decideDisruption(
  rule: DisruptionRule,
  { options, sections, terminal }: { readonly options: Options; readonly sections: readonly Section[]; readonly terminal: Terminal },
): Promise<true | string> {
  if (rule === "never") return "natsbus:verify.disruptive is never";
  if (rule === "allow" || options.disruptive === true) return true;
  if (!sections.some(({ disruptive }) => disruptive === true)) return "no section that stops servers was chosen";
  if (options.section !== undefined && !terminal.canAsk) {
    throw new BusError("ERR_VERIFY_DISRUPTIVE", "the section availability stops a server of this stack, and nobody allowed that", {
      remedy: "pass --disruptive if the stack may lose a server for some seconds, or leave the section out",
    });
  }
  if (!terminal.canAsk) return "it stops a server; pass --disruptive if this stack may lose one for some seconds";
  const answer = await terminal.ask("May a server of this stack be stopped for some seconds? yes / no: ");
  return /^y(es)?$/i.test(answer.trim()) ? true : "stopping a server was not allowed";
}

function report(result: VerifyResult, { json, junit, markdown }: Options, terminal: Terminal): void {
  if (junit !== undefined) writeReport(junit, renderJunit(result));
  if (markdown !== undefined) writeReport(markdown, renderMarkdown(result));
  if (json === true) terminal.out(`${JSON.stringify(reportDocument(result), null, 2)}\n`);
  else terminal.out(`\n${renderVerifyTable(result, terminal.outPalette)}`);
}
