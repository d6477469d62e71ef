// Loaded into the command line (`NODE_OPTIONS=--import …`): ends it with SIGKILL right after the journal's record number CRASH_AFTER_RECORDS, as a power cut
// at that step boundary would. Children inherit the option but are left alone.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const limit = Number(process.env["CRASH_AFTER_RECORDS"] ?? "0");
const journals = new Set<number>();
let records = 0;

function crashAt(descriptor: number, data: unknown): void {
  if (!journals.has(descriptor)) return;
  const bytes = Buffer.from(data as Buffer);
  const lines = bytes.toString("utf8").split("\n").slice(0, -1);
  if (records + lines.length < limit) {
    records += lines.length;
    return;
  }
  const kept = `${lines.slice(0, limit - records).join("\n")}\n`;
  writeSync(descriptor, Buffer.from(kept));
  process.kill(process.pid, "SIGKILL");
  // The signal is on its way; nothing else may happen until it arrives.
  for (;;);
}

const { openSync, closeSync, writeSync, write } = fs;
if (limit > 0 && process.argv[1]?.endsWith("natsbus.js") === true) {
  fs.openSync = ((path: fs.PathLike, ...rest: [fs.OpenMode?, fs.Mode?]) => {
    const descriptor = openSync(path, ...(rest as [fs.OpenMode]));
    if (String(path).includes("journal")) journals.add(descriptor);
    return descriptor;
  }) as typeof fs.openSync;
  fs.closeSync = (descriptor) => {
    // The number may stand for another file next.
    journals.delete(descriptor);
    closeSync(descriptor);
  };
  fs.writeSync = ((descriptor: number, data: unknown, ...rest: unknown[]) => {
    crashAt(descriptor, data);
    return (writeSync as (...parameters: unknown[]) => number)(descriptor, data, ...rest);
  }) as typeof fs.writeSync;
  fs.write = ((descriptor: number, data: unknown, ...rest: unknown[]) => {
    crashAt(descriptor, data);
    (write as (...parameters: unknown[]) => void)(descriptor, data, ...rest);
  }) as typeof fs.write;
  syncBuiltinESMExports();
}
