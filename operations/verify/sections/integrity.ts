/** Messages that are not what they claim to be: signatures and schemas that are violated. */
import { jetstream } from "@nats-io/jetstream";
import { headers } from "@nats-io/transport-node";
import type { MessageBus } from "../../../client/message-bus.ts";
import { route } from "../../../client/route.ts";
import { MessageSigner } from "../../../client/signing.ts";
import { isBusError } from "../../../core/errors.ts";
import { publicKeyOf } from "../../../core/nats-keys.ts";
import { type Check, failed, type Outcome, passed } from "../check.ts";
import type { Context } from "../context.ts";
import type { ScratchStream } from "../scratch.ts";
import { createUserSeed } from "../signing-key.ts";
import { addConsumer, deadSubject, item, openBus, until, workSubject } from "../tools.ts";

const WAIT_MS = 30_000;

/** Publishes what `send` publishes, and compares the values handled and the reasons of the dead letters. */
async function expectDead(
  context: Context,
  about: {
    readonly label: string;
    readonly verification?: Parameters<typeof openBus>[1];
    readonly send: (stream: ScratchStream) => Promise<void>;
    readonly reasons: readonly string[];
    readonly handled: number;
  },
): Promise<Outcome> {
  const stream = await context.scratch.stream(about.label, { duplicate_window: 1_000_000_000 });
  await addConsumer(context, stream, { durable_name: "worker" });
  await about.send(stream);
  let handled = 0;
  await using bus = await openBus(context, about.verification);
  await using _worker = await bus.consume({
    stream: stream.name,
    consumer: "worker",
    deadLetterSubject: () => deadSubject(stream),
    routes: [route(workSubject(stream), () => void handled++)],
  });
  const count = await deadLetterCounter(context, stream, about.reasons.length);
  await until(() => handled >= about.handled, WAIT_MS, context.signal);
  const found = count.toSorted();
  const wanted = about.reasons.toSorted();
  const good = handled === about.handled && found.join() === wanted.join();
  return good
    ? passed(`${handled} handled; refused: ${found.join(", ")}`)
    : failed(
        `${handled} messages were handled and ${about.handled} should be; refused: ${found.join(", ") || "none"}, wanted: ${wanted.join(", ")}`,
      );
}

async function deadLetterCounter(context: Context, stream: ScratchStream, wanted: number): Promise<readonly string[]> {
  await using reader = await openBus(context);
  let letters: readonly string[] = [];
  await until(
    async () => {
      letters = (await Array.fromAsync(reader.deadLetters({ stream: stream.name, subject: deadSubject(stream) }))).map(
        ({ reason }) => reason,
      );
      return letters.length >= wanted;
    },
    WAIT_MS,
    context.signal,
  );
  return letters;
}

/** Publishes bytes with headers as they are, past everything the client library would check. */
async function publishRaw(
  bus: MessageBus,
  subject: string,
  content: { readonly payload: string | Uint8Array; readonly headers?: Readonly<Record<string, string>> },
): Promise<void> {
  const lines = headers();
  for (const [name, value] of Object.entries(content.headers ?? {})) lines.set(name, value);
  await jetstream(bus.connection).publish(subject, content.payload, { headers: lines });
}

const signatures: Check = {
  name: "signatures",
  title: "unsigned, foreign, altered and replayed messages are refused by a consumer that verifies",
  run: (context) => {
    const seed = createUserSeed();
    return expectDead(context, {
      label: "signatures",
      verification: { verification: { signers: { ">": [publicKeyOf(seed)] } } },
      handled: 1,
      reasons: ["replayed", "signature", "signer", "stale", "unsigned"],
      async send(stream) {
        await using plain = await openBus(context);
        await using foreign = await openBus(context, { signing: createUserSeed() });
        const { pattern } = workSubject(stream);
        const signed = async (nowMs: number, id: string) => {
          const payload = Buffer.from(JSON.stringify(item(1)));
          const named = {
            "Content-Type": "application/json",
            "Natsbus-Schema": "natsbus-verify.item",
            "Natsbus-Schema-Version": "1",
            "Nats-Msg-Id": id,
          };
          return {
            payload,
            headers: { ...named, ...(await new MessageSigner(seed).sign({ subject: pattern, payload, headers: named }, nowMs)) },
          };
        };
        const good = await signed(Date.now(), "good");
        await publishRaw(plain, pattern, good);
        await new Promise((resolve) => setTimeout(resolve, 1200));
        await publishRaw(plain, pattern, good);
        await publishRaw(plain, pattern, await signed(Date.now() - 3_600_000, "old"));
        await publishRaw(plain, pattern, { ...(await signed(Date.now(), "altered")), payload: Buffer.from(JSON.stringify(item(2))) });
        await plain.publish(workSubject(stream), item(3));
        await foreign.publish(workSubject(stream), item(4));
      },
    });
  },
};

const schemas: Check = {
  name: "schemas",
  title: "payloads of the wrong shape, no JSON at all and unknown versions are refused by the consumer",
  run: (context) =>
    expectDead(context, {
      label: "schemas",
      handled: 1,
      reasons: ["malformed", "schema", "version"],
      async send(stream) {
        await using bus = await openBus(context);
        const subject = workSubject(stream);
        await publishRaw(bus, subject.pattern, { payload: '{"n":"not a number","text":1}' });
        await publishRaw(bus, subject.pattern, { payload: Buffer.from([0xff, 0x00, 0x7b]) });
        const future = { "Natsbus-Schema": "natsbus-verify.item", "Natsbus-Schema-Version": "99" };
        await publishRaw(bus, subject.pattern, { payload: JSON.stringify(item(2)), headers: future });
        await bus.publish(subject, item(1));
      },
    }),
};

const refusedAtHome: Check = {
  name: "schema-at-the-publisher",
  title: "a payload of the wrong shape is refused before it is sent",
  async run(context) {
    const stream = await context.scratch.stream("shape");
    await using bus = await openBus(context);
    const wrong = { n: 1.5, text: "" };
    const error = await bus.publish(workSubject(stream), wrong).catch((thrown: unknown) => thrown);
    return isBusError(error) && error.code === "ERR_CLIENT_SCHEMA"
      ? passed("ERR_CLIENT_SCHEMA")
      : failed(`the answer was ${String(error)}`);
  },
};

/** Checks of signatures and schemas. */
export const integrity: readonly Check[] = [signatures, schemas, refusedAtHome];
