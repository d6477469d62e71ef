import { expect, test } from "vitest";
import { consumerLoss, streamCosts, streamLoss } from "../../../streams/cost.ts";
import { consumerDialect, streamDialect } from "../../../streams/spec.ts";

const info = {
  config: {},
  messages: 12_345,
  bytes: 2_097_152,
  firstSeq: 1,
  lastSeq: 12_345,
  firstTime: "2026-05-01T00:00:00Z",
  lastTime: "2026-05-11T00:00:00Z",
  created: "2026-04-01T00:00:00Z",
  consumers: 0,
  peers: { clustered: false, replicas: [] },
};
const spec = (settings: object) => streamDialect.parse({ name: "S", ...settings }, "S").value;

test.each([
  [{}, { retention: "interest" }, 0, "deletes all 12345 messages, because no consumer exists", true],
  [{}, { retention: "interest" }, 2, "deletes every message that all consumers have acknowledged", false],
  [{}, { maxMsgs: 12_000 }, 0, "deletes the 345 oldest messages", false],
  [{ maxMsgs: 20_000 }, { maxMsgs: 12_344 }, 0, "deletes the 1 oldest message", false],
  [{}, { maxBytes: "1MiB" }, 0, "deletes the oldest 1MiB", false],
  [{}, { maxMsgsPerSubject: 1 }, 0, "deletes all but the newest 1 of each subject", false],
  [
    { maxAge: "7d" },
    { maxAge: "1d" },
    0,
    "drops about 40 % of 12345 messages now, whatever is older than the new age; the oldest is from 2026-05-01T00:00:00Z",
    false,
  ],
  [{ mirror: { name: "O" } }, { subjects: ["s"] }, 0, "promotes the mirror to an ordinary stream, which copies no more", false],
  [{}, { denyPurge: true }, 0, "cannot be taken back", false],
  [{ replicas: 3 }, { replicas: 1 }, 0, "gives up 2 copies of 12345 messages", false],
  [{ replicas: 1 }, { replicas: 3 }, 0, "copies the stream to more servers", false],
  [{ subjects: ["a", "b"] }, { subjects: ["a"] }, 0, "publishers to b get no acknowledgement any more; stored messages stay", false],
])("%o → %o with %i consumers: %s", (...[was, want, consumers, text, destroys]) => {
  const costs = streamCosts({ was: spec(was), want: spec(want), info: { ...info, consumers }, nowMs: Date.parse("2026-05-06T00:00:00Z") });
  expect(costs).toEqual([{ key: expect.any(String), text, destroys }]);
});

test.each([
  [{ maxMsgs: 10 }, { maxMsgs: 20 }],
  [{}, { maxMsgs: 20_000 }],
  [{}, { discard: "new", maxMsgs: 10 }],
  [{}, { description: "x" }],
  [{ retention: "interest" }, {}],
])("%o → %o costs nothing", (was, want) => {
  expect(streamCosts({ was: spec(was), want: spec(want), info })).toEqual([]);
});

test("an empty stream and a consumer that never delivered lose nothing", () => {
  const all = consumerDialect.parse({ stream: "S", name: "c" }, "c").value;
  const idle = { config: {}, delivered: 0, ackFloor: 0, pending: 3, peers: info.peers };
  expect(streamLoss({ ...info, messages: 0 })).toBeUndefined();
  expect(streamLoss(info)).toBe("12345 messages (2MiB)");
  expect(consumerLoss(idle, all)).toBeUndefined();
  expect(consumerLoss(idle, { ...all, deliverPolicy: "new" })).toMatch(/3 messages wait/);
  expect(consumerLoss({ ...idle, delivered: 9, ackFloor: 7 }, all)).toMatch(/sequence 7/);
});
