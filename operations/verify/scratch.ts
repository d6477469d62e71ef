/** Streams of the suite's own: uniquely named, small, removed at the end, and swept by a later run when this one was killed. */
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { JetStreamApiError, type JetStreamManager, jetstreamManager, type StreamConfig, type StreamInfo } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import type { ConnectionSpec } from "../../core/connection.ts";
import { connectAsUser } from "../user-connection.ts";

/** Beginning of every stream name of the suite. */
export const SCRATCH_PREFIX = "VERIFY_";
/** Beginning of every subject of the suite. */
const SCRATCH_SUBJECTS = "natsbus-verify";

const OWNER_KEY = "natsbus-verify-owner";
// For accounts that insist on a limit. Elsewhere none is set: a limit reserves storage, and servers tell each other only now and then what is free again.
const MAX_BYTES = 32 * 1024 * 1024;
const LIMIT_REQUIRED = 10_113;
// A server that was away, or storage that was freed, is known to the one that places streams some seconds later.
const NO_PLACE = 10_005;
const PATIENCE_MS = 30_000;
const RETRY_MS = 500;
const MAX_AGE_NS = 3_600_000_000_000;

/** A stream to work with. */
export interface ScratchStream {
  readonly name: string;
  /** Beginning of its subjects; it stores everything below. */
  readonly subject: string;
}

/** Makes scratch streams, and removes every one it made. */
export interface Scratch {
  /** Mark of this run in names and subjects. */
  readonly run: string;
  /** Makes a stream of this run, with as many replicas as the streams of the bus; settings are laid over. */
  stream(label: string, settings?: Partial<StreamConfig>): Promise<ScratchStream>;
  /** Removes one early. */
  remove(stream: ScratchStream): Promise<void>;
  /** Removes all that is left.
   * @param waitMs how long to try again when the cluster cannot do it now; default 0 */
  close(waitMs?: number): Promise<void>;
}

/** Who made a scratch stream. */
interface Owner {
  readonly host: string;
  readonly pid: number;
}

/** Whether a stream was left behind: made by a run that no longer lives, as far as this machine can tell. Pure. */
export function isLeftover(
  stream: { readonly name: string; readonly metadata: Readonly<Record<string, string>> | undefined; readonly ageMs: number },
  here: { readonly host: string; readonly isAlive: (pid: number) => boolean },
): boolean {
  if (!stream.name.startsWith(SCRATCH_PREFIX)) return false;
  const owner = parseOwner(stream.metadata?.[OWNER_KEY]);
  if (owner === undefined) return false;
  if (owner.host === here.host) return !here.isAlive(owner.pid);
  return stream.ageMs > MAX_AGE_NS / 1e6;
}

/**
 * Removes what killed runs left; answers the names.
 * @param waitMs how long to ask again while the cluster does not answer, for instance until it has elected a meta leader; default 0
 * @throws the last error when it does not answer until then
 */
export async function sweepScratch(connection: NatsConnection, waitMs = 0): Promise<string[]> {
  const manager = await jetstreamManager(connection, { checkAPI: false });
  const found = await listScratch(manager, performance.now() + waitMs);
  const here = { host: hostname(), isAlive };
  const left = found.filter(({ config, created }) =>
    isLeftover({ name: config.name, metadata: config.metadata, ageMs: Date.now() - Date.parse(created) }, here),
  );
  for (const { config } of left) await manager.streams.delete(config.name).catch(() => undefined);
  return left.map(({ config }) => config.name);
}

async function listScratch(manager: JetStreamManager, endMs: number): Promise<StreamInfo[]> {
  try {
    return await Array.fromAsync(manager.streams.list(`${SCRATCH_SUBJECTS}.>`));
  } catch (error) {
    if (performance.now() >= endMs) throw error;
    await delay(RETRY_MS);
    return listScratch(manager, endMs);
  }
}

/** Scratch streams over a connection of their own. */
export async function openScratch(admin: ConnectionSpec, replicas: number): Promise<Scratch> {
  const run = randomBytes(3).toString("hex");
  const made = new Map<string, ScratchStream>();
  // One for the whole run: a bus without room is not waited for again and again.
  const patience = { leftMs: PATIENCE_MS };
  const remove = async ({ name }: ScratchStream): Promise<void> => {
    await withManager(admin, (manager) => manager.streams.delete(name)).catch(ignoreMissing);
    made.delete(name);
  };
  return {
    run,
    remove,
    async stream(label, settings = {}) {
      const stream = { name: `${SCRATCH_PREFIX}${run}_${label}`, subject: `${SCRATCH_SUBJECTS}.${run}.${label}` };
      made.set(stream.name, stream);
      await withManager(admin, (manager) => addStream(manager, { ...defaults(stream, replicas), ...settings }, patience));
      return stream;
    },
    async close(waitMs = 0) {
      const endMs = performance.now() + waitMs;
      do {
        for (const stream of [...made.values()]) await remove(stream).catch(() => delay(Math.min(waitMs, RETRY_MS)));
      } while (made.size > 0 && performance.now() < endMs);
    },
  };
}

async function addStream(
  manager: JetStreamManager,
  config: Pick<StreamConfig, "name"> & Partial<StreamConfig>,
  patience: { leftMs: number },
): Promise<void> {
  try {
    await manager.streams.add(config);
  } catch (error) {
    const code = error instanceof JetStreamApiError ? error.code : undefined;
    if (code === LIMIT_REQUIRED && config.max_bytes === undefined) return addStream(manager, { ...config, max_bytes: MAX_BYTES }, patience);
    if (code !== NO_PLACE || patience.leftMs <= 0) throw error;
    patience.leftMs -= RETRY_MS;
    await delay(RETRY_MS);
    return addStream(manager, config, patience);
  }
}

function defaults({ name, subject }: ScratchStream, replicas: number): Pick<StreamConfig, "name"> & Partial<StreamConfig> {
  return {
    name,
    subjects: [`${subject}.>`],
    num_replicas: replicas,
    max_age: MAX_AGE_NS,
    description: "natsbus verify; removed at its end",
    metadata: { [OWNER_KEY]: JSON.stringify({ host: hostname(), pid: process.pid } satisfies Owner) },
  };
}

async function withManager<T>(admin: ConnectionSpec, work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
  const connection = await connectAsUser(admin);
  try {
    return await work(await jetstreamManager(connection, { checkAPI: false, timeout: 10_000 }));
  } finally {
    await connection.close().catch(() => undefined);
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error) || !/not found/i.test(error.message)) throw error;
}

function parseOwner(text: string | undefined): Owner | undefined {
  try {
    const owner = JSON.parse(text ?? "") as Partial<Owner>;
    return typeof owner.host === "string" && typeof owner.pid === "number" ? { host: owner.host, pid: owner.pid } : undefined;
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
