/** Describes what a cluster holds as a catalogue would declare it: only settings that are not their default, consumers within their streams. Pure. */
import { isBusError } from "../core/errors.ts";
import { type Observed, observedConsumer, observedStream } from "../streams/asset.ts";
import { CONSUMER_FIELDS } from "../streams/consumer-fields.ts";
import { diffSpecs, renderChange } from "../streams/diff.ts";
import type { FieldTable } from "../streams/field.ts";
import { STREAM_FIELDS, type StreamSpec } from "../streams/fields.ts";
import { consumerDialect, type Dialect, keyValueDialect, objectStoreDialect, streamDialect } from "../streams/spec.ts";
import { type Noun, nounOfStream } from "./bucket-words.ts";
import type { LiveBus } from "./live-bus.ts";

/** Settings as a person would write them. */
export type Settings = Readonly<Record<string, unknown>>;

/** Something about an object that its settings do not say. */
export interface Note {
  /** What it is. */
  readonly noun: Noun;
  /** Its name; `STREAM/NAME` for a consumer. */
  readonly name: string;
  /** What there is to know. */
  readonly text: string;
  /** Whether the object is not in the catalogue because of that. */
  readonly leftOut: boolean;
}

/** A cluster in the words of a catalogue. */
export interface DescribedBus {
  /** Map keyed by stream name: its settings, with its consumers by name under `consumers`. */
  readonly streams: Readonly<Record<string, Settings>>;
  /** Map keyed by bucket name. */
  readonly keyValue: Readonly<Record<string, Settings>>;
  /** Map keyed by store name. */
  readonly objectStores: Readonly<Record<string, Settings>>;
  /** What the settings do not say. */
  readonly notes: readonly Note[];
}

/** What makes the next `up` take over what is there. */
const ADOPT = { adoptionPolicy: "adopt" } as const;
/** The stack decides what it is when it is not written. */
const ALWAYS = ["replicas"];

/** Describes everything; what cannot be written exactly is left out with a note, never written almost. */
export function describeBus(live: LiveBus): DescribedBus {
  const notes: Note[] = [...live.unknown].map((name) => ({
    noun: name.includes("/") ? "consumer" : "stream",
    name,
    text: "its servers do not answer",
    leftOut: true,
  }));
  const found = { streams: new Map<string, Settings>(), keyValue: new Map<string, Settings>(), objectStores: new Map<string, Settings>() };
  for (const [name, info] of sorted(live.streams)) {
    const seen = observedStream(info);
    const { noun, name: short } = nounOfStream(name, info.config["subjects"]);
    notes.push(...remarks({ noun, name: short }, seen));
    const consumers = describeConsumers(live, name, notes);
    const bucket = noun === "stream" ? undefined : describeBucket({ noun, name: short }, { seen, consumers, notes });
    if (bucket !== undefined) found[noun === "object store" ? "objectStores" : "keyValue"].set(short, bucket);
    else addStream({ name, seen, consumers, notes, into: found.streams });
  }
  return {
    streams: Object.fromEntries(found.streams),
    keyValue: Object.fromEntries(found.keyValue),
    objectStores: Object.fromEntries(found.objectStores),
    notes,
  };
}

interface Addition {
  readonly name: string;
  readonly seen: Observed<StreamSpec>;
  readonly consumers: Settings | undefined;
  readonly notes: Note[];
  readonly into: Map<string, Settings>;
}

function addStream({ name, seen, consumers, notes, into }: Addition): void {
  const written = exactSettings({ dialect: streamDialect, table: STREAM_FIELDS, identity: { name } }, seen.spec);
  if ("inexact" in written) notes.push({ noun: "stream", name, text: written.inexact, leftOut: true });
  else into.set(name, { ...written.settings, ...ADOPT, ...(consumers === undefined ? {} : { consumers }) });
}

interface Bucket {
  readonly seen: Observed<StreamSpec>;
  readonly consumers: Settings | undefined;
  readonly notes: Note[];
}

/** The bucket's settings; `undefined` when the stream is more than they can say. */
function describeBucket(at: { noun: Noun; name: string }, { seen, consumers, notes }: Bucket): Settings | undefined {
  const dialect: Dialect<object, StreamSpec> = at.noun === "object store" ? objectStoreDialect : keyValueDialect;
  const written = exactSettings({ dialect, table: STREAM_FIELDS, identity: { bucket: at.name } }, seen.spec);
  if ("settings" in written && consumers === undefined) return { ...written.settings, ...ADOPT };
  const why = "settings" in written ? "a bucket has no place for its consumers" : written.inexact;
  notes.push({ ...at, text: `it is described as the stream ${seen.spec.name}, because ${why}`, leftOut: false });
  return undefined;
}

function describeConsumers(live: LiveBus, stream: string, notes: Note[]): Settings | undefined {
  const own = sorted(live.consumers).filter(([, one]) => one.stream === stream);
  const described = own.flatMap(([key, { info }]): [string, Settings][] => {
    const seen = observedConsumer(info, stream);
    const identity = { stream, name: seen.spec.name };
    const written = exactSettings({ dialect: consumerDialect, table: CONSUMER_FIELDS, identity }, seen.spec);
    notes.push(...remarks({ noun: "consumer", name: key }, seen));
    if ("settings" in written) return [[seen.spec.name, { ...written.settings, ...ADOPT }]];
    notes.push({ noun: "consumer", name: key, text: written.inexact, leftOut: true });
    return [];
  });
  return described.length === 0 ? undefined : Object.fromEntries(described);
}

/** Whose it is, and what only a newer natsbus could say. */
function remarks(at: { noun: Noun; name: string }, { owner, unknown }: Observed<object>): Note[] {
  const unread = Object.keys(unknown);
  return [
    ...(owner === undefined ? [] : [{ ...at, text: `it belongs to ${owner}, from which adopting takes it`, leftOut: false }]),
    ...(unread.length === 0
      ? []
      : [{ ...at, text: `this natsbus does not know ${unread.join(", ")}; its updates keep them`, leftOut: false }]),
  ];
}

interface Language<S extends object> {
  readonly dialect: Dialect<object, S>;
  readonly table: FieldTable;
  readonly identity: Settings;
}

/** The fewest settings that are read back as exactly this value, or why there are none. */
function exactSettings<S extends object>({ dialect, table, identity }: Language<S>, spec: S): { settings: Settings } | { inexact: string } {
  const departures = (settings: Settings): string[] => {
    const read = dialect.parse({ ...settings, ...identity }, dialect.noun);
    const problems = read.problems.map(({ path, message }) => `${path.slice(dialect.noun.length + 1)}: ${message}`);
    return [...problems, ...diffSpecs(table, spec, read.value).fields.map(renderChange)];
  };
  try {
    const all = Object.entries(dialect.render(spec)).filter(([key]) => !(key in identity));
    const inexact = departures(Object.fromEntries(all));
    if (inexact.length > 0) return { inexact: `its settings would be read otherwise: ${inexact.join(", ")}` };
    let settings: Settings = Object.fromEntries(all);
    for (const [key] of all.filter(([one]) => !ALWAYS.includes(one))) {
      const { [key]: _dropped, ...fewer } = settings;
      if (departures(fewer).length === 0) settings = fewer;
    }
    return { settings };
  } catch (error) {
    if (!isBusError(error)) throw error;
    return { inexact: `a value cannot be written: ${error.message}` };
  }
}

function sorted<T>(map: ReadonlyMap<string, T>): [string, T][] {
  return [...map].toSorted(([a], [b]) => (a < b ? -1 : 1));
}
