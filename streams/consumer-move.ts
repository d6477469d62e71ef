/**
 * Makes a consumer anew where it stands. A second consumer holds its place meanwhile, so that a stream which keeps messages only for its consumers keeps them, and so
 * that the place is known after an interruption. What the consumer was declared to start with is kept in its metadata, since it now starts elsewhere.
 */
import { progress } from "../core/progress.ts";
import type { ConsumerSpec } from "./consumer-fields.ts";
import type { ConsumerInfo, StreamPort, WriteRequest } from "./port.ts";
import { type WireConfig, withoutKeys } from "./wire.ts";

const START_KEY = "natsbus.start";
const PLACE_KEY = "natsbus.place";
const START_FIELDS = ["deliver_policy", "opt_start_seq", "opt_start_time"];

/** Name, or key, of the consumer that holds the place of another one. */
export function placeName(name: string): string {
  return `${name}_natsbus_place`;
}

/** The configuration with the start it was declared with, and what an update must send instead. */
export function declaredStart(config: WireConfig): { readonly config: WireConfig; readonly kept?: WireConfig } {
  const text = metadataOf(config)[START_KEY];
  if (text === undefined) return { config };
  const start = Object.fromEntries(START_FIELDS.map((key) => [key, config[key]]));
  return {
    config: { ...config, ...absentStart(), ...(JSON.parse(text) as WireConfig) },
    kept: { ...start, metadata: { [START_KEY]: text } },
  };
}

/** A configuration with some fields put in place of its own. */
export function withKept(config: WireConfig, kept: WireConfig): WireConfig {
  const metadata = { ...metadataOf(config), ...metadataOf(kept) };
  return withoutUndefined({ ...config, ...kept, metadata });
}

/** Makes a consumer anew with this configuration, from the message behind the last one up to which all were acknowledged. */
export async function moveConsumer(port: StreamPort, { stream, name }: ConsumerSpec, request: WriteRequest): Promise<ConsumerInfo> {
  const retention = (await port.readStream(stream))?.config["retention"];
  // What was acknowledged is gone from a work queue, and it takes no second reader of the same messages.
  if (retention === "workqueue") {
    await port.deleteConsumer(stream, name);
    return await port.createConsumer(stream, request);
  }
  const old = await port.readConsumer(stream, name);
  if (old !== undefined) {
    await port.deleteConsumer(stream, placeName(name));
    await port.createConsumer(stream, { config: placeHolder(name, old), level: 0 });
    await port.deleteConsumer(stream, name);
  }
  return await takePlace(port, { stream, name }, request);
}

/**
 * Goes on with a move that was interrupted.
 * @returns whether there was one
 */
export async function resumeMove(port: StreamPort, { stream, name }: ConsumerSpec, request: WriteRequest): Promise<boolean> {
  const place = await port.readConsumer(stream, placeName(name));
  if (place === undefined || metadataOf(place.config)[PLACE_KEY] === undefined) return false;
  const consumer = await port.readConsumer(stream, name);
  if (consumer === undefined) await takePlace(port, { stream, name }, request);
  // Beside the old one it is out of date, beside the new one of no use.
  else await port.deleteConsumer(stream, placeName(name));
  return true;
}

async function takePlace(
  port: StreamPort,
  { stream, name }: Pick<ConsumerSpec, "stream" | "name">,
  request: WriteRequest,
): Promise<ConsumerInfo> {
  const place = await port.readConsumer(stream, placeName(name));
  const at = Number(place?.config["opt_start_seq"] ?? 1);
  progress(`consumer ${stream}/${name}: made anew at sequence ${at}`);
  const made = await port.createConsumer(stream, { ...request, config: consumerAt(request.config, at) });
  await port.deleteConsumer(stream, placeName(name));
  return made;
}

/** The configuration of a consumer that starts at a sequence, and that still tells the start it was declared with. */
export function consumerAt(config: WireConfig, sequence: number): WireConfig {
  const { config: own } = declaredStart(config);
  const declared = withoutUndefined(Object.fromEntries(START_FIELDS.map((key) => [key, own[key]])));
  return withKept(own, {
    ...absentStart(),
    deliver_policy: "by_start_sequence",
    opt_start_seq: sequence,
    metadata: { [START_KEY]: JSON.stringify(declared) },
  });
}

/** Reads nothing and acknowledges nothing: it only keeps messages from its start on. */
function placeHolder(name: string, { config, ackFloor }: ConsumerInfo): WireConfig {
  const filters = withoutUndefined({ filter_subject: config["filter_subject"], filter_subjects: config["filter_subjects"] });
  return {
    ...filters,
    durable_name: placeName(name),
    ack_policy: "explicit",
    deliver_policy: "by_start_sequence",
    opt_start_seq: ackFloor + 1,
    metadata: { [PLACE_KEY]: name },
  };
}

function absentStart(): WireConfig {
  return Object.fromEntries(START_FIELDS.map((key) => [key, undefined]));
}

function metadataOf(config: WireConfig): Readonly<Record<string, string>> {
  return (config["metadata"] ?? {}) as Readonly<Record<string, string>>;
}

function withoutUndefined(config: WireConfig): WireConfig {
  return withoutKeys(
    config,
    Object.keys(config).filter((key) => config[key] === undefined),
  );
}
