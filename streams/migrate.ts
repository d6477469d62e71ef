/**
 * Gives a stream settings that a server cannot change in place, and loses nothing: the stream stops taking messages, is copied under a temporary name with the new
 * settings, the copy is compared with it, and only then is it deleted and made anew from the copy, which goes last. Every step can be interrupted: the marks in the
 * metadata of both streams say how far it came, and the next run goes on from there.
 */
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { BusError, isBusError } from "../core/errors.ts";
import { progress } from "../core/progress.ts";
import { copyName, fenced, type MigrationMark, readMark, withMark } from "./migration-mark.ts";
import type { StreamInfo, StreamPort } from "./port.ts";
import { differenceOf, proofOf } from "./proof.ts";
import { isServerMade, type WireConfig } from "./wire.ts";

const PAUSE_MS = 24 * 3_600_000;
const ATTEMPTS = 3;
const PROOF_MS = 15_000;
const PROOF_POLL_MS = 100;
const MOST_STEPS = 20;

/** Begins the migration of a stream to this configuration and brings it to its end. */
export async function migrateStream(port: StreamPort, name: string, target: WireConfig): Promise<void> {
  const stream = await port.readStream(name);
  if (stream === undefined) throw vanished(name);
  if ((await port.readStream(copyName(name))) !== undefined) throw conflict(name, `a stream ${copyName(name)} is in the way`);
  const { consumers, unknown } = await port.listConsumers(name);
  if (unknown.length > 0) throw silent(name, unknown);
  const own = consumers.filter(({ config }) => !isServerMade(config) && config["durable_name"] !== undefined);
  const pauses = Object.fromEntries(own.map(({ config }) => [String(config["durable_name"]), String(config["pause_until"] ?? "")]));
  const before = { subjects: stream.config["subjects"], sources: stream.config["sources"] };
  const mark: MigrationMark = { id: randomUUID(), phase: "fenced", target, before, pauses };
  progress(`stream ${name}: migration: it takes no messages until it is done`);
  await port.updateStream({ config: withMark(fenced(stream.config), mark), level: 0 });
  await resumeMigration(port, name);
}

/**
 * Goes on with a migration that was begun; does nothing when there is none.
 * @returns whether there was one
 */
export async function resumeMigration(port: StreamPort, name: string): Promise<boolean> {
  for (let steps = 0; steps < MOST_STEPS; steps++) {
    const at = await observeMigration(port, name);
    if (at === undefined) return steps > 0;
    await takeStep(port, at);
  }
  throw conflict(name, "it keeps changing while it is migrated");
}

interface Place {
  readonly name: string;
  readonly mark: MigrationMark;
  /** The stream; `undefined` between its deletion and its return. */
  readonly stream: StreamInfo | undefined;
  readonly streamMark: MigrationMark | undefined;
  /** Its copy. */
  readonly copy: StreamInfo | undefined;
  readonly copyMark: MigrationMark | undefined;
}

async function observeMigration(port: StreamPort, name: string): Promise<Place | undefined> {
  const [stream, copy] = await Promise.all([port.readStream(name), port.readStream(copyName(name))]);
  const [streamMark, copyMark] = [readMark(stream?.config), readMark(copy?.config)];
  const mark = streamMark ?? copyMark;
  if (mark === undefined) return undefined;
  if (copy !== undefined && copyMark === undefined) throw conflict(name, `a stream ${copyName(name)} is in the way`);
  if (stream !== undefined && copyMark?.phase === "proven" && streamMark?.id !== copyMark.id)
    throw conflict(name, `somebody made it while it was away; what it held is in ${copyName(name)}`);
  return { name, mark, stream, streamMark, copy, copyMark };
}

/** One step, chosen by the marks alone. */
async function takeStep(port: StreamPort, at: Place): Promise<void> {
  const { streamMark, copyMark } = at;
  if (copyMark?.phase === "proven") {
    if (streamMark?.phase === "fenced") return await deleteOriginal(port, at);
    return streamMark?.phase === "done" ? await finish(port, at) : await makeAnew(port, at);
  }
  if (streamMark?.phase === "fenced") return await makeCopy(port, at);
  if (streamMark?.phase === "done") return await finish(port, at);
  // A copy that was never proven, beside no stream or one that has nothing to do with it.
  throw conflict(at.name, `the unproven copy ${copyName(at.name)} is left without its stream`);
}

