/** What of a described cluster a catalogue does not declare yet. Pure. */
import type { ResolvedCatalog } from "../streams/resolve.ts";
import type { DescribedBus, Note, Settings } from "./describe.ts";
import { consumerKey } from "./live-bus.ts";

/** The part of a described cluster that is not declared: a declared stream is in it with its undeclared consumers only, and with nothing when there are none. */
export function undeclared(described: DescribedBus, declared: ResolvedCatalog): DescribedBus {
  const streams = new Set([...declared.streams, ...declared.keyValue, ...declared.objectStores].map(({ spec }) => spec.name));
  const consumers = new Set(declared.consumers.map(({ spec }) => consumerKey(spec)));
  const further = Object.entries(described.streams).flatMap(([stream, { consumers: own, ...settings }]): [string, Settings][] => {
    const unseen = Object.entries((own ?? {}) as Settings).filter(([name]) => !consumers.has(consumerKey({ stream, name })));
    const rest = unseen.length === 0 ? {} : { consumers: Object.fromEntries(unseen) };
    if (!streams.has(stream)) return [[stream, { ...settings, ...rest }]];
    return unseen.length === 0 ? [] : [[stream, rest]];
  });
  return {
    streams: Object.fromEntries(further),
    keyValue: without(described.keyValue, (bucket) => streams.has(`KV_${bucket}`)),
    objectStores: without(described.objectStores, (bucket) => streams.has(`OBJ_${bucket}`)),
    notes: described.notes.filter((note) => !isOfDeclared(note, { streams, consumers })),
  };
}

/** Number of objects in it. */
export function countDescribed({ streams, keyValue, objectStores }: DescribedBus) {
  const ofStreams = Object.values(streams);
  return {
    streams: ofStreams.filter((settings) => "adoptionPolicy" in settings).length,
    consumers: ofStreams.reduce((sum, { consumers }) => sum + Object.keys((consumers as object | undefined) ?? {}).length, 0),
    keyValue: Object.keys(keyValue).length,
    objectStores: Object.keys(objectStores).length,
  };
}

interface Names {
  readonly streams: ReadonlySet<string>;
  readonly consumers: ReadonlySet<string>;
}

function isOfDeclared({ noun, name }: Note, { streams, consumers }: Names): boolean {
  if (noun === "consumer") return consumers.has(name);
  return streams.has(`${noun === "key-value bucket" ? "KV_" : noun === "object store" ? "OBJ_" : ""}${name}`);
}

function without(entries: Readonly<Record<string, Settings>>, leave: (name: string) => boolean): Record<string, Settings> {
  return Object.fromEntries(Object.entries(entries).filter(([name]) => !leave(name)));
}
