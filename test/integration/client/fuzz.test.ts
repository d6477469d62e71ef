import { randomBytes, randomUUID } from "node:crypto";
import { AckPolicy, type JetStreamManager, jetstreamManager, StorageType } from "@nats-io/jetstream";
import { connect, headers } from "@nats-io/transport-node";
import fc from "fast-check";
import { expect, it } from "vitest";
import { z } from "zod";
import { defineEndpoint, defineSubject, MessageBus, respond, route } from "../../../client/index.ts";
import { createKey } from "../../../core/nats-keys.ts";
import { startCluster } from "../../support/cluster.ts";
import { memoryInUse } from "../../support/memory.ts";

const note = defineSubject("notes.normal.note", z.object({ text: z.string() }));
const NAMES = [
  "Natsbus-Schema",
  "Natsbus-Schema-Version",
  "Natsbus-Key",
  "Natsbus-Signature",
  "Natsbus-Signed-At",
  "Natsbus-Proof",
  "Natsbus-Reply-To",
  "Content-Type",
  "Natsbus-Dead-Reason",
  "x",
];

const signer = createKey("user");
/** Messages of a wave in the test of memory, and the size of each. */
const WAVE = 1_000;
const WAVE_BYTES = 8_000;
const anyMessage = fc.record({
  subject: fc.constantFrom("notes.normal.note", "notes.high.other", "notes.low.a.b", "notes.odd"),
  payload: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.json().map((text) => Buffer.from(text)),
    fc.constant(Buffer.alloc(400_000, "[")),
  ),
  headers: fc.dictionary(fc.constantFrom(...NAMES), fc.oneof(fc.stringMatching(/^[ -~é]{0,40}$/), fc.constant(signer.publicKey))),
});
/** Blocks of headers as no library writes them, and servers store. */
const MALFORMED = [
  "NATS/1.0\r\nx: 1\ny: 2\r\n\r\n",
  "NATS/1.0\r\nx: 1\r2\r\n\r\n",
  "NATS/1.0\r\nx\r\n\r\n",
  "NATS/1.0\r\n: 1\r\n\r\n",
  "NATS/1.0\r\nx y: 1\r\nx: 1\r\nx: 2\r\n\r\n",
  "NATS/1.0\r\n\r\nx: 1\r\n\r\n",
  "NATS/1.0\nx: 1\n\n",
  "nonsense\r\n\r\n",
  "",
];

it.each([
  ["unverified", {}],
  ["verified", { verification: { signers: { "notes.>": [signer.publicKey] } } }],
])("a worker survives whatever arrives, settles all of it and still handles good messages, %s", async (_, options) => {
  await using cluster = await startCluster({ servers: 3 });
  const raw = await connect({ servers: cluster.urls });
  const manager = await jetstreamManager(raw);
  await manager.streams.add({ name: "NOTES", subjects: ["notes.>"], storage: StorageType.Memory, num_replicas: 3 });
  const filter_subjects = ["notes.normal.>", "notes.high.>", "notes.low.>", "notes.odd"];
  await manager.consumers.add("NOTES", { durable_name: "w", ack_policy: AckPolicy.Explicit, filter_subjects });
  for (const { subject, payload, headers: given } of fc.sample(anyMessage, 300)) {
    await raw.request(subject, payload, { headers: linesOf(given), timeout: 5_000 });
  }
  for (const lines of malformedHeaders()) {
    await raw.request("notes.normal.note", '{"text":"odd"}', { headers: lines, timeout: 5_000 });
  }
  await using bus = await MessageBus.connect({ servers: cluster.urls, signing: signer.seed, ...options });
  await bus.publish(note, { text: "good" });
  const seen: string[] = [];
  await using _worker = await bus.consume({
    stream: "NOTES",
    consumer: "w",
    routes: [route(note, ({ value }) => void seen.push(value.text))],
  });
  await expect.poll(() => unsettled(manager), { timeout: 30_000 }).toBe(0);
  expect(seen).toContain("good");
  const { consume } = bus.metrics();
  expect(consume.received).toBe(301 + MALFORMED.length);
  expect(consume.acknowledged + consume.deadLettered + consume.skipped).toBe(consume.received);
  expect(consume.deadLetterFailures).toBe(0);
  const replayed = await Array.fromAsync(bus.replay(note, { stream: "NOTES", subject: "notes.normal.note" }));
  expect(replayed.map(({ value }) => value.text)).toContain("good");
  await raw.close();
});

