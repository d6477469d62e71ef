/** Errors of consumers. */
import { setTimeout as delay } from "node:timers/promises";
import { jetstream } from "@nats-io/jetstream";
import type { ConsumeArgs } from "../../../client/consume-args.ts";
import { type ReceivedMessage, route } from "../../../client/route.ts";
import type { Check, Outcome } from "../check.ts";
import { failed, passed } from "../check.ts";
import type { Item } from "../tools.ts";
import { addConsumer, deadSubject, item, openBus, until, workSubject } from "../tools.ts";
import type { Stage } from "./error-case.ts";

const WAIT_MS = 30_000;

interface ConsumingCase {
  readonly name: string;
  readonly title: string;
  /** Handler of the messages 0 to 2; `seen` tells how often a message came before. */
  readonly handle: (message: ReceivedMessage<Item>, seen: number) => Promise<void> | void;
  readonly options?: Partial<ConsumeArgs>;
  /** Reason of the dead letters that message 1 must end as.
   * @default - all three messages must be handled */
  readonly deadReason?: string;
  /** Publishes in place of the three messages. */
  readonly send?: (stage: Stage) => Promise<void>;
}

function consumingCheck({ name, title, handle, options = {}, deadReason, send = sendThree }: ConsumingCase): Check {
  return {
    name,
    title,
    async run(context): Promise<Outcome> {
      const stream = await context.scratch.stream(name);
      await addConsumer(context, stream, { durable_name: "worker", ack_wait: 2e9, max_deliver: 4 });
      await using bus = await openBus(context);
      await send({ context, stream, bus });
      const seen = new Map<number, number>();
      const done = new Set<number>();
      const args: ConsumeArgs = {
        stream: stream.name,
        consumer: "worker",
        backOff: ["10ms"],
        deadLetterSubject: () => deadSubject(stream),
        ...options,
        routes: [
          route(workSubject(stream), async (message) => {
            const { n } = message.value;
            const times = seen.get(n) ?? 0;
            seen.set(n, times + 1);
            await handle(message, times);
            done.add(n);
          }),
        ],
      };
      await using _worker = await bus.consume(args);
      const wanted = deadReason === undefined ? 3 : 2;
      const isDone = await until(() => done.size >= wanted, WAIT_MS, context.signal);
      if (!isDone) return failed(`${done.size} of ${wanted} messages were handled`);
      if (deadReason === undefined)
        return passed(`3 messages handled in ${[...seen.values()].reduce((sum, times) => sum + times, 0)} tries`);
      const letters = async () => Array.fromAsync(bus.deadLetters({ stream: stream.name, subject: deadSubject(stream) }));
      await until(async () => (await letters()).length > 0, WAIT_MS, context.signal);
      const reasons = (await letters()).map(({ reason }) => reason).join(", ");
      return reasons === deadReason
        ? passed(`dead letter with the reason ${reasons}; the others were handled`)
        : failed(`the dead letters have the reason ${reasons || "none"}, not ${deadReason}`);
    },
  };
}

async function sendThree({ bus, stream }: Stage): Promise<void> {
  for (const n of [0, 1, 2]) await bus.publish(workSubject(stream), item(n));
}

const throws = consumingCheck({
  name: "handler-throws",
  title: "a handler that fails at first",
  handle: (_message, seen) => {
    if (seen === 0) throw new Error("the first try fails");
  },
});

const hangs = consumingCheck({
  name: "handler-hangs",
  title: "a handler that does not come back",
  options: { handlerTimeout: "200ms" },
  handle: async ({ signal }, seen) => {
    if (seen > 0) return;
    await delay(60_000, undefined, { signal });
  },
});

const terminated = consumingCheck({
  name: "handler-gives-up",
  title: "a handler that gives a message up",
  deadReason: "terminated",
  handle: ({ value, term }) => {
    if (value.n !== 1) return;
    term("this one is not wanted");
    throw new Error("given up");
  },
});

const poison = consumingCheck({
  name: "poison-message",
  title: "a message that makes every try fail",
  deadReason: "handler",
  handle: ({ value }) => {
    if (value.n === 1) throw new Error("this one never works");
  },
});

const unreadable = consumingCheck({
  name: "unreadable-message",
  title: "a message that is no JSON",
  deadReason: "malformed",
  handle: () => undefined,
  async send({ bus, stream }) {
    await bus.publish(workSubject(stream), item(0));
    await jetstream(bus.connection).publish(workSubject(stream).pattern, Buffer.from([0x7b, 0xff]));
    await bus.publish(workSubject(stream), item(2));
  },
});

const twiceAcknowledged = consumingCheck({
  name: "acknowledged-twice",
  title: "a handler that acknowledges by itself before it returns",
  handle: ({ ack }) => ack(),
});

/** Errors of consumers. */
export const consumingErrors: readonly Check[] = [throws, hangs, terminated, poison, unreadable, twiceAcknowledged];
