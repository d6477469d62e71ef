/** Files that verbs write their results to. */
import { accessSync, constants, existsSync, statSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { BusError } from "../core/errors.ts";
import { startFolder } from "./session.ts";

/** Where a file is that was named on the command line. */
export function namedFile(file: string): string {
  return resolve(startFolder({}), file);
}

/**
 * Refuses files that cannot be written, before the work whose result they are to hold.
 * @param files those that were not named are `undefined`
 * @throws ERR_REPORT_FILE
 */
export function assertWritable(...files: readonly (string | undefined)[]): void {
  for (const file of files) {
    if (file === undefined) continue;
    const path = namedFile(file);
    trying(file, () => {
      if (existsSync(path) && statSync(path).isDirectory()) throw new Error("it is a folder");
      accessSync(existsSync(path) ? path : dirname(path), constants.W_OK);
    });
  }
}

/**
 * Writes a result.
 * @throws ERR_REPORT_FILE
 */
export function writeReport(file: string, content: string | Uint8Array): void {
  trying(file, () => writeFileSync(namedFile(file), content));
}

function trying(file: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    throw new BusError("ERR_REPORT_FILE", `${file} cannot be written`, {
      cause,
      remedy: "name a file in a folder that exists and that this user may write",
    });
  }
}
