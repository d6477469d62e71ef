/** Reads the compression servers write snapshots with: S2, the framed form of Snappy with longer blocks and repeated offsets. Checksums are the caller's business. */
import { BusError } from "../../core/errors.ts";

const FRAME_HEADER = 4;
const CHECKSUM = 4;
const COMPRESSED = 0x00;
const PLAIN = 0x01;
const FIRST_SKIPPABLE = 0x80;
const LARGEST_BLOCK = 8 * 1024 * 1024;

/**
 * The plain bytes of a compressed stream, block by block; never more than one frame is held.
 * @throws ERR_BACKUP_DAMAGED when it is no such stream, or ends within a frame
 */
export async function* decompress(pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    rest = Buffer.concat([rest, piece]);
    for (let frame = frameOf(rest); frame !== undefined; frame = frameOf(rest)) {
      if (frame.type === COMPRESSED) yield decompressBlock(frame.body.subarray(CHECKSUM));
      else if (frame.type === PLAIN) yield frame.body.subarray(CHECKSUM);
      rest = rest.subarray(FRAME_HEADER + frame.body.length);
    }
  }
  if (rest.length > 0) throw damaged("it ends within a frame");
}

function frameOf(bytes: Buffer): { readonly type: number; readonly body: Buffer } | undefined {
  if (bytes.length < FRAME_HEADER) return undefined;
  const [type, length] = [bytes[0] ?? 0, bytes.readUIntLE(1, 3)];
  if (type > PLAIN && type < FIRST_SKIPPABLE) throw damaged(`a frame has the unknown type ${type}`);
  if (bytes.length < FRAME_HEADER + length) return undefined;
  return { type, body: bytes.subarray(FRAME_HEADER, FRAME_HEADER + length) };
}

interface Element {
  /** Bytes of the element in the block. */
  readonly size: number;
  readonly length: number;
  /** How far back to copy from; 0 for the offset of before.
   * @default - a literal, whose bytes follow the element */
  readonly offset?: number;
}

/** One block. @throws ERR_BACKUP_DAMAGED */
export function decompressBlock(block: Buffer): Buffer {
  const { value: length, size } = readLength(block);
  if (length > LARGEST_BLOCK) throw damaged("a block is too long");
  const plain = Buffer.alloc(length);
  let [at, written, before] = [size, 0, 0];
  while (at < block.length) {
    const element = readElement(block, at);
    const end = written + element.length;
    at += element.size;
    if (end > length) throw damaged("a block holds more than it says");
    if (element.offset === undefined) at = copyLiteral(block, at, plain.subarray(written, end));
    else {
      before = element.offset === 0 ? before : element.offset;
      repeat(plain, { at: written, back: before, length: element.length });
    }
    written = end;
  }
  if (written !== length) throw damaged("a block holds less than it says");
  return plain;
}

/** Answers where the literal ends. */
function copyLiteral(block: Buffer, at: number, target: Buffer): number {
  if (block.copy(target, 0, at, at + target.length) < target.length) throw damaged("a block ends too early");
  return at + target.length;
}

/** A copy may reach into what it writes. */
function repeat(plain: Buffer, { at, back, length }: { readonly at: number; readonly back: number; readonly length: number }): void {
  if (back === 0 || back > at) throw damaged("a block copies from before its beginning");
  if (back >= length) plain.copyWithin(at, at - back, at - back + length);
  else for (let index = at; index < at + length; index++) plain[index] = plain[index - back] ?? 0;
}

function readLength(block: Buffer): { readonly value: number; readonly size: number } {
  let value = 0;
  for (let size = 0; size < 5 && size < block.length; size++) {
    const byte = block[size] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * size);
    if (byte < 0x80) return { value, size: size + 1 };
  }
  throw damaged("the length of a block cannot be read");
}

function readElement(block: Buffer, at: number): Element {
  try {
    const tag = block[at] ?? 0;
    const upper = tag >> 2;
    if ((tag & 3) === 0) return readLiteral(block, at, upper);
    if ((tag & 3) === 1) return readShortCopy(block, at, upper);
    if ((tag & 3) === 2) return { size: 3, length: upper + 1, offset: block.readUInt16LE(at + 1) };
    return { size: 5, length: upper + 1, offset: block.readUInt32LE(at + 1) };
  } catch (cause) {
    throw damaged("a block ends within an element", cause);
  }
}

function readLiteral(block: Buffer, at: number, upper: number): Element {
  if (upper < 60) return { size: 1, length: upper + 1 };
  const bytes = upper - 59;
  return { size: 1 + bytes, length: block.readUIntLE(at + 1, bytes) + 1 };
}

/** An offset of 0 repeats the one of before, and then the length may take up to three bytes more. */
function readShortCopy(block: Buffer, at: number, upper: number): Element {
  const offset = ((upper >> 3) << 8) | block.readUInt8(at + 1);
  const length = upper & 7;
  const more = offset === 0 ? Math.max(0, length - 4) : 0;
  if (more === 0) return { size: 2, length: length + 4, offset };
  const base = [0, 4, 1 << 8, 1 << 16][more] ?? 0;
  return { size: 2 + more, length: block.readUIntLE(at + 2, more) + base + 4, offset };
}

function damaged(why: string, cause?: unknown): BusError {
  return new BusError("ERR_BACKUP_DAMAGED", `an archive cannot be read: ${why}`, { remedy: "take another backup", cause });
}
