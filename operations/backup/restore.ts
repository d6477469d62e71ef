/** Brings streams back from a backup. Never touches one that exists. */
import { setTimeout as delay } from "node:timers/promises";
import { openConnection } from "../../connection/pool.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import { BusError, isBusError } from "../../core/errors.ts";
import { consumerAt } from "../../streams/consumer-move.ts";
import { apiPrefixOf, openStreamPort } from "../../streams/nats-port.ts";
import { openRestore, type StreamPlace } from "../../streams/nats-port-snapshot.ts";
import type { StreamInfo, StreamPort } from "../../streams/port.ts";
import { proofOf } from "../../streams/proof.ts";
import { OWNER_KEY, type WireConfig, withoutKeys } from "../../streams/wire.ts";
import { until } from "./backup.ts";
import { archiveOf, assertWhole, readDescription, readManifest } from "./folder.ts";
import type { SavedConsumer, SavedStream } from "./manifest.ts";
import { type Verdict, verdictOn } from "./proof.ts";

const PROOF_MS = 30_000;
const NOTE_MS = 3_000;
const PROOF_POLL_MS = 100;

/** What to bring back. */
export interface RestoreRequest {
  /** A user that may use the JetStream API of the account. */
  readonly connection: ConnectionSpec;
  /** Folder of the backup. */
  readonly directory: string;
  /** Names of the streams.
   * @default - all that are in the backup */
  readonly streams?: readonly string[];
  /** Another name, and other subjects, for the one stream.
   * @default - those of the backup */
  readonly as?: Renamed;
  /** Only say what would be done.
   * @default false */
  readonly dryRun?: boolean;
  /** Hears of each stream that is done. */
  readonly onStream?: (stream: RestoredStream) => void;
  /** Ends it; what is half restored is removed.
   * @default - never */
  readonly signal?: AbortSignal;
}

/** Another name for a stream. */
export interface Renamed {
  readonly name: string;
  /** @default - those of the backup */
  readonly subjects?: readonly string[];
}

/** What became of a stream. */
export interface RestoredStream extends Verdict {
  /** Name of the restored stream. */
  readonly name: string;
  /** Messages in the backup. */
  readonly messages: number;
  /** Names of consumers that the archive lacks, made anew behind what was acknowledged. */
  readonly madeAnew: readonly string[];
  /** Why it was not restored, and what became of it.
   * @default - it was restored */
  readonly failure?: string;
}

interface Target {
  readonly saved: SavedStream;
  readonly config: WireConfig;
  readonly state: WireConfig;
}

/**
 * Restores streams and proves what they hold. One that fails is removed as far as it was made, and the others go on.
 * @throws before anything is touched: ERR_BACKUP_DAMAGED, ERR_RESTORE_EXISTS, ERR_STREAM_MISSING for a name that is not in the backup, what connecting and listing throw
 */
export async function restoreStreams(request: RestoreRequest): Promise<readonly RestoredStream[]> {
  const targets = await readTargets(request);
  const port = await openStreamPort(request.connection);
  await assertAbsent(port, targets);
  if (request.dryRun === true) return targets.map((target) => planned(target));
  const done: RestoredStream[] = [];
  for (const target of targets) {
    const result = await tryRestore(port, target, request);
    done.push(result);
    request.onStream?.(result);
  }
  return done;
}

async function readTargets({ directory, streams, as }: RestoreRequest): Promise<readonly Target[]> {
  const manifest = await readManifest(directory);
  const absent = streams?.filter((name) => !manifest.streams.some((one) => one.name === name)) ?? [];
  if (absent.length > 0)
    throw new BusError("ERR_STREAM_MISSING", `the backup holds no stream ${absent.join(", ")}`, {
      remedy: `it holds ${manifest.streams.map(({ name }) => name).join(", ") || "none"}`,
    });
  const chosen = manifest.streams.filter(({ name }) => streams?.includes(name) !== false);
  await assertWhole(directory, chosen);
  return await Promise.all(
    chosen.map(async (saved) => {
      const { config, state } = await readDescription(directory, saved.name);
      return { saved, state, config: as === undefined ? config : renamed(config, as) };
    }),
  );
}

/** A stream beside another one is nobody's yet. */
function renamed(config: WireConfig, { name, subjects }: Renamed): WireConfig {
  const metadata = withoutKeys((config["metadata"] ?? {}) as WireConfig, [OWNER_KEY]);
  return { ...config, name, metadata, ...(subjects === undefined ? {} : { subjects }) };
}

