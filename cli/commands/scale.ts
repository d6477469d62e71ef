import { metaMembers } from "../../components/gate/blockers.ts";
import { observeServers } from "../../components/gate/system.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import { assertNoProblems, BusError } from "../../core/errors.ts";
import { acquireLock } from "../../engine/lock.ts";
import { loadProject } from "../../engine/project.ts";
import { stackFiles } from "../../engine/stack-files.ts";
import { loadSettings, saveSetting, settingsConfig } from "../../engine/stack-settings.ts";
import { isJsonMap } from "../../engine/state-values.ts";
import { leaveCluster, waitCurrent } from "../../operations/scale/leave.ts";
import { collectHoldings, describeShrink, leavingServers, planShrink, shrinkProblems } from "../../operations/scale/plan.ts";
import { spreadStreams } from "../../operations/scale/spread.ts";
import { parseCount } from "../arguments.ts";
import type { BusPlace } from "../bus-state.ts";
import { runChange } from "../change.ts";
import { loadDeclared } from "../declared.ts";
import { EXIT } from "../exit-codes.ts";
import { assertCanAsk, confirm } from "../prompt.ts";
import { type ScaleTarget, scaleTarget } from "../scale-target.ts";
import { locateStack, openBus, type PlaceOptions } from "../session.ts";
import { resolveSystem } from "../system-access.ts";
import type { Terminal } from "../terminal.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

const MOST_SERVERS = 32;
const LOOK_MS = 60_000;
const QUESTION = { action: "scaling", look: "natsbus scale N --dry-run" };

/** One call, with everything it found. */
interface Scaling {
  readonly options: PlaceOptions & {
    readonly yes?: boolean | undefined;
    readonly spread?: boolean | undefined;
    readonly deleteVolumes?: boolean | undefined;
    readonly dryRun?: boolean | undefined;
  };
  readonly terminal: Terminal;
  readonly place: BusPlace;
  readonly target: ScaleTarget;
  /** Names of the servers that there are. */
  readonly names: readonly string[];
  readonly wanted: number;
}

/** `natsbus scale`. */
export const verb = defineVerb({
  name: "scale",
  summary: "add servers, or have some leave after their streams moved away",
  synopsis: "[SERVERS]",
  details:
    "Fewer: streams move away from the last servers, these leave the meta group, and only then they are ended; refused when a stream has more replicas than servers would be left, or messages would be lost. More: cluster.servers is set, and up starts them; streams stay where they are unless --spread is given. Moves streams as the system account, so the passphrase is needed. Without a number only --spread is done.",
  args: {
    ...COMMON_ARGS,
    servers: { type: "positional", required: false, description: "how many servers there are to be (default: as many as there are)" },
    spread: { type: "boolean", description: "move replicas until all servers hold about as many" },
    yes: { type: "boolean", alias: "y", description: "do not ask" },
    dryRun: { type: "boolean", description: "only show what would be done" },
    deleteVolumes: { type: "boolean", description: "also delete the volumes of servers that left (kubernetes)" },
  },
  examples: [
    ["scale 5 --spread", "two more servers for a bus of three, and streams on them"],
    ["scale 3 --stack prod", "back to three: says what moves, asks, and does it"],
    ["scale --spread --stack prod", "only spread the streams"],
  ],
  async run({ args, terminal }) {
    const place = await openBus(args);
    const given = parseCount("SERVERS", args.servers, { min: 1, max: MOST_SERVERS });
    // What the other settings have against that number is told before anything is looked at.
    const { spec } = await loadDeclared(args, (text) => terminal.err(`note: ${text}\n`), given);
    const target = await scaleTarget(place, spec);
    const names = await target.names();
    if (names.length === 0) throw new BusError("ERR_NOT_UP", `stack ${place.stack} is not up`, { remedy: "bring it up first" });
    const wanted = given ?? names.length;
    if (wanted === names.length && args.spread !== true && spec.cluster.servers === wanted && given === undefined) {
      throw new BusError("ERR_USAGE", "scale needs a number of servers, or --spread", { remedy: "see `natsbus scale --help`" });
    }
    const scaling: Scaling = { options: args, terminal, place, target, names, wanted };
    if (args.dryRun !== true && args.yes !== true) assertCanAsk(terminal, QUESTION);
    const done = wanted < names.length ? await shrink(scaling, spec.jetstream.maxStorageBytes) : await grow(scaling);
    const moved = done.exitCode === EXIT.ok && done.ran && args.spread === true ? await spread(scaling) : 0;
    if (args.json === true) terminal.out(`${JSON.stringify({ from: names.length, to: wanted, done: done.ran, moved })}\n`);
    return done.exitCode;
  },
});

interface Done {
  /** Whether the servers are as many as wanted now. */
  readonly ran: boolean;
  readonly exitCode: number;
}

