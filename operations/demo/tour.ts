/** The tour of a bus: steps that do something real and say what happened. */
import { setTimeout as delay } from "node:timers/promises";
import { jetstream } from "@nats-io/jetstream";
import type { MessageBus } from "../../client/message-bus.ts";
import { PRIORITIES, type Priority } from "../../client/priority.ts";
import { route } from "../../client/route.ts";
import { defineSubject } from "../../client/subject.ts";
import type { Context, ServerControl } from "../verify/context.ts";
import { longestGap, whatIsMissing } from "../verify/drill.ts";
import { askServers } from "../verify/monitor-answers.ts";
import type { ScratchStream } from "../verify/scratch.ts";
import { openBus, until, withManager } from "../verify/tools.ts";
import { bar, slots, sparkline } from "./draw.ts";
import { type DemoMessage, demoSchema, demoSubject, measurement, SHOWCASE } from "./traffic.ts";

/** Where the tour is shown. */
export interface Screen {
  /** One line. */
  say(text?: string): void;
  /** Lines that replace those of the last call as long as nothing else is said. */
  live(lines: readonly string[]): void;
  /** Keeps the lines that are live. */
  keep(): void;
  readonly paint: Readonly<Record<"strong" | "faint" | "good" | "bad" | "accent", (text: string) => string>>;
}

/** What the steps work with. */
interface Stage {
  readonly context: Context;
  readonly screen: Screen;
  readonly bus: MessageBus;
  readonly stream: ScratchStream;
}

/** One step. */
export interface TourStep {
  readonly title: string;
  /** What it shows, in one or two sentences. */
  readonly intro: string;
  readonly run: (stage: Stage) => Promise<void>;
}

const WAIT_MS = 30_000;
const FRAME_MS = 80;
const FLOOD = 400;
const SLOT_MS = 200;
const DRILL_BEFORE_MS = 1500;
const DRILL_AFTER_MS = 2000;
const DONE = { stop: "stopped", kill: "killed" } as const;

function subjectOf({ stream }: Stage) {
  return defineSubject(`${stream.subject}.>`, demoSchema, { schemaId: "natsbus-demo.event" });
}

function publish(stage: Stage, message: DemoMessage) {
  return stage.bus.publish(subjectOf(stage), message.value, { subject: demoSubject(stage.stream.subject, message) });
}

const meet: TourStep = {
  title: "The bus",
  intro: "Servers that form one cluster, encrypted, with a copy of every message on each. One leads; any may fail.",
  async run({ context, screen }) {
    const answers = await askServers<{ readonly meta_cluster?: { readonly leader?: string }; readonly streams?: number }>(context, "/jsz");
    if ("missing" in answers) screen.say(context.admin.servers.join(", "));
    else
      for (const { server, body } of answers) {
        const isLeader = body?.meta_cluster?.leader === server.name;
        screen.say(
          `${screen.paint.good("●")} ${server.name}  ${screen.paint.faint(server.clientUrl)}  ${body?.streams ?? 0} streams${isLeader ? screen.paint.accent("  leads the cluster") : ""}`,
        );
      }
  },
};

const send: TourStep = {
  title: "Publishing",
  intro:
    "A subject is family.priority.event. Each message is checked against its schema, sent, and confirmed once a majority of the servers has stored it.",
  async run(stage) {
    const { screen } = stage;
    for (const message of SHOWCASE) {
      const startedMs = performance.now();
      const { sequence } = await publish(stage, message);
      const subject = `${message.family}.${message.priority}.${message.event}`;
      screen.say(
        `${screen.paint.strong(subject.padEnd(30))} ${message.value.says} ${screen.paint.faint(`→ stored as ${sequence} in ${(performance.now() - startedMs).toFixed(1)} ms`)}`,
      );
    }
    const refusal = await stage.bus
      .publish(subjectOf(stage), { from: "x" } as never, { subject: `${stage.stream.subject}.security.low.x` })
      .catch((error: Error) => error.message);
    screen.say(
      `${screen.paint.bad("refused before it is sent")} ${screen.paint.faint(
        String(refusal)
          .replace(/^.*schema: /, "")
          .slice(0, 80),
      )}`,
    );
  },
};

