import { z } from "zod";
import { count, duration, name, size } from "../core/setting-kinds.ts";
import { sharingShape } from "./sharing-schema.ts";
import { permissionSubject, subject } from "./subject-schema.ts";

const LARGEST_COUNT = 2 ** 31 - 1;
const limit = (description: string) => count(description, 0, LARGEST_COUNT).optional();

const jetstream = z.strictObject({
  memory: size("Memory for memory streams over all replicas.").optional(),
  storage: size("Disk for file streams over all replicas.").optional(),
  streams: limit("Number of streams."),
  consumers: limit("Number of consumers."),
  maxAckPending: limit("Most unacknowledged messages a consumer may ask for."),
  memoryStream: size("Largest memory stream.").optional(),
  storageStream: size("Largest file stream.").optional(),
  maxBytesRequired: z.boolean().optional(),
});

// Not a union with the limits: the message of a failed union would not say which setting is wrong.
const tiered = jetstream.extend({
  tiers: z.record(z.string().regex(/^R[1-5]$/, { error: "is not a tier; allowed are R1 to R5" }), jetstream).optional(),
});

const limits = z.strictObject({
  connections: limit("Client connections on one server."),
  leafNodes: limit("Leaf node connections on one server."),
  subscriptions: limit("Subscriptions of one connection."),
  payload: size("Largest message.").optional(),
  data: size("Bytes in total.").optional(),
  imports: limit("Number of imports."),
  exports: limit("Number of exports."),
  wildcardExports: z.boolean().optional(),
  disallowBearer: z.boolean().optional(),
  jetstream: z.union([z.literal(false), tiered]).optional(),
});

const consume = z.strictObject({
  stream: name("stream", "Stream name."),
  consumer: name("consumer", "Durable consumer."),
  replay: z.boolean().optional(),
});

const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d:[0-5]\d$/, { error: 'is not a time of day such as "08:00:00"' });
const cidr = z.union([z.cidrv4(), z.cidrv6()], { error: 'is not a network such as "10.0.0.0/8"' });
const timeZone = z.string().refine(isTimeZone, { error: 'is not a time zone such as "Europe/Berlin"' });

const role = z.strictObject({
  everything: z.boolean().optional(),
  publish: z.array(subject).optional(),
  subscribe: z.array(permissionSubject).optional(),
  denyPublish: z.array(subject).optional(),
  denySubscribe: z.array(permissionSubject).optional(),
  consume: z.array(consume).optional(),
  responses: count("Answers to each request.", -1, 1_000_000).optional(),
  responseTime: duration("How long after a request it may be answered.").optional(),
  sources: z.array(cidr).min(1).optional(),
  times: z
    .array(z.strictObject({ from: timeOfDay, to: timeOfDay }))
    .min(1)
    .optional(),
  timeZone: timeZone.optional(),
  subscriptions: limit("Subscriptions of a connection."),
  payload: size("Largest message.").optional(),
  data: size("Bytes in total.").optional(),
  bearer: z.boolean().optional(),
  proxyRequired: z.boolean().optional(),
  connections: z
    .array(z.enum(["standard", "websocket", "leafnode", "leafnode-websocket", "mqtt", "mqtt-websocket", "in-process"]))
    .min(1)
    .optional(),
});

/** A role as the schema gives it. */
export type ParsedRole = z.infer<typeof role>;

const user = z.strictObject({
  role: name("role", "Role in the same account.").optional(),
  rights: role.optional(),
  login: z.enum(["nkey", "password"]).optional(),
  tags: z.array(z.string().regex(/^[^\s:]+(:[^\s:]+)?$/, { error: 'is not a tag such as "team:red"' })).default([]),
  lifetime: duration("How long credentials are good for.").prefault("0"),
  renewBefore: duration("Time before the end from which on they are renewed.").optional(),
});

function isTimeZone(text: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: text }) !== undefined;
  } catch {
    return false;
  }
}

/** One account of the catalogue, with durations and sizes resolved to numbers. */
export const accountSchema = z.strictObject({
  description: z.string().max(8192).optional(),
  system: z.boolean().default(false),
  limits: limits.prefault({}),
  roles: z.record(name("role", "Role."), role).default({}),
  users: z.record(name("user", "User."), user).default({}),
  ...sharingShape,
});

/** An account as {@link accountSchema} gives it. */
export type ParsedAccount = z.infer<typeof accountSchema>;
