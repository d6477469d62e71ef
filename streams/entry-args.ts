/** What a person writes for what lies in a bucket or a store. */

/** What natsbus may do to an entry or an object. */
export interface EntryPolicyArgs {
  /** Whether removing the resource deletes it (`delete`) or leaves it (`retain`).
   * @default "retain" */
  readonly deletionPolicy?: "retain" | "delete";
  /** Whether one that is there with another value, and that this resource did not write, may be overwritten.
   * @default "never"
   * @throws ERR_STREAM_FOREIGN when there is one and it may not */
  readonly adoptionPolicy?: "never" | "adopt";
}

/** An entry of a key-value bucket. */
export interface KeyValueEntryArgs extends EntryPolicyArgs {
  /** Bucket it lies in. */
  readonly bucket: string;
  /** Its key: letters, digits and `-_/=.`, no dot at the ends. */
  readonly key: string;
  /** Its value. What it was before stays in the bucket's history as far as that goes. */
  readonly value: string;
}

/** An object of an object store, from a text or a file. */
export interface ObjectEntryArgs extends EntryPolicyArgs {
  /** Store it lies in. */
  readonly bucket: string;
  /** Its name. */
  readonly name: string;
  /** What it holds, as text; excludes `file`.
   * @default - the file's content */
  readonly content?: string;
  /** File that holds its content, relative to the project; excludes `content`. The state keeps a digest of it only.
   * @default - `content` */
  readonly file?: string;
  /** What it is for. @default "" */
  readonly description?: string;
}