const lanes: TourStep = {
  title: "Lanes",
  intro: `Consumers serve urgent messages first. ${FLOOD} low ones are waiting; then critical ones arrive.`,
  async run(stage) {
    const { context, screen, stream } = stage;
    for (const priority of PRIORITIES) await addLane(stage, priority);
    await Promise.all(Array.from({ length: FLOOD }, (_, n) => publish(stage, measurement(n))));
    const handled: Record<Priority, number> = { critical: 0, high: 0, normal: 0, low: 0 };
    const sent: Record<Priority, number> = { critical: 0, high: 0, normal: 0, low: FLOOD };
    const waits: number[] = [];
    const sentMs = new Map<number, number>();
    const worker = await stage.bus.consume({
      stream: stream.name,
      lanes: { critical: "critical", high: "high", normal: "normal", low: "low" },
      concurrency: 4,
      routes: [
        route(subjectOf(stage), async ({ subject, sequence }) => {
          const lane = subject.slice(stream.subject.length + 1).split(".")[1] as Priority;
          await delay(8);
          handled[lane] += 1;
          if (lane === "critical" && sentMs.has(sequence)) waits.push(performance.now() - (sentMs.get(sequence) ?? 0));
        }),
      ],
    });
    const draw = (): void =>
      screen.live(PRIORITIES.map((lane) => laneLine(screen, lane, { handled: handled[lane], sent: Math.max(sent[lane], handled[lane]) })));
    const drawing = setInterval(draw, FRAME_MS);
    try {
      for (let n = 0; n < 8; n += 1) {
        await delay(120);
        const startedMs = performance.now();
        const { sequence } = await publish(stage, {
          family: "security",
          priority: "critical",
          event: "alert",
          value: { from: "gate-2", says: `alert ${n}` },
        });
        sentMs.set(sequence, startedMs);
        sent.critical += 1;
      }
      await until(() => waits.length >= 6 && handled.low >= FLOOD, WAIT_MS, context.signal);
    } finally {
      clearInterval(drawing);
      await worker.drain();
    }
    draw();
    screen.keep();
    const worst = Math.max(...waits, 0);
    screen.say(
      `${screen.paint.good("✓")} a critical message was handled at most ${worst.toFixed(0)} ms after it was published, past every low one that waited`,
    );
  },
};

function laneLine({ paint }: Screen, lane: Priority, { handled, sent }: { readonly handled: number; readonly sent: number }): string {
  const color = { critical: paint.bad, high: paint.accent, normal: paint.good, low: paint.faint }[lane];
  const share = sent === 0 ? 0 : handled / sent;
  return `${color(lane.padEnd(9))} ${color(bar(share, 36))} ${String(handled).padStart(4)} of ${sent}`;
}

async function addLane({ context, stream }: Stage, priority: Priority): Promise<void> {
  await withManager(context, (manager) =>
    manager.consumers.add(stream.name, {
      durable_name: priority,
      ack_policy: "explicit",
      filter_subject: `${stream.subject}.*.${priority}.>`,
      max_ack_pending: 10_000,
    }),
  );
}

const bury: TourStep = {
  title: "A bad message",
  intro: "Somebody sends what no consumer can read. It goes to the dead letters with the reason, and the others go on.",
  async run(stage) {
    const { context, screen, stream, bus } = stage;
    const dead = `${stream.subject}.dead`;
    await withManager(context, (manager) =>
      manager.consumers.add(stream.name, {
        durable_name: "careful",
        ack_policy: "explicit",
        deliver_policy: "new",
        filter_subject: `${stream.subject}.security.high.>`,
      }),
    );
    const done: string[] = [];
    await using _worker = await bus.consume({
      stream: stream.name,
      consumer: "careful",
      deadLetterSubject: () => dead,
      routes: [route(subjectOf(stage), ({ value }) => void done.push(value.says))],
    });
    const subject = `${stream.subject}.security.high.login`;
    await jetstream(bus.connection).publish(subject, "this is no JSON");
    await bus.publish(subjectOf(stage), { from: "gate-1", says: "a good one behind it" }, { subject });
    const letters = async () => Array.fromAsync(bus.deadLetters({ stream: stream.name, subject: dead }));
    await until(async () => done.length === 1 && (await letters()).length === 1, WAIT_MS, context.signal);
    const [letter] = await letters();
    screen.say(`${screen.paint.bad("dead letter")}  ${letter?.reason ?? "?"}: ${screen.paint.faint((letter?.detail ?? "").slice(0, 80))}`);
    screen.say(`${screen.paint.good("handled")}      ${done[0] ?? "nothing"}`);
  },
};

const replay: TourStep = {
  title: "Replay",
  intro: "Streams keep what was published. Anybody with the right to may read it again, without taking it from any consumer.",
  async run(stage) {
    const { screen, stream, bus } = stage;
    let shown = 0;
    for await (const { value, subject, sequence, storedAt } of bus.replay(subjectOf(stage), {
      stream: stream.name,
      subject: `${stream.subject}.security.>`,
    })) {
      if (shown++ >= 4) break;
      screen.say(
        `${screen.paint.faint(`${String(sequence).padStart(5)}  ${storedAt.toISOString().slice(11, 23)}`)}  ${subject.slice(stream.subject.length + 1).padEnd(24)} ${value.says}`,
      );
    }
  },
};

