/** The calls on buckets and stores that reconciling what lies in them needs. */

/** An entry of a key-value bucket as it is. */
export interface EntryInfo {
  /** Its value. */
  readonly value: string;
  /** Sequence of its last write. */
  readonly revision: number;
  /** Resource that wrote it last.
   * @default - nobody known */
  readonly owner?: string;
}

/** An object as it is. */
export interface ObjectInfo {
  /** Digest of its content: `SHA-256=` and base64url. */
  readonly digest: string;
  /** Bytes. */
  readonly size: number;
  /** What it is for. */
  readonly description: string;
  /** Resource that wrote it last.
   * @default - nobody known */
  readonly owner?: string;
}

/** An entry to write. */
export interface EntryWrite {
  readonly bucket: string;
  readonly key: string;
  readonly value: string;
  /** Marker to write. */
  readonly owner: string;
  /** Revision that must be the last one; 0 when there must be none. */
  readonly expected: number;
}

/** An object to write. */
export interface ObjectWrite {
  readonly bucket: string;
  readonly name: string;
  readonly content: Uint8Array;
  readonly description: string;
  /** Marker to write. */
  readonly owner: string;
}

/** Entries and objects of one account. Calls throw ERR_STREAM_MISSING when the bucket does not exist. */
export interface EntryPort {
  /** The entry, `undefined` when there is none; `revision` is the last one of its key also when it was deleted, 0 when there never was one. */
  readEntry(bucket: string, key: string): Promise<{ readonly info: EntryInfo | undefined; readonly revision: number }>;
  /** Writes an entry and answers its revision.
   * @throws ERR_STREAM_CONFLICT when it was written meanwhile */
  writeEntry(write: EntryWrite): Promise<number>;
  /** Deletes an entry; its history stays. */
  deleteEntry(bucket: string, key: string): Promise<void>;
  /** The object, `undefined` when there is none. */
  readObject(bucket: string, name: string): Promise<ObjectInfo | undefined>;
  /** Writes an object; readers see the old one until it is complete. */
  writeObject(write: ObjectWrite): Promise<void>;
  /** Deletes an object with its content. */
  deleteObject(bucket: string, name: string): Promise<void>;
}
