import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { consumersIn } from "../../../../operations/backup/archive.ts";
import { decompress, decompressBlock } from "../../../../operations/backup/s2.ts";

const LONG = "c".repeat(200);

/** Plain frames of a length that cuts through everything. */
function framed(bytes: Buffer, length = 100): Buffer {
  const frames: Buffer[] = [Buffer.from("\xff\x06\0\0S2sTwO", "latin1")];
  for (let at = 0; at < bytes.length; at += length) {
    const body = bytes.subarray(at, at + length);
    const header = Buffer.alloc(8);
    header[0] = 1;
    header.writeUIntLE(body.length + 4, 1, 3);
    frames.push(header, body);
  }
  return Buffer.concat(frames);
}

async function* pieces(bytes: Buffer, length = 77): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
}

function tarOf(files: readonly string[], format: string): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "natsbus-tar-"));
  try {
    for (const file of files) {
      mkdirSync(join(folder, file, ".."), { recursive: true });
      writeFileSync(join(folder, file), "x".repeat(700));
    }
    return execFileSync("tar", ["-C", folder, `--format=${format}`, "-c", ...files]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}

function record(name: string, sequence: number, content: string): Buffer {
  const numbers = [name.length, 1_764_085_741_000, sequence, 0, content.length].flatMap(varint);
  return Buffer.concat([Buffer.from(numbers), Buffer.from(name + content)]);
}

describe("consumers in an archive", () => {
  test.each(["ustar", "pax"])("of a %s archive of a folder, as servers before 2.15 write it", async (format) => {
    const long = format === "pax" ? [LONG] : [];
    const files = ["meta.inf", "msgs/1.blk", ...["a", "b", ...long].flatMap((name) => [`obs/${name}/meta.inf`, `obs/${name}/o.dat`])];
    expect(await consumersIn(pieces(framed(tarOf(files, format))))).toEqual(["a", "b", ...long]);
  });

  test("of records, as servers from 2.15 on write them; what messages say does not count", async () => {
    const records = [record("state.json", 0, "{}"), record("consumers/a", 0, "x".repeat(900)), record(`consumers/${LONG}`, 0, "y")];
    const archive = Buffer.concat([Buffer.from("NATSARC1"), ...records, record("consumers/no", 1, "z".repeat(5_000))]);
    expect(await consumersIn(pieces(framed(archive)))).toEqual(["a", LONG]);
    const empty = Buffer.concat([Buffer.from("NATSARC1"), record("state.json", 0, "{}"), Buffer.alloc(5)]);
    expect(await consumersIn(pieces(framed(empty)))).toEqual([]);
  });

  test.each([
    ["nothing at all", Buffer.alloc(0)],
    ["text", Buffer.from("no archive at all")],
    ["half a frame", framed(Buffer.from("NATSARC1")).subarray(0, -2)],
    ["records that end too early", framed(Buffer.concat([Buffer.from("NATSARC1"), record("state.json", 0, "{}")]))],
  ])("%s is damaged", async (_, bytes) => {
    await expect(consumersIn(pieces(bytes))).rejects.toMatchObject({ code: "ERR_BACKUP_DAMAGED" });
  });
});

describe("blocks", () => {
  test.each([
    ["a literal", [3, 0x08, 97, 98, 99], "abc"],
    ["a copy that reaches into itself", [9, 0x04, 97, 98, 0x0d, 2], "ababababa"],
    ["a repeated offset", [10, 0x04, 97, 98, 0x01, 2, 0x01, 0], "ababababab"],
    ["a repeated offset with a length of its own", [15, 0x04, 97, 98, 0x01, 2, 0x15, 0, 1], "ababababababababab".slice(0, 15)],
    ["a far copy", [7, 0x08, 97, 98, 99, 0x0e, 3, 0], "abcabca"],
  ])("%s", (_, bytes, plain) => {
    expect(decompressBlock(Buffer.from(bytes)).toString()).toBe(plain);
  });

  test.each([
    ["more than it says", [2, 0x08, 97, 98, 99]],
    ["less than it says", [4, 0x08, 97, 98, 99]],
    ["a copy from before its beginning", [9, 0x04, 97, 98, 0x0d, 3]],
    ["a literal that is cut", [3, 0x08, 97]],
    ["a copy that is cut", [9, 0x04, 97, 98, 0x0e, 2]],
    ["an endless length", [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
  ])("%s is damaged", (_, bytes) => {
    expect(() => decompressBlock(Buffer.from(bytes))).toThrow(expect.objectContaining({ code: "ERR_BACKUP_DAMAGED" }));
  });

  test("an unknown frame is damaged, one that may be skipped is skipped", async () => {
    const skipped = Buffer.from([0x99, 2, 0, 0, 1, 2]);
    const read = async (bytes: Buffer) => Buffer.concat(await Array.fromAsync(decompress(pieces(bytes)))).toString();
    expect(await read(Buffer.concat([skipped, framed(Buffer.from("abc"))]))).toBe("abc");
    await expect(read(Buffer.from([0x42, 0, 0, 0]))).rejects.toMatchObject({ code: "ERR_BACKUP_DAMAGED" });
  });
});
