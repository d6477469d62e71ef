import { closeSync, existsSync, fsync, fsyncSync, mkdirSync, openSync, readFileSync, rmSync, write, writeSync } from "node:fs";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { BusError } from "../core/errors.ts";
import type { Json } from "./events.ts";

/** One line of a journal. Entries and operations already in it, or in the checkpoint it builds on, are named by number. */
export type JournalRecord =
  /** First line. `base` is the SHA-256 of the checkpoint file the run began with, "" when there was none. */
  | { readonly journal: 1; readonly base: string }
  | { readonly begin: Json }
  | {
      readonly commit: {
        readonly ends?: number;
        readonly removes: readonly number[];
        readonly changes: readonly (readonly [number, Json])[];
        readonly writes: readonly Json[];
      };
    }
  | { readonly rebase: readonly Json[] }
  | { readonly clear: "all" | "others" }
  /** Last line: everything is in the checkpoint file with this SHA-256. */
  | { readonly done: string };

/** An append-only file that remembers what a run has done so far. */
export interface Journal {
  /** Appends a record; resolves when a crash of this process no longer loses it, or one of the machine when `flush` is set. @throws BusError ERR_STATE_WRITE */
  append(record: JournalRecord, options?: { readonly flush: boolean }): Promise<void>;
  /** Appends the last record and flushes, without giving way to anything else. */
  appendLast(record: JournalRecord): void;
  /** Closes and removes the file. */
  remove(): void;
}

interface Waiting {
  readonly line: string;
  readonly flush: boolean;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const writeFile = promisify(write);
const flushFile = promisify(fsync);

/** Opens a journal that does not exist yet; the file appears with the first record. */
export function createJournal(path: string, base: string): Journal {
  let descriptor: number | undefined;
  const open = (): number => {
    if (descriptor === undefined) {
      mkdirSync(dirname(path), { recursive: true });
      descriptor = openSync(path, "ax", 0o600);
      writeSync(descriptor, renderLine({ journal: 1, base }));
    }
    return descriptor;
  };
  const queue: Waiting[] = [];
  let working = false;
  let failure: BusError | undefined;
  const drain = async (): Promise<void> => {
    working = true;
    // Records that arrive while a batch is written share the next one, and its flush.
    for (let batch = queue.splice(0); batch.length > 0; batch = queue.splice(0)) {
      // After a failure a half line may stand at the end: nothing may follow it.
      failure ??= await writeBatch(path, open, batch);
      for (const { resolve, reject } of batch) failure === undefined ? resolve() : reject(failure);
    }
    working = false;
  };
  return {
    append: (record, { flush } = { flush: false }) =>
      new Promise((resolve, reject) => {
        queue.push({ line: renderLine(record), flush, resolve, reject });
        if (!working) void drain();
      }),
    appendLast: (record) => {
      if (descriptor === undefined) return;
      writeSync(descriptor, renderLine(record));
      fsyncSync(descriptor);
    },
    remove: () => {
      if (descriptor !== undefined) closeSync(descriptor);
      descriptor = undefined;
      rmSync(path, { force: true });
    },
  };
}

/**
 * Reads the journal of a run that did not end; undefined when there is none. A last line that was not written whole is left out.
 * @throws BusError ERR_STATE_CORRUPT
 */
export function readJournal(path: string): JournalRecord[] | undefined {
  if (!existsSync(path)) return undefined;
  const lines = readFileSync(path, "utf8").split("\n");
  // What follows the last line end was cut off.
  lines.pop();
  return lines.map((line, index) => {
    try {
      return JSON.parse(line) as JournalRecord;
    } catch (cause) {
      throw new BusError("ERR_STATE_CORRUPT", `${path}: line ${index + 1} of the journal of a crashed run is damaged`, {
        remedy: "move the file away; the checkpoint beside it is older, so run `refresh` afterwards",
        cause,
      });
    }
  });
}

async function writeBatch(path: string, open: () => number, batch: readonly Waiting[]): Promise<BusError | undefined> {
  try {
    const descriptor = open();
    const bytes = Buffer.from(batch.map(({ line }) => line).join(""));
    for (let offset = 0; offset < bytes.length; ) offset += (await writeFile(descriptor, bytes, offset)).bytesWritten;
    if (batch.some(({ flush }) => flush)) await flushFile(descriptor);
    return undefined;
  } catch (cause) {
    const remedy = "make the state folder writable for this user, and check for free space";
    return new BusError("ERR_STATE_WRITE", `${path} cannot be written: ${(cause as Error).message}`, { remedy, cause });
  }
}

function renderLine(record: JournalRecord): string {
  return `${JSON.stringify(record)}\n`;
}
