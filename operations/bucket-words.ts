/** Buckets and stores are streams; people know them under their own names. Pure. */
import { KEY_VALUE_FIELDS, OBJECT_STORE_FIELDS } from "../streams/bucket.ts";
import type { FieldTable } from "../streams/field.ts";
import { STREAM_FIELDS } from "../streams/fields.ts";

/** What kind of object it is, in words. */
export type Noun = "stream" | "consumer" | "key-value bucket" | "object store";

const TABLES: Partial<Readonly<Record<Noun, FieldTable>>> = { "key-value bucket": KEY_VALUE_FIELDS, "object store": OBJECT_STORE_FIELDS };

/** The setting of a bucket behind a field of its stream; the field's own name where the bucket has no word for it, and for everything else. */
export function settingName(noun: Noun, key: string): string {
  const table = TABLES[noun];
  if (table === undefined || !(key in STREAM_FIELDS)) return key;
  const { wire } = STREAM_FIELDS[key as keyof typeof STREAM_FIELDS];
  return Object.entries(table).find(([, field]) => field.wire === wire)?.[0] ?? key;
}

/** What a stream is, by its name and subjects, and what it is called as such. */
export function nounOfStream(stream: string, subjects: unknown): { readonly noun: Noun; readonly name: string } {
  const listed = Array.isArray(subjects) ? subjects.map(String) : [];
  const [, kind, bucket = ""] = /^(KV|OBJ)_([A-Za-z0-9_-]+)$/.exec(stream) ?? [];
  if (kind === "KV" && listed.includes(`$KV.${bucket}.>`)) return { noun: "key-value bucket", name: bucket };
  if (kind === "OBJ" && listed.includes(`$O.${bucket}.C.>`)) return { noun: "object store", name: bucket };
  return { noun: "stream", name: stream };
}