it("a worker's memory does not grow with what it refuses", { timeout: 240_000 }, async () => {
  await using cluster = await startCluster({ servers: 1 });
  const raw = await connect({ servers: cluster.urls });
  const manager = await jetstreamManager(raw, { timeout: 20_000 });
  await manager.streams.add({ name: "NOTES", subjects: ["notes.>"], storage: StorageType.File, max_bytes: 512 * 2 ** 20 });
  await manager.consumers.add("NOTES", { durable_name: "w", ack_policy: AckPolicy.Explicit, filter_subject: "notes.normal.note" });
  await using bus = await MessageBus.connect({
    servers: cluster.urls,
    verification: { signers: { "notes.>": [signer.publicKey] }, rememberedIds: 100 },
  });
  await using _worker = await bus.consume({ stream: "NOTES", consumer: "w", routes: [route(note, () => undefined)] });
  const wave = async (): Promise<number> => {
    for (let n = 0; n < WAVE; n += 1) {
      raw.publish("notes.normal.note", randomBytes(WAVE_BYTES), { headers: forgedHeaders() });
      if (n % 100 === 0) await raw.flush();
    }
    await expect.poll(async () => unsettled(manager), { timeout: 60_000 }).toBe(0);
    await manager.streams.purge("NOTES");
    return memoryInUse();
  };
  // The first two bring everything to its size.
  await wave();
  const before = await wave();
  await wave();
  const growth = (await wave()) - before;
  expect(bus.metrics().consume).toMatchObject({ deadLettered: 4 * WAVE, deadLetterFailures: 0 });
  // What was refused meanwhile is 16 MB of payloads; one forgotten list of hashes or headers would be 3 MB.
  expect(growth).toBeLessThan(2.5e6);
  await raw.close();
});

/** Headers that pass for those of a signed message of a group, every one of them new. */
function malformedHeaders(): ReturnType<typeof headers>[] {
  return MALFORMED.map((block) => Object.assign(headers(), { encode: () => Buffer.from(block) }));
}

function linesOf(given: Readonly<Record<string, string>>): ReturnType<typeof headers> {
  const lines = headers();
  for (const [name, value] of Object.entries(given)) lines.set(name, value);
  return lines;
}

function forgedHeaders(): ReturnType<typeof headers> {
  const lines = headers();
  const step = (): string => `l${randomBytes(32).toString("base64url")}`;
  lines.set("Nats-Msg-Id", randomUUID());
  lines.set("Natsbus-Key", signer.publicKey);
  lines.set("Natsbus-Signed-At", String(Date.now()));
  lines.set("Natsbus-Signature", randomBytes(64).toString("base64url"));
  lines.set("Natsbus-Proof", Array.from({ length: Math.floor(Math.random() * 6) }, step).join(""));
  lines.set("x", randomBytes(400).toString("base64url"));
  return lines;
}

async function unsettled(manager: JetStreamManager): Promise<number> {
  const { num_pending, num_ack_pending } = await manager.consumers.info("NOTES", "w");
  return num_pending + num_ack_pending;
}

it("a service and a requester survive whatever arrives, answer all of it and still serve good requests", async () => {
  await using cluster = await startCluster({ servers: 1 });
  const ask = defineEndpoint("notes.ask", { request: z.object({ text: z.string() }), reply: z.object({ size: z.number() }) });
  const raw = await connect({ servers: cluster.urls });
  await using bus = await MessageBus.connect({ servers: cluster.urls, signing: signer.seed });
  await using service = await bus.serve({
    name: "notes",
    version: "1.0.0",
    endpoints: [respond(ask, ({ value }) => ({ size: value.text.length }))],
  });
  for (const { payload, headers: given } of fc.sample(anyMessage, 300)) {
    const answer = await raw.request("notes.ask", payload, { headers: linesOf(given), timeout: 5_000 });
    expect(answer.headers?.get("Nats-Service-Error-Code") || answer.string()).toMatch(/^(4\d\d|\{"size":\d+\})$/);
  }
  for (const lines of malformedHeaders()) {
    const answer = await raw.request("notes.ask", '{"text":"odd"}', { headers: lines, timeout: 5_000 });
    expect(answer.string()).toBe('{"size":3}');
  }
  expect(await bus.request(ask, { text: "good" })).toEqual({ size: 4 });
  await service.stop();
  const answers = [
    ...fc.sample(anyMessage, 100).map(({ payload, headers: given }) => ({ payload, lines: linesOf(given) })),
    ...malformedHeaders().map((lines) => ({ payload: Buffer.alloc(0), lines })),
  ];
  let next = 0;
  raw.subscribe("notes.ask", {
    callback: (_, message) => {
      const { payload, lines } = answers[next++ % answers.length]!;
      message.respond(payload, { headers: lines });
    },
  });
  await raw.flush();
  for (const _ of answers) {
    const outcome = await bus.request(ask, { text: "x" }).then(
      () => "value",
      (error: { code: string }) => error.code,
    );
    expect(["value", "ERR_CLIENT_REPLY"]).toContain(outcome);
  }
  await raw.close();
});