const failOver: TourStep = {
  title: "A server fails",
  intro:
    "The server that leads the stream is stopped in order, then the next leader is killed, while messages flow. The first hands its lead over; the second is missed only after 4 to 9 seconds, which are fixed in nats-server. Publishers go on by themselves.",
  async run(stage) {
    const { context, screen } = stage;
    const { control } = context;
    const reason = "missing" in control ? control.missing : await whatIsMissing(context);
    if ("missing" in control || reason !== undefined) return screen.say(`${screen.paint.faint("left out:")} ${reason}`);
    if (await takeAway(stage, control, "stop")) await takeAway(stage, control, "kill");
  },
};

/** Takes the stream's leader away while messages flow, brings it back, and tells what publishers saw. @returns whether the cluster is whole again */
async function takeAway(stage: Stage, control: ServerControl, how: "stop" | "kill"): Promise<boolean> {
  const { context, screen, stream } = stage;
  await using bus = await openBus(context, { publishing: { attemptTimeout: "250ms", deadline: "60s" } });
  const moments: number[] = [];
  const startedMs = performance.now();
  let isRunning = true;
  let failures = 0;
  const flow = async (): Promise<void> => {
    for (let n = 0; isRunning; n += 1) {
      await bus.publish(subjectOf(stage), measurement(n).value, { subject: demoSubject(stream.subject, measurement(n)) }).then(
        () => moments.push(performance.now()),
        () => failures++,
      );
      await delay(4);
    }
  };
  const victim = await withManager(context, async (manager) => (await manager.streams.info(stream.name)).cluster?.leader ?? "");
  let state = screen.paint.good("all servers are up");
  const draw = (): void =>
    screen.live([
      `${sparkline(slots(moments, { fromMs: startedMs, toMs: performance.now(), slotMs: SLOT_MS }))}`,
      `${moments.length} messages confirmed  ${state}`,
    ]);
  const flows = [flow(), flow()];
  const drawing = setInterval(draw, FRAME_MS);
  try {
    await delay(DRILL_BEFORE_MS);
    state = screen.paint.bad(`${victim} is ${DONE[how]}`);
    const stoppedMs = performance.now();
    const stopped = await control.stop(victim, how);
    await until(() => moments.filter((moment) => moment > stoppedMs).length > 100, WAIT_MS, context.signal);
    await delay(DRILL_AFTER_MS);
    const gapMs = longestGap(moments, stoppedMs);
    state = screen.paint.accent(`${victim} is started again`);
    await stopped.restart();
    const isBack = await until(() => isWhole(stage).catch(() => false), WAIT_MS * 2, context.signal);
    state = isBack ? screen.paint.good("all servers are up") : screen.paint.bad(`${victim} has not caught up`);
    isRunning = false;
    await Promise.all(flows);
    draw();
    screen.keep();
    screen.say(
      `${isBack ? screen.paint.good("✓") : screen.paint.bad("✗")} ${victim} was ${DONE[how]}: ${Math.round(gapMs)} ms without a confirmation, ${failures === 0 ? "no message was given up" : `${failures} messages were given up`}, and it has ${isBack ? "" : "not "}caught up`,
    );
    return isBack;
  } finally {
    isRunning = false;
    clearInterval(drawing);
    await Promise.all(flows);
  }
}

async function isWhole({ context, stream }: Stage): Promise<boolean> {
  if ((await whatIsMissing(context)) !== undefined) return false;
  const { cluster, config } = await withManager(context, (manager) => manager.streams.info(stream.name));
  return (cluster?.replicas ?? []).filter((replica) => replica.current && replica.offline !== true).length === config.num_replicas - 1;
}

const figures: TourStep = {
  title: "Figures",
  intro: "Every client counts what it does; Prometheus can read it, and so can you.",
  run({ bus, screen }) {
    const { publish: published, consume, connection } = bus.metrics();
    screen.say(
      `published  ${screen.paint.strong(String(published.confirmed))} confirmed, ${published.retries} retries; p50 ${published.latency.p50Ms.toFixed(1)} ms, p99 ${published.latency.p99Ms.toFixed(1)} ms, as ${FLOOD} were sent at once`,
    );
    screen.say(
      `consumed   ${screen.paint.strong(String(consume.acknowledged))} acknowledged, ${consume.deadLettered} dead letters; handler p50 ${consume.handling.p50Ms.toFixed(1)} ms`,
    );
    screen.say(`connection ${connection.outMessages} messages out, ${connection.inMessages} in, ${connection.reconnects} reconnects`);
    return Promise.resolve();
  },
};

/** The steps in their order. */
export const TOUR: readonly TourStep[] = [meet, send, lanes, bury, replay, failOver, figures];
