import { BusError } from "../../core/errors.ts";
import { type Screen, TOUR } from "../../operations/demo/tour.ts";
import { openBus as openClient } from "../../operations/verify/tools.ts";
import type { BusPlace } from "../bus-state.ts";
import { loadDeclared } from "../declared.ts";
import { withEphemeral } from "../ephemeral.ts";
import { EXIT } from "../exit-codes.ts";
import { listenForInterrupts } from "../interrupts.ts";
import { createScreen } from "../reporters/demo.ts";
import { openBus, type PlaceOptions, stackName } from "../session.ts";
import type { Terminal } from "../terminal.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";
import { openPlaceContext } from "../verify-context.ts";

const INTERRUPTED = 130;
const PAUSE_MS = 600;

interface Options extends PlaceOptions {
  readonly yes?: boolean | undefined;
  readonly fresh?: boolean | undefined;
}

/** `natsbus demo`. */
export const verb = defineVerb({
  name: "demo",
  summary: "a tour of the bus in two minutes",
  synopsis: "",
  details:
    "Publishes, consumes by lanes, buries a bad message, reads again, stops one server and kills another and starts them again, and shows figures. Works on the stack dev when it is up, on a stream of its own that is removed at the end; else on a throw-away bus that it brings up and removes. It is for people, so there is no --json.",
  args: {
    cwd: COMMON_ARGS.cwd,
    color: COMMON_ARGS.color,
    stack: COMMON_ARGS.stack,
    yes: { type: "boolean", alias: "y", description: "go on without waiting for Enter" },
    fresh: { type: "boolean", description: "use a throw-away bus even when the stack is up" },
  },
  examples: [
    ["demo", "step by step, Enter for the next one"],
    ["demo --yes", "without waiting, for instance in a recording"],
    ["demo --yes --fresh", "on a bus of its own"],
  ],
  run: ({ args, terminal }) => runDemo(args, terminal),
});

async function runDemo(options: Options, terminal: Terminal): Promise<number> {
  const screen = createScreen(terminal);
  const place = await openBus(options);
  const isUp = place.bus.urls.length > 0;
  if (!isUp && options.stack !== undefined && options.fresh !== true) {
    throw new BusError("ERR_NOT_UP", `stack ${options.stack} is not up`, {
      remedy: `bring it up with \`natsbus up --stack ${options.stack}\`, or leave --stack out for a tour on a throw-away bus`,
    });
  }
  screen.say(screen.paint.strong("natsbus, a tour"));
  screen.say();
  if (isUp && options.fresh !== true) {
    using interrupts = listenForInterrupts(() => terminal.err("\nstopping; what the tour made is removed\n"));
    return await tour(place, { options, terminal, screen, signal: interrupts.cancellation.graceful });
  }
  screen.say(screen.paint.faint("Bringing up a throw-away bus: three servers on this machine. It is removed at the end."));
  screen.say();
  return withEphemeral(options, terminal, (fresh, signal) => tour(fresh, { options, terminal, screen, signal }));
}

interface Showing {
  readonly options: Options;
  readonly terminal: Terminal;
  readonly screen: Screen;
  readonly signal: AbortSignal;
}

async function tour(place: BusPlace, showing: Showing): Promise<number> {
  const { options, terminal, signal } = showing;
  const note = (): void => undefined;
  const declared = await loadDeclared({ ...options, stack: stackName(options) }, note);
  await using opened = await openPlaceContext(place, declared, {
    signal,
    note,
    mayStop: (rule) => Promise.resolve(rule === "allow" ? true : `a server of the stack ${place.stack} is not stopped for a tour`),
  });
  const { context } = opened;
  const stream = await context.scratch.stream("demo");
  await using bus = await openClient(context);
  for (const [index, step] of TOUR.entries()) {
    const { screen } = showing;
    screen.say(`${screen.paint.accent(`${index + 1}/${TOUR.length}`)} ${screen.paint.strong(step.title)}`);
    for (const line of wrap(step.intro, Math.min(96, terminal.size().columns - 2))) screen.say(screen.paint.faint(line));
    screen.say();
    await raceAbort(step.run({ context, screen, bus, stream }), signal);
    screen.say();
    if (signal.aborted) return INTERRUPTED;
    if (index < TOUR.length - 1 && !(await goOn(showing))) break;
  }
  closing(showing, place);
  return EXIT.ok;
}

/** Ctrl-C must not wait for a step. */
async function raceAbort(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => resolve(), { once: true });
  await Promise.race([work, promise]);
}

async function goOn({ options, terminal, signal }: Showing): Promise<boolean> {
  if (options.yes === true || !terminal.canAsk) {
    await new Promise((resolve) => setTimeout(resolve, terminal.outIsLive ? PAUSE_MS : 0));
    return !signal.aborted;
  }
  try {
    const answer = await terminal.ask(terminal.errPalette.faint("Enter goes on, q ends the tour "));
    terminal.err("\n");
    return !/^q/i.test(answer.trim());
  } catch (error) {
    if (error instanceof BusError && error.code === "ERR_INTERRUPTED") return false;
    throw error;
  }
}

function closing({ screen }: Showing, place: BusPlace): void {
  const isFresh = place.stack.startsWith("ephemeral");
  screen.say(
    screen.paint.faint(isFresh ? "The throw-away bus is removed now." : "The tour's stream is removed now; your streams were not touched."),
  );
  const next = screen.paint.strong(isFresh ? "npm run up" : "npm run status");
  screen.say(`Next: ${next}, then docs/client.md for your own publisher and worker.`);
}

/** Lines of at most `columns` characters, broken between words. */
export function wrap(text: string, columns: number): readonly string[] {
  const lines: string[] = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && line.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines;
}