async function assertAbsent(port: StreamPort, targets: readonly Target[]): Promise<void> {
  const names = targets.map(({ config }) => String(config["name"]));
  const there = await Promise.all(names.map(async (name) => ((await port.readStream(name)) === undefined ? [] : [name])));
  if (there.flat().length === 0) return;
  throw new BusError("ERR_RESTORE_EXISTS", `there is a stream ${there.flat().join(", ")} already; nothing was touched`, {
    remedy: "leave it out with --stream, restore beside it with --as, or delete it yourself if it is not wanted",
  });
}

function planned({ saved, config }: Target): RestoredStream {
  const madeAnew = lacking(saved).map(({ name }) => name);
  return { name: String(config["name"]), messages: saved.messages, madeAnew, differences: [], notes: [] };
}

function lacking({ consumers }: SavedStream): readonly SavedConsumer[] {
  return consumers.filter(({ archived }) => !archived);
}

async function tryRestore(port: StreamPort, target: Target, request: RestoreRequest): Promise<RestoredStream> {
  const plan = planned(target);
  try {
    await restore(port, target, request);
    for (const consumer of lacking(target.saved)) await makeAnew(port, target.config, consumer);
    return { ...plan, ...(await waitForVerdict(port, target)) };
  } catch (error) {
    if (!isBusError(error) || error.code === "ERR_INTERRUPTED") throw error;
    return { ...plan, failure: [error.message, ...(error.remedy === undefined ? [] : [error.remedy])].join("; ") };
  }
}

async function restore(port: StreamPort, { saved, config, state }: Target, request: RestoreRequest): Promise<void> {
  const name = String(config["name"]);
  const { connection: spec, directory, signal } = request;
  const place: StreamPlace = {
    connection: await openConnection(spec),
    prefix: apiPrefixOf(spec),
    what: `restore of stream ${name}`,
    remedy: "run again",
  };
  const writer = await openRestore(place, { config, state });
  try {
    for await (const piece of until(signal, archiveOf(directory, saved.name))) await writer.write(piece);
    await writer.end();
  } catch (error) {
    await writer.abandon();
    throw await withoutRemains(port, name, error);
  }
}

/** A server that gives a restore up leaves behind what it had read. */
async function withoutRemains(port: StreamPort, name: string, error: unknown): Promise<unknown> {
  if (!isBusError(error)) return error;
  const { code, message, remedy = "run again" } = error;
  const [told, todo] = await removeRemains(port, name).catch(() => UNSURE);
  return new BusError(code, `${message}; ${told}`, { remedy: todo ?? remedy, cause: error });
}

const UNSURE = ["a part of it may be left behind", "look at the stream, and delete it before you restore it again"] as const;

/** The name may stay taken although there is no stream to be seen. */
async function removeRemains(port: StreamPort, name: string): Promise<readonly [told: string, todo?: string]> {
  const remains = await port.readStream(name);
  if (remains !== undefined && !isPartial(remains)) return UNSURE;
  await port.deleteStream(name);
  return [`what was restored of it, ${remains?.messages ?? 0} messages, was removed`];
}

/** Messages older than their stream were restored; a stream that somebody else made meanwhile has none. */
function isPartial({ messages, consumers, firstTime, created }: StreamInfo): boolean {
  return messages === 0 ? consumers === 0 : Date.parse(firstTime) < Date.parse(created);
}

/** Work queues take no other start than their beginning, where everything acknowledged is gone anyway. */
async function makeAnew(port: StreamPort, stream: WireConfig, { ackFloor, config }: SavedConsumer): Promise<void> {
  const start = stream["retention"] === "workqueue" ? config : consumerAt(config, ackFloor + 1);
  await port.createConsumer(String(stream["name"]), { config: start, level: 0 });
}

/** Replicas and consumers need a moment; what is only to be noted is not waited for as long as what would be lost. */
async function waitForVerdict(port: StreamPort, { saved, config }: Target): Promise<Verdict> {
  const began = performance.now();
  for (;;) {
    const verdict = verdictOn(saved, config, await proofOf(port, String(config["name"])));
    const wait = verdict.differences.length > 0 ? PROOF_MS : verdict.notes.length > 0 ? NOTE_MS : 0;
    if (performance.now() - began >= wait) return verdict;
    await delay(PROOF_POLL_MS);
  }
}
