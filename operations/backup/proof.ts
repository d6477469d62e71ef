/** Whether a restored stream holds what was saved. Pure. */
import type { StreamProof } from "../../streams/proof.ts";
import type { WireConfig } from "../../streams/wire.ts";
import type { Held, SavedConsumer, SavedStream } from "./manifest.ts";

/** What became of a restored stream. */
export interface Verdict {
  /** What is lost or wrong; empty when all is there. */
  readonly differences: readonly string[];
  /** What is otherwise and yet as it should be. */
  readonly notes: readonly string[];
}

/** Compares what a stream holds with what was saved of it. What happened while the backup was taken may be in it or not. */
export function verdictOn(saved: SavedStream, config: WireConfig, now: StreamProof): Verdict {
  const consumers = saved.consumers.map((one) => ofConsumer(one, now));
  const all = [...(now.missing === undefined ? [] : [lost(now.missing)]), ofLast(saved, now), ofMessages(saved, config, now), ...consumers];
  const said = all.filter((one) => one !== undefined);
  return {
    differences: said.filter(({ isLost }) => isLost).map(({ text }) => text),
    notes: said.filter(({ isLost }) => !isLost).map(({ text }) => text),
  };
}

interface Finding {
  readonly text: string;
  readonly isLost: boolean;
}

function lost(text: string): Finding {
  return { text, isLost: true };
}

function note(text: string): Finding {
  return { text, isLost: false };
}

function ofLast(saved: SavedStream, now: Held): Finding | undefined {
  if (now.lastSeq < saved.lastSeq) return lost(`its last sequence is ${now.lastSeq}, and ${saved.lastSeq} was saved`);
  const newest = Math.max(saved.lastSeq, saved.after.lastSeq);
  return now.lastSeq > newest ? note(`${now.lastSeq - newest} messages came since it was restored`) : undefined;
}

function ofMessages(saved: SavedStream, config: WireConfig, now: Held): Finding | undefined {
  const fewest = Math.min(saved.messages, saved.after.messages);
  const first = Math.max(saved.firstSeq, saved.after.firstSeq);
  const isLess = now.messages < fewest || (now.messages > 0 && saved.messages > 0 && now.firstSeq > first);
  if (!isLess) return undefined;
  const text = `it holds ${now.messages} messages from sequence ${now.firstSeq} on, and ${saved.messages} from ${saved.firstSeq} on were saved`;
  const why = reasonToHoldLess(config);
  return why === undefined ? lost(text) : note(`${text}; ${why}`);
}

/** Why a stream may rightly hold less than a moment ago. */
function reasonToHoldLess(config: WireConfig): string | undefined {
  if (Number(config["max_age"] ?? 0) > 0 || config["allow_msg_ttl"] === true) return "messages expire in it";
  const retention = config["retention"] ?? "limits";
  return retention === "limits" ? undefined : "consumers take messages out of it";
}

function ofConsumer({ name, ackFloor, ackFloorAfter, archived }: SavedConsumer, now: StreamProof): Finding | undefined {
  const floor = now.ackFloors[name];
  if (floor === undefined) return lost(`consumer ${name} is not there`);
  // One that was made anew has acknowledged nothing yet; its start says where it stands.
  if (!archived) return undefined;
  if (floor < ackFloor) return note(`consumer ${name} gets messages from ${floor + 1} on once more; ${ackFloor} was acknowledged`);
  // Behind messages that are gone there is nothing to acknowledge.
  const most = Math.max(ackFloor, ackFloorAfter, (now.messages === 0 ? now.lastSeq + 1 : now.firstSeq) - 1);
  return floor > most
    ? lost(`consumer ${name} stands at ${floor}, and ${ackFloorAfter} was saved; somebody may be reading already`)
    : undefined;
}
