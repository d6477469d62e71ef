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

interface Case {
  readonly now?: Partial<StreamProof>;
  readonly saved?: Partial<SavedStream>;
  readonly config?: object;
}
type Row = [what: string, given: Case, text: string];

function said({ now, saved, config }: Case) {
  return verdictOn({ ...SAVED, ...saved }, { ...config }, { ...NOW, ...now });
}

test("the same is the same", () => {
  expect(said({})).toEqual({ differences: [], notes: [] });
});

const ANEW = { consumers: [{ ...WORKER, archived: false }] };
const LOST: Row[] = [
  ["fewer messages", { now: { messages: 9 } }, "it holds 9 messages from sequence 5 on, and 10 from 5 on were saved"],
  ["a later first message", { now: { firstSeq: 6 } }, "it holds 10 messages from sequence 6 on, and 10 from 5 on were saved"],
  ["a lower last sequence", { now: { lastSeq: 13 } }, "its last sequence is 13, and 14 was saved"],
  ["no consumer", { now: { ackFloors: {} } }, "consumer worker is not there"],
  [
    "a consumer that would skip",
    { now: { ackFloors: { worker: 9 } } },
    "consumer worker stands at 9, and 8 was saved; somebody may be reading already",
  ],
  ["replicas that are not current", { now: { missing: "n2 is not current" } }, "n2 is not current"],
  ["a consumer made anew that is not there", { now: { ackFloors: {} }, saved: ANEW }, "consumer worker is not there"],
];

test.each(LOST)("%s is lost", (_, given, text) => {
  expect(said(given)).toEqual({ differences: [text], notes: [] });
});

const NOTED: Row[] = [
  ["what expired", { now: { messages: 9, firstSeq: 6 }, config: { max_age: 1e9 } }, "from 5 on were saved; messages expire in it"],
  ["what has a time of its own", { now: { messages: 9 }, config: { allow_msg_ttl: true } }, "messages expire in it"],
  ["what was taken from a work queue", { now: { messages: 9 }, config: { retention: "workqueue" } }, "consumers take messages out of it"],
  ["what came since", { now: { messages: 12, lastSeq: 16 } }, "2 messages came since it was restored"],
  [
    "what is delivered once more",
    { now: { ackFloors: { worker: 3 } } },
    "consumer worker gets messages from 4 on once more; 8 was acknowledged",
  ],
];

test.each(NOTED)("%s is noted", (_, given, text) => {
  expect(said(given)).toEqual({ differences: [], notes: [expect.stringContaining(text)] });
});

const MORE = { after: { messages: 12, firstSeq: 5, lastSeq: 16 } };
const RIGHT: [what: string, given: Case][] = [
  ["messages of the time of the backup, in it", { now: { messages: 12, lastSeq: 16 }, saved: MORE }],
  ["messages of the time of the backup, not in it", { saved: MORE }],
  [
    "messages that were dropped during the backup",
    { now: { messages: 8, firstSeq: 7 }, saved: { after: { messages: 8, firstSeq: 7, lastSeq: 14 } } },
  ],
  [
    "acknowledgements of the time of the backup",
    { now: { ackFloors: { worker: 10 } }, saved: { consumers: [{ ...WORKER, ackFloorAfter: 11 }] } },
  ],
  ["a consumer made anew that has acknowledged nothing", { now: { ackFloors: { worker: 0 } }, saved: ANEW }],
  [
    "a consumer behind messages that are gone",
    { now: { ackFloors: { worker: 4 } }, saved: { consumers: [{ ...WORKER, ackFloor: 0, ackFloorAfter: 0 }] } },
  ],
  [
    "an empty stream",
    { now: { messages: 0, firstSeq: 0 }, saved: { messages: 0, firstSeq: 0, after: { messages: 0, firstSeq: 0, lastSeq: 14 } } },
  ],
];

test.each(RIGHT)("%s is right", (_, given) => {
  expect(said(given)).toEqual({ differences: [], notes: [] });
});
