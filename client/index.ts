/** What applications import as `natsbus/client`. */
export { BusError, isBusError } from "../core/errors.ts";
export type { ConsumeArgs } from "./consume-args.ts";
export type { DeadLetter } from "./dead-letter.ts";
export type { HeaderRecord, RejectReason } from "./headers.ts";
export type { ClientArgs, ConnectArgs, PublishArgs } from "./message-bus.ts";
export { MessageBus } from "./message-bus.ts";
export type { MetricsSnapshot } from "./metrics.ts";
export { PRIORITIES, type Priority } from "./priority.ts";
export type { PublishingArgs, PublishReceipt } from "./publisher.ts";
export type { DeadLetterArgs, RedriveReceipt } from "./redrive.ts";
export type { ReplayArgs, ReplayedMessage } from "./replay.ts";
export { type ReceivedMessage, type Route, route } from "./route.ts";
export { defineSubject, type Subject, type SubjectArgs } from "./subject.ts";
export type { VerificationArgs } from "./verifier.ts";
export type { Worker } from "./worker.ts";
