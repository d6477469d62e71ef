import { expect, test } from "vitest";
import type { SavedStream } from "../../../../operations/backup/manifest.ts";
import { verdictOn } from "../../../../operations/backup/proof.ts";
import type { StreamProof } from "../../../../streams/proof.ts";

const SUM = { size: 3, sha256: "ab" };
const HELD = { messages: 10, firstSeq: 5, lastSeq: 14 };
const WORKER = { name: "worker", ackFloor: 8, ackFloorAfter: 8, archived: true, config: {} };
const SAVED: SavedStream = {
  name: "ORDERS",
  ...HELD,
  after: HELD,
  bytes: 900,
  consumers: [WORKER],
  unanswered: [],
  description: SUM,
  archive: SUM,
};
const NOW: StreamProof = { ...HELD, subjects: {}, ackFloors: { worker: 8 } };

type Case = readonly [what: string, now: Partial<StreamProof>, said: string, saved?: Partial<SavedStream>, config?: object];

function said(now: Partial<StreamProof>, saved: Partial<SavedStream> = {}, config = {}) {
  return verdictOn({ ...SAVED, ...saved }, config, { ...NOW, ...now });
}

test("the same is the same", () => {
  expect(said({})).toEqual({ differences: [], notes: [] });
});

const LOST: readonly Case[] = [
  ["fewer messages", { messages: 9 }, "it holds 9 messages from sequence 5 on, and 10 from 5 on were saved"],
  ["a later first message", { firstSeq: 6 }, "it holds 10 messages from sequence 6 on, and 10 from 5 on were saved"],
  ["a lower last sequence", { lastSeq: 13 }, "its last sequence is 13, and 14 was saved"],
  ["no consumer", { ackFloors: {} }, "consumer worker is not there"],
  [
    "a consumer that would skip",
    { ackFloors: { worker: 9 } },
    "consumer worker stands at 9, and 8 was saved; somebody may be reading already",
  ],
  ["replicas that are not current", { missing: "n2 is not current" }, "n2 is not current"],
  [
    "a consumer made anew that is not there",
    { ackFloors: {} },
    "consumer worker is not there",
    { consumers: [{ ...WORKER, archived: false }] },
  ],
];

test.each(LOST)("%s is lost", (_, now, text, saved, config) => {
  expect(said(now, saved, config)).toEqual({ differences: [text], notes: [] });
});

const NOTED: readonly Case[] = [
  ["what expired", { messages: 9, firstSeq: 6 }, "from 5 on were saved; messages expire in it", {}, { max_age: 1e9 }],
  ["what has a time of its own", { messages: 9 }, "messages expire in it", {}, { allow_msg_ttl: true }],
  ["what was taken from a work queue", { messages: 9 }, "consumers take messages out of it", {}, { retention: "workqueue" }],
  ["what came since", { messages: 12, lastSeq: 16 }, "2 messages came since it was restored"],
  ["what is delivered once more", { ackFloors: { worker: 3 } }, "consumer worker gets messages from 4 on once more; 8 was acknowledged"],
];

test.each(NOTED)("%s is noted", (_, now, text, saved, config) => {
  expect(said(now, saved, config)).toEqual({ differences: [], notes: [expect.stringContaining(text)] });
});

const RIGHT: readonly Case[] = [
  ["messages of the time of the backup, in it", { messages: 12, lastSeq: 16 }, "", { after: { messages: 12, firstSeq: 5, lastSeq: 16 } }],
  ["messages of the time of the backup, not in it", {}, "", { after: { messages: 12, firstSeq: 5, lastSeq: 16 } }],
  ["messages that were dropped during the backup", { messages: 8, firstSeq: 7 }, "", { after: { messages: 8, firstSeq: 7, lastSeq: 14 } }],
  ["acknowledgements of the time of the backup", { ackFloors: { worker: 10 } }, "", { consumers: [{ ...WORKER, ackFloorAfter: 11 }] }],
  ["a consumer made anew that has acknowledged nothing", { ackFloors: { worker: 0 } }, "", { consumers: [{ ...WORKER, archived: false }] }],
  [
    "a consumer behind messages that are gone",
    { ackFloors: { worker: 4 } },
    "",
    { consumers: [{ ...WORKER, ackFloor: 0, ackFloorAfter: 0 }] },
  ],
  ["an empty stream", { messages: 0, firstSeq: 0 }, "", { messages: 0, firstSeq: 0, after: { messages: 0, firstSeq: 0, lastSeq: 14 } }],
];

test.each(RIGHT)("%s is right", (_, now, __, saved, config) => {
  expect(said(now, saved, config)).toEqual({ differences: [], notes: [] });
});
