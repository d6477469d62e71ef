import { describe, expect, test } from "vitest";
import {
  heldBy,
  type Manifest,
  parseManifest,
  renderManifest,
  type SavedStream,
  savedConsumers,
  shortcomings,
} from "../../../../operations/backup/manifest.ts";
import type { ConsumerInfo } from "../../../../streams/port.ts";

const SUM = { size: 3, sha256: "ab" };
const HELD = { messages: 2, firstSeq: 4, lastSeq: 5 };

function savedStream(change: Partial<SavedStream> = {}): SavedStream {
  return { name: "ORDERS", ...HELD, bytes: 90, after: HELD, consumers: [], unanswered: [], description: SUM, archive: SUM, ...change };
}

function manifest(change: Partial<Manifest> = {}): Manifest {
  return { format: 1, time: "2026-01-01T00:00:00.000Z", server: "2.15.2", streams: [savedStream()], missing: [], ...change };
}

function consumer(name: string | undefined, ackFloor: number, metadata = {}): ConsumerInfo {
  const durable = name === undefined ? {} : { durable_name: name };
  return { config: { ...durable, metadata }, delivered: 0, ackFloor, pending: 0, peers: { clustered: true, replicas: [] } };
}

describe("the manifest", () => {
  test("is read as it was written, numbers as keys of metadata included", () => {
    const config = { metadata: { b: "1", "2": "x", "1": "y" } };
    const written = manifest({
      streams: [savedStream({ consumers: [{ name: "a", ackFloor: 1, ackFloorAfter: 1, archived: true, config }] })],
    });
    expect(parseManifest(renderManifest(written))).toEqual(written);
  });

  test.each([
    ["cut", (text: string) => text.slice(0, -20), "is no JSON document"],
    ["a changed count", (text: string) => text.replace('"messages": 2', '"messages": 3'), "was changed"],
    ["a changed sum", (text: string) => text.replace('"ab"', '"ac"'), "was changed"],
    ["another document", () => "{}", "is none of a backup"],
    ["a list", () => "[]", "is none of a backup"],
    ["a newer format", () => renderManifest(manifest({ format: 2 })), "has format 2"],
    ["a name that leads elsewhere", () => renderManifest(manifest({ streams: [savedStream({ name: "../x" })] })), "is not a stream name"],
  ])("%s is refused", (_, change, message) => {
    const text = change(renderManifest(manifest()));
    expect(() => parseManifest(text)).toThrow(
      expect.objectContaining({ code: "ERR_BACKUP_DAMAGED", message: expect.stringContaining(message) }),
    );
  });
});

test("consumers are saved with their places before and after; those of clients and servers are left to them", () => {
  const own = { "_nats.src.stream": "X" };
  const before = [consumer("a", 3), consumer("b", 0), consumer(undefined, 9), consumer("sourcing", 1, own), consumer("deleted", 1)];
  const saved = savedConsumers(before, [consumer("a", 5), consumer("b", 0)], ["a"]);
  expect(saved.map(({ config, ...rest }) => rest)).toEqual([
    { name: "a", ackFloor: 3, ackFloorAfter: 5, archived: true },
    { name: "b", ackFloor: 0, ackFloorAfter: 0, archived: false },
  ]);
});

test("what a backup lacks is said: streams, consumers the server left out, consumers that do not answer", () => {
  const left = { name: "b", ackFloor: 7, ackFloorAfter: 7, archived: false, config: {} };
  const lacking = manifest({
    streams: [savedStream({ consumers: [{ ...left, name: "a", archived: true }, left], unanswered: ["c"] })],
    missing: [{ name: "GONE", reason: "its servers do not answer" }],
  });
  expect(shortcomings(manifest())).toEqual([]);
  expect(shortcomings(lacking)).toEqual([
    "stream GONE is not in the backup: its servers do not answer",
    "consumer ORDERS/b is not in the server's snapshot; a restore makes it anew at sequence 8",
    "consumer ORDERS/c does not answer and is not in the server's snapshot",
  ]);
});

test("an empty stream has no first sequence", () => {
  expect(heldBy({ messages: 0, firstSeq: 6, lastSeq: 5 })).toEqual({ messages: 0, firstSeq: 0, lastSeq: 5 });
});
