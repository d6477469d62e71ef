/** Names of the files in a tar archive, without keeping any of it. */

const RECORD = 512;
const LONG_NAME = "x";

interface Entry {
  readonly name: string;
  readonly type: string;
  /** Where the next one begins. */
  readonly end: number;
}

/** Names of the files, in their order. Ends quietly where the archive ends, whether it says so or not. */
export async function* fileNames(pieces: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let [rest, skip, longName]: [Buffer, number, string | undefined] = [Buffer.alloc(0), 0, undefined];
  for await (const piece of pieces) {
    const passed = Math.min(skip, piece.length);
    skip -= passed;
    rest = Buffer.concat([rest, piece.subarray(passed)]);
    for (let entry = entryOf(rest); entry !== undefined && skip === 0; entry = entryOf(rest)) {
      if (entry.type === LONG_NAME) longName = pathOf(rest.subarray(RECORD, entry.end));
      else {
        yield longName ?? entry.name;
        longName = undefined;
      }
      skip = Math.max(0, entry.end - rest.length);
      rest = rest.subarray(entry.end);
    }
  }
}

/** The entry at the beginning; of a long name, which stands in a record of its own before the file's, only when it is whole. */
function entryOf(bytes: Buffer): Entry | undefined {
  if (bytes.length < RECORD) return undefined;
  const [name, prefix, type] = [textAt(bytes, 0, 100), textAt(bytes, 345, 155), textAt(bytes, 156, 1)];
  const size = Number.parseInt(textAt(bytes, 124, 12).trim(), 8);
  const end = RECORD + Math.ceil((Number.isNaN(size) ? 0 : size) / RECORD) * RECORD;
  if (type === LONG_NAME && bytes.length < end) return undefined;
  return { name: prefix === "" ? name : `${prefix}/${name}`, type, end };
}

function textAt(record: Buffer, at: number, length: number): string {
  const bytes = record.subarray(at, at + length);
  const end = bytes.indexOf(0);
  return bytes.subarray(0, end < 0 ? length : end).toString("utf8");
}

/** The `path` of the records `LENGTH KEY=VALUE`. */
function pathOf(text: Buffer): string | undefined {
  return /(?:^|\n)\d+ path=([^\n]*)\n/.exec(text.toString("utf8"))?.[1];
}