async function makeCopy(port: StreamPort, { name, mark, copy }: Place): Promise<void> {
  try {
    if (copy !== undefined) await port.deleteStream(copyName(name));
    for (const consumer of Object.keys(mark.pauses))
      await port.pauseConsumer(name, consumer, new Date(Date.now() + PAUSE_MS).toISOString());
    progress(`stream ${name}: migration: copying to ${copyName(name)}`);
    const config = withMark(fenced({ ...mark.target, name: copyName(name) }), { ...mark, phase: "copying" });
    await copyProven(port, { from: name, config });
    progress(`stream ${name}: migration: the copy is proven`);
    await port.updateStream({ config: withMark(config, { ...mark, phase: "proven" }), level: 0 });
  } catch (error) {
    if (isBusError(error) && error.code !== "ERR_JETSTREAM_TIMEOUT" && error.code !== "ERR_JETSTREAM_LEADER")
      await takeBack(port, { name, mark });
    throw error;
  }
}

async function deleteOriginal(port: StreamPort, { name, mark }: Place): Promise<void> {
  const difference = differenceOf(await proofOf(port, name), await proofOf(port, copyName(name)));
  if (difference !== undefined) {
    const { config } = (await port.readStream(copyName(name))) as StreamInfo;
    await port.updateStream({ config: withMark(config, { ...mark, phase: "copying" }), level: 0 });
    return progress(`stream ${name}: migration: it changed after it was copied (${difference}); copying again`);
  }
  progress(`stream ${name}: migration: replacing the stream by its copy`);
  await port.deleteStream(name);
}

async function makeAnew(port: StreamPort, { name, mark, stream }: Place): Promise<void> {
  if (stream !== undefined) await port.deleteStream(name);
  progress(`stream ${name}: migration: making it anew from the proven copy`);
  const config = withMark(fenced({ ...mark.target, name }), { ...mark, phase: "restoring" });
  await copyProven(port, { from: copyName(name), config });
  await port.updateStream({ config: withMark({ ...mark.target, name }, { ...mark, phase: "done" }), level: 0 });
}

async function finish(port: StreamPort, { name, mark, stream, copy }: Place): Promise<void> {
  for (const [consumer, until] of Object.entries(mark.pauses)) await port.pauseConsumer(name, consumer, until);
  if (copy !== undefined) await port.deleteStream(copyName(name));
  await port.updateStream({ config: withMark((stream as StreamInfo).config, undefined), level: 0 });
  progress(`stream ${name}: migration: done`);
}

/** Gives a fenced stream its subjects back: nothing has happened to it. */
async function takeBack(port: StreamPort, { name, mark }: Pick<Place, "name" | "mark">): Promise<void> {
  const stream = await port.readStream(name);
  if (stream === undefined || readMark(stream.config)?.phase !== "fenced") return;
  await port.deleteStream(copyName(name));
  await port.updateStream({ config: withMark({ ...stream.config, ...mark.before }, undefined), level: 0 });
  for (const [consumer, until] of Object.entries(mark.pauses)) await port.pauseConsumer(name, consumer, until);
}

/** Copies, and compares what came out with what went in; a copy that is not the same is thrown away and made again. */
async function copyProven(port: StreamPort, { from, config }: { readonly from: string; readonly config: WireConfig }): Promise<void> {
  const to = String(config["name"]);
  for (let attempt = 1; ; attempt++) {
    await port.copyStream(from, config);
    const difference = await waitForProof(port, from, to);
    if (difference === undefined) return;
    await port.deleteStream(to);
    if (attempt === ATTEMPTS) {
      throw new BusError("ERR_STREAM_MIGRATION", `stream ${from}: its copy ${to} does not hold the same: ${difference}`, {
        path: "replacePolicy",
        remedy: "nothing is lost and the original is kept; make sure that nobody writes to the stream, then run again",
      });
    }
  }
}

/** Messages may expire on both sides while they are compared, and replicas need a moment. */
async function waitForProof(port: StreamPort, from: string, to: string): Promise<string | undefined> {
  const until = performance.now() + PROOF_MS;
  for (;;) {
    const difference = differenceOf(await proofOf(port, from), await proofOf(port, to));
    if (difference === undefined || performance.now() > until) return difference;
    await delay(PROOF_POLL_MS);
  }
}

function conflict(name: string, why: string): BusError {
  return new BusError("ERR_STREAM_MIGRATION", `stream ${name} is being migrated, but ${why}`, {
    path: "replacePolicy",
    remedy: `nothing is deleted; look at both streams, and delete the one that is not wanted by hand`,
  });
}

function vanished(name: string): BusError {
  return new BusError("ERR_STREAM_CONFLICT", `stream ${name}: it was deleted meanwhile`, { remedy: "run again" });
}

function silent(name: string, consumers: readonly string[]): BusError {
  return new BusError("ERR_STREAM_OFFLINE", `stream ${name}: the servers of its consumers ${consumers.join(", ")} do not answer`, {
    remedy: "bring the servers back; the stream was not touched",
  });
}
