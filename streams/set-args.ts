/** What a person writes for many streams, or many consumers, that are one resource. */
import type { StreamArgs } from "./args.ts";
import type { ConsumerArgs } from "./consumer-args.ts";

/** Many streams as one resource: one list of what is there, only what differs is written, many requests at a time. */
export interface StreamSetArgs {
  /** Map keyed by stream name. An entry that goes is treated by the `deletionPolicy` it had in the last `up`. */
  readonly streams: Readonly<Record<string, Omit<StreamArgs, "name">>>;
  /** Settings and policies of every stream that does not say otherwise.
   * @default {} */
  readonly defaults?: Omit<StreamArgs, "name" | "subjects">;
}

/** Many durable consumers as one resource. */
export interface ConsumerSetArgs {
  /** Map keyed by `STREAM/NAME`. An entry that goes is treated by the `deletionPolicy` it had in the last `up`. */
  readonly consumers: Readonly<Record<string, Omit<ConsumerArgs, "stream" | "name">>>;
  /** Settings and policies of every consumer that does not say otherwise.
   * @default {} */
  readonly defaults?: Omit<ConsumerArgs, "stream" | "name">;
}
