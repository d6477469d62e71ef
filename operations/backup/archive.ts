/** Which consumers a snapshot holds. Servers from 2.15 on write records, older ones a tar of the stream's folder. */
import { BusError } from "../../core/errors.ts";
import { decompress } from "./s2.ts";
import { fileNames } from "./tar.ts";

const MAGIC = "NATSARC1";
const CONSUMER_RECORD = "consumers/";
const CONSUMER_FILE = /(?:^|\/)obs\/([^/]+)\/meta\.inf$/;

/**
 * Names of the consumers in an archive.
 * @throws ERR_BACKUP_DAMAGED when it cannot be read
 */
export async function consumersIn(archive: AsyncIterable<Buffer>): Promise<readonly string[]> {
  const blocks = decompress(archive);
  const { value: first } = await blocks.next();
  if (first === undefined) throw damaged("it is empty");
  const all = joined(first, blocks);
  return first.subarray(0, MAGIC.length).toString("latin1") === MAGIC ? await ofRecords(all) : await ofFiles(all);
}

async function* joined(first: Buffer, blocks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield first;
  yield* blocks;
}

async function ofFiles(blocks: AsyncIterable<Buffer>): Promise<string[]> {
  const names: string[] = [];
  for await (const file of fileNames(blocks)) {
    const name = CONSUMER_FILE.exec(file)?.[1];
    if (name !== undefined) names.push(name);
  }
  return names;
}

/** Consumers stand before the first message. */
async function ofRecords(blocks: AsyncIterable<Buffer>): Promise<string[]> {
  const names: string[] = [];
  let [rest, isBegun]: [Buffer, boolean] = [Buffer.alloc(0), false];
  for await (const block of blocks) {
    rest = Buffer.concat([rest, block]);
    if (!isBegun) rest = rest.subarray(MAGIC.length);
    isBegun = true;
    for (let record = recordOf(rest); record !== undefined; record = recordOf(rest)) {
      if (record.isMessage || record.name === "") return names;
      if (record.name.startsWith(CONSUMER_RECORD)) names.push(record.name.slice(CONSUMER_RECORD.length));
      rest = rest.subarray(record.size);
    }
  }
  throw damaged("it ends within its consumers");
}

interface ArchiveRecord {
  /** Subject of a message, or name of what is none. */
  readonly name: string;
  readonly isMessage: boolean;
  readonly size: number;
}

/** The record at the beginning, when it is whole: lengths and numbers, then name, headers and content. */
function recordOf(bytes: Buffer): ArchiveRecord | undefined {
  const numbers: number[] = [];
  let at = 0;
  while (numbers.length < 5) {
    const end = bytes.subarray(at, at + 10).findIndex((byte) => byte < 0x80);
    if (end < 0) return undefined;
    numbers.push(bytes.subarray(at, at + end + 1).reduceRight((value, byte) => value * 128 + (byte & 0x7f), 0));
    at += end + 1;
  }
  const [nameLength = 0, , sequence = 0, headerSize = 0, contentSize = 0] = numbers;
  const size = at + nameLength + headerSize + contentSize;
  // Of a message only the beginning counts.
  if (sequence === 0 && bytes.length < size) return undefined;
  return { name: bytes.subarray(at, at + nameLength).toString("utf8"), isMessage: sequence > 0, size };
}

function damaged(why: string): BusError {
  return new BusError("ERR_BACKUP_DAMAGED", `an archive cannot be read: ${why}`, { remedy: "take another backup" });
}
