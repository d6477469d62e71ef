/** Publishing: acknowledged, stored once, fast enough, and no slower than the raw client by more than is allowed. */
import { jetstream } from "@nats-io/jetstream";
import { isBusError } from "../../../core/errors.ts";
import { type DriveResult, drive, mean, percentile, rateOf } from "../../bench/drive.ts";
import { runNatsBench } from "../../bench/nats-cli.ts";
import { type Check, failed, judged, measured, passed, type Section } from "../check.ts";
import type { Context } from "../context.ts";
import type { ScratchStream } from "../scratch.ts";
import { createUserSeed } from "../signing-key.ts";
import { item, numbers, openBus, withConnection, withManager, workSubject } from "../tools.ts";

const IN_FLIGHT = 256;
const ROUNDS = 3;
const WARM_UP = 200;

/** What the loads of this section gave: the best of several rounds, taken in turns so that other load hits all alike. */
interface Loads {
  readonly messages: number;
  readonly client: DriveResult;
  readonly signed: DriveResult;
  readonly raw: DriveResult;
  /** What the stream holds at the end, and what was acknowledged. */
  readonly stored: number;
  readonly acknowledged: number;
  /** The raw publisher of the NATS command line in messages a second; absent: it is not installed. */
  readonly natsBench?: number;
}

function loads(context: Context): Promise<Loads> {
  return context.once("publishing", () => measure(context));
}

async function measure(context: Context): Promise<Loads> {
  const messages = context.quick ? 1500 : 6000;
  const stream = await context.scratch.stream("publish");
  await using plain = await openBus(context);
  await using signing = await openBus(context, { signing: createUserSeed() });
  const subject = workSubject(stream);
  const best = await withConnection(context, (connection) => {
    const raw = jetstream(connection);
    const bytes = Buffer.from(JSON.stringify(item(1)));
    return bestRounds(context, messages, {
      raw: () => raw.publish(subject.pattern, bytes, { timeout: 10_000 }),
      client: (n: number) => plain.publish(subject, item(n)),
      signed: (n: number) => signing.publish(subject, item(n)),
    });
  });
  const natsBench = await natsFloor(context, stream, messages);
  const { state } = await withManager(context, (manager) => manager.streams.info(stream.name));
  const own = state.messages - (natsBench?.messages ?? 0);
  return { messages, ...best, stored: own, ...(natsBench === undefined ? {} : { natsBench: natsBench.rate }) };
}

type Works = Readonly<Record<"raw" | "client" | "signed", (n: number) => Promise<unknown>>>;

async function bestRounds(
  context: Context,
  count: number,
  works: Works,
): Promise<Readonly<Record<keyof Works, DriveResult>> & { readonly acknowledged: number }> {
  let acknowledged = 0;
  const load = async (work: Works["raw"], size: number): Promise<DriveResult> => {
    const result = await drive({ count: size, inFlight: IN_FLIGHT, signal: context.signal }, work);
    acknowledged += result.done;
    return result;
  };
  const best = {
    raw: await load(works.raw, WARM_UP),
    client: await load(works.client, WARM_UP),
    signed: await load(works.signed, WARM_UP),
  };
  for (const round of numbers(ROUNDS)) {
    for (const kind of ["raw", "client", "signed"] as const) {
      context.note(`round ${round + 1} of ${ROUNDS}, ${kind}`);
      best[kind] = better(best[kind], await load(works[kind], count), count);
    }
  }
  return { ...best, acknowledged };
}

/** A round with failures counts whatever came before, so that it is told; the short warm-up never does. */
function better(before: DriveResult, now: DriveResult, count: number): DriveResult {
  if (now.failed > 0 || before.done + before.failed < count) return now;
  return before.failed === 0 && rateOf(now) > rateOf(before) ? now : before;
}

async function natsFloor(context: Context, stream: ScratchStream, messages: number) {
  context.note("nats bench");
  return runNatsBench({
    connection: context.admin,
    subject: `${stream.subject}.floor`,
    stream: stream.name,
    messages,
    size: 128,
    batch: IN_FLIGHT,
  });
}

const rate: Check = {
  name: "rate",
  title: "one client publishes fast enough, every message acknowledged by the stream",
  async run(context) {
    const { client, messages } = await loads(context);
    if (client.failed > 0) return failed(`${client.failed} of ${messages} messages were refused: ${String(client.error)}`);
    return judged(`${messages} messages of 128 bytes, ${IN_FLIGHT} in flight`, [
      measured(context.thresholds, "publishRate", rateOf(client), "rate"),
      { name: "p99", value: percentile(client.latencies, 0.99), unit: "ms" },
    ]);
  },
};

