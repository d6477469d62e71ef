/** What the server makes of a configuration by itself, done beforehand, so that wanted and actual values compare equal. Applying it twice changes nothing. */
import { CONSUMER_FIELDS, type ConsumerSpec } from "./consumer-fields.ts";
import type { StreamSpec } from "./fields.ts";
import { defaultWindow } from "./window.ts";

/** The stream as a server would answer it: defaults that depend on other fields, and what some fields force on others. */
export function normaliseStream(spec: StreamSpec): StreamSpec {
  const copies = spec.mirror !== undefined || spec.sources.length > 0;
  const marked = spec.subjectDeleteMarkerTtl > 0;
  const filled: StreamSpec = {
    ...spec,
    subjects: spec.subjects.length === 0 && !copies ? [spec.name] : spec.subjects,
    duplicateWindow: spec.duplicateWindow === 0 && !copies ? defaultWindow(spec) : spec.duplicateWindow,
    placement: spec.placement?.cluster === "" && spec.placement.tags.length === 0 ? undefined : spec.placement,
    republish: spec.republish?.src === "" ? { ...spec.republish, src: ">" } : spec.republish,
    mirrorDirect: spec.mirror !== undefined && spec.mirrorDirect,
    allowMsgTtl: spec.allowMsgTtl || marked,
    allowRollup: spec.allowRollup || marked || spec.allowMsgSchedules,
  };
  return spec.sealed
    ? { ...filled, ...SEALED, duplicateWindow: spec.duplicateWindow === 0 && !copies ? defaultWindow(SEALED) : spec.duplicateWindow }
    : filled;
}

/** The consumer as a server would answer it. */
export function normaliseConsumer(spec: ConsumerSpec): ConsumerSpec {
  const silent = spec.ackPolicy === "none";
  return {
    ...spec,
    ackWait: spec.backoff[0] ?? spec.ackWait,
    maxWaiting: spec.deliverSubject === "" ? spec.maxWaiting : 0,
    // Nothing is ever pending then, and the server leaves the field out.
    maxAckPending: silent ? CONSUMER_FIELDS.maxAckPending.kind.absent : spec.maxAckPending,
  };
}

const SEALED = { maxAge: 0, discard: "new", denyDelete: true, denyPurge: true, allowRollup: false } as const;
