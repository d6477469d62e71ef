import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Json } from "./events.ts";
import type { RunOutcome } from "./model.ts";
import { type StackAddress, stackFiles } from "./stack-files.ts";

/** What one run leaves behind besides the state. */
export interface HistoryEntry {
  readonly address: StackAddress;
  readonly outcome: RunOutcome;
  /** Text of the checkpoint file after the run. */
  readonly checkpoint: string;
  /** Configuration as the settings file has it, secrets encrypted. */
  readonly config: Json;
  /** When the run ended. */
  readonly endTime: Date;
}

/** Writes the history record of a run with its checkpoint, and a backup of the state, in the layout of the CLI. */
export function writeHistory({ address, outcome, checkpoint, config, endTime }: HistoryEntry): void {
  const files = stackFiles(address);
  // Nanoseconds, as the CLI names its files.
  const stamp = `${endTime.getTime()}000000`;
  const record = {
    kind: outcome.kind,
    startTime: outcome.startTime,
    message: outcome.message,
    environment: {},
    config,
    result: outcome.result,
    endTime: Math.floor(endTime.getTime() / 1000),
    resourceChanges: outcome.resourceChanges,
  };
  mkdirSync(files.history, { recursive: true });
  mkdirSync(files.backups, { recursive: true });
  const name = join(files.history, `${address.stack}-${stamp}`);
  writeFileSync(`${name}.checkpoint.json`, checkpoint, { mode: 0o600 });
  writeFileSync(`${name}.history.json`, `${JSON.stringify(record, null, 4)}\n`, { mode: 0o600 });
  writeFileSync(join(files.backups, `${address.stack}.${stamp}.json`), checkpoint, { mode: 0o600 });
}