const floor: Check = {
  name: "floor",
  title: "the client library is about as fast as the raw client on the same servers",
  async run(context) {
    const { client, signed, raw, natsBench } = await loads(context);
    const cli =
      natsBench === undefined
        ? "the NATS command line is not installed, so the raw client alone is the floor"
        : "nats bench on the same servers, too";
    return judged(`raw client ${Math.round(rateOf(raw))} messages/s; ${cli}`, [
      measured(context.thresholds, "publishRatio", rateOf(client) / rateOf(raw), "validated / raw"),
      { name: "validated and signed / raw", value: rateOf(signed) / rateOf(raw), unit: "x" },
      ...(natsBench === undefined ? [] : [{ name: "validated / nats bench", value: rateOf(client) / natsBench, unit: "x" }]),
    ]);
  },
};

const stored: Check = {
  name: "stored",
  title: "the stream holds exactly the acknowledged messages",
  async run(context) {
    const { stored, acknowledged } = await loads(context);
    if (stored !== acknowledged) return failed(`${acknowledged} messages were acknowledged and ${stored} are stored`);
    return judged(`${stored} messages`, [measured(context.thresholds, "delivered", (stored / acknowledged) * 100, "stored")]);
  },
};

const oneByOne: Check = {
  name: "one-by-one",
  title: "a publisher that waits for each acknowledgement waits briefly",
  async run(context) {
    const stream = await context.scratch.stream("sync");
    await using bus = await openBus(context);
    const subject = workSubject(stream);
    await drive({ count: 50, inFlight: 1 }, (n) => bus.publish(subject, item(n)));
    const count = context.quick ? 100 : 700;
    const rounds: DriveResult[] = [];
    for (const _ of numbers(ROUNDS))
      rounds.push(await drive({ count, inFlight: 1, signal: context.signal }, (n) => bus.publish(subject, item(n))));
    const broken = rounds.find(({ failed: refused }) => refused > 0);
    if (broken !== undefined) return failed(`${broken.failed} of ${count} messages were refused: ${String(broken.error)}`);
    const { latencies } = rounds.toSorted((one, other) => mean(one.latencies) - mean(other.latencies))[0] ?? { latencies: [] };
    return judged(`best of ${ROUNDS} rounds of ${count} messages, one at a time`, [
      measured(context.thresholds, "meanLatency", mean(latencies), "mean"),
      { name: "p50", value: percentile(latencies, 0.5), unit: "ms" },
      { name: "p99", value: percentile(latencies, 0.99), unit: "ms" },
    ]);
  },
};

const once: Check = {
  name: "once",
  title: "a message published again with its id is stored once",
  async run(context) {
    const stream = await context.scratch.stream("once");
    await using bus = await openBus(context);
    const subject = workSubject(stream);
    const ids = numbers(20).map((n) => `${context.scratch.run}-${n}`);
    for (const id of ids) await bus.publish(subject, item(1), { id });
    const again = await Promise.all(ids.map((id) => bus.publish(subject, item(1), { id })));
    const { state } = await withManager(context, (manager) => manager.streams.info(stream.name));
    const told = again.filter(({ duplicate }) => duplicate).length;
    if (state.messages !== ids.length || told !== ids.length)
      return failed(`${ids.length} ids were published twice: ${state.messages} messages are stored, ${told} were called duplicates`);
    return passed(`${ids.length} ids published twice`);
  },
};

const sizes: Check = {
  name: "sizes",
  title: "messages of every size up to the server's limit pass, larger ones are refused before they are sent",
  async run(context) {
    const stream = await context.scratch.stream("sizes");
    await using bus = await openBus(context, { publishing: { attemptTimeout: "10s", deadline: "20s" } });
    const most = bus.connection.info?.max_payload ?? 1_048_576;
    const subject = { ...workSubject(stream), maxBytes: Number.MAX_SAFE_INTEGER };
    const lengths = [0, 1, 1024, 65_536, Math.floor(most * 0.9)];
    for (const length of lengths) await bus.publish(subject, { n: length, text: "x".repeat(length) });
    const refusal = await bus.publish(subject, { n: 0, text: "x".repeat(most + 1) }).catch((error: unknown) => error);
    if (!isBusError(refusal) || refusal.code !== "ERR_CLIENT_SIZE")
      return failed(`a message above ${most} bytes was not refused with ERR_CLIENT_SIZE`);
    const { state } = await withManager(context, (manager) => manager.streams.info(stream.name));
    if (state.messages !== lengths.length) return failed(`${lengths.length} messages were acknowledged and ${state.messages} are stored`);
    return passed(`up to ${Math.floor(most * 0.9)} of ${most} bytes`);
  },
};

/** Everything about publishing. */
export const publishingSection: Section = {
  name: "publishing",
  title: "Publishing performance",
  checks: [rate, floor, stored, oneByOne, once, sizes],
};