async function shrink(scaling: Scaling, storageBytes: number): Promise<Done> {
  const { terminal, options, names, wanted, target, place } = scaling;
  const connection = await resolveSystem(place, terminal);
  const work = { connection, say: sayTo(terminal) };
  const leaving = leavingServers(names, wanted);
  const steps = planShrink({ names, wanted, holdings: await look(scaling, connection, storageBytes) });
  terminal.err(
    `${names.length} servers become ${wanted}:\n${describeShrink(steps)
      .map((line) => `  ${line}\n`)
      .join("")}`,
  );
  if (options.dryRun === true) return { ran: false, exitCode: EXIT.ok };
  if (options.yes !== true && !(await confirm(terminal, { ...QUESTION, details: () => describeShrink(steps).join("\n") })))
    return { ran: false, exitCode: EXIT.ok };
  await locked(scaling, async () => {
    await leaveCluster(work, names.slice(0, wanted), leaving);
    writeServers(scaling);
    terminal.err(`${leaving.join(", ")}: shut down\n`);
    await target.end(leaving, { keep: wanted, volumes: options.deleteVolumes === true });
    // nats-server bars removed peers that long.
    terminal.err("their names are let into the cluster again in five minutes at the earliest\n");
  });
  return apply(scaling, "the servers that stay still know the routes to those that left");
}

/** Every stream, once nothing speaks against the change. @throws ERR_SCALE_DOWN, ERR_CLUSTER_NOT_READY */
async function look({ names, wanted, terminal }: Scaling, connection: ConnectionSpec, storageBytes: number) {
  const views = await observeServers(connection, names, true);
  const members = metaMembers(views);
  const silent = views.filter(({ name, jsz }) => jsz === undefined && members.includes(name)).map(({ name }) => name);
  const holdings = collectHoldings(views);
  assertNoProblems(shrinkProblems({ names, wanted, holdings, silent, storageBytes }));
  await waitCurrent(
    { connection, say: sayTo(terminal), timeoutMs: LOOK_MS },
    names.filter((name) => members.includes(name)),
  );
  return holdings;
}

async function grow(scaling: Scaling): Promise<Done> {
  const { names, wanted, options, terminal } = scaling;
  if (wanted === names.length) {
    if (options.dryRun !== true) writeServers(scaling);
    return { ran: options.dryRun !== true, exitCode: EXIT.ok };
  }
  terminal.err(
    `${names.length} servers become ${wanted}; ${options.spread === true ? "then streams spread over all of them" : "streams stay where they are"}\n`,
  );
  if (options.dryRun === true) return { ran: false, exitCode: EXIT.ok };
  writeServers(scaling);
  return apply(scaling, options.spread === true ? "streams are spread by `natsbus scale --spread` once the new servers run" : undefined);
}

/** Brings the servers to the new number where `up` can, else tells how. */
async function apply({ target, options, terminal }: Scaling, note: string | undefined): Promise<Done> {
  if (target.apply === "up") {
    const exitCode = await runChange("up", { terminal }, { cwd: options.cwd, stack: options.stack, yes: options.yes === true });
    return { ran: exitCode === EXIT.ok, exitCode };
  }
  const lines = ["Now apply the new number, with the Pulumi CLI by `natsbus up`, else by", ...target.apply.map((line) => `  ${line}`)];
  terminal.err(`${[...lines, ...(note === undefined ? [] : [`(${note})`])].join("\n")}\n`);
  return { ran: false, exitCode: EXIT.ok };
}

async function spread({ terminal, place, target, options }: Scaling): Promise<number> {
  const connection = await resolveSystem(await openBus(options), terminal);
  const servers = target.apply === "up" ? (await openBus(options)).bus.servers.map(({ name }) => name) : await target.names();
  const moved = await locked({ options, terminal, place }, () => spreadStreams({ connection, say: sayTo(terminal) }, servers));
  terminal.err(
    moved === 0 ? "every server holds about as many replicas as the others\n" : `${moved} replica${moved === 1 ? "" : "s"} moved\n`,
  );
  return moved;
}

/** Nobody may change the stack meanwhile. */
async function locked<T>({ options, terminal }: Pick<Scaling, "options" | "terminal" | "place">, action: () => Promise<T>): Promise<T> {
  const { address } = locateStack(options);
  const onNotice = (text: string) => terminal.err(`note: ${text}\n`);
  const lock = await acquireLock({ directory: stackFiles(address).locks, stack: address.stack, onNotice });
  try {
    return await action();
  } finally {
    lock.release();
  }
}

function writeServers({ place, wanted, terminal }: Scaling): void {
  const project = loadProject(place.root);
  const settings = loadSettings(project, place.stack);
  const key = `${project.name}:cluster`;
  const block = settingsConfig(settings)[key];
  const known = block !== undefined && isJsonMap(block) ? block : {};
  if (known["servers"] === wanted) return;
  saveSetting(settings, key, { block: { ...known, servers: wanted } });
  terminal.err(`cluster.servers is ${wanted} in ${settings.path}\n`);
}

function sayTo(terminal: Terminal): (text: string) => void {
  return (text) => terminal.err(`${text}\n`);
}
