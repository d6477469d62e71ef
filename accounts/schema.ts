import { z } from "zod";
import { subjectProblem } from "../core/names.ts";
import { count, duration, name, size } from "../core/setting-kinds.ts";

const LARGEST_COUNT = 2 ** 31 - 1;
const limit = (description: string) => count(description, 0, LARGEST_COUNT).optional();

const subject = z.string().superRefine((text, context) => {
  const problem = subjectProblem(text);
  if (problem !== undefined) context.addIssue({ code: "custom", message: problem, params: { code: "ERR_SUBJECT" } });
});

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

const limits = z.strictObject({
  connections: limit("Client connections on one server."),
  leafNodes: limit("Leaf node connections on one server."),
  subscriptions: limit("Subscriptions of one connection."),
  payload: size("Largest message.").optional(),
  imports: limit("Number of imports."),
  exports: limit("Number of exports."),
  wildcardExports: z.boolean().optional(),
  disallowBearer: z.boolean().optional(),
  jetstream: z.union([z.literal(false), jetstream]).optional(),
});

const consume = z.strictObject({
  stream: name("stream", "Stream name."),
  consumer: name("consumer", "Durable consumer."),
  replay: z.boolean().optional(),
});

const role = z.strictObject({
  everything: z.boolean().optional(),
  publish: z.array(subject).optional(),
  subscribe: z.array(subject).optional(),
  consume: z.array(consume).optional(),
  responses: count("Answers to each request.", 0, 1_000_000).optional(),
});

const user = z.strictObject({
  role: name("role", "Role in the same account.").optional(),
  lifetime: duration("How long credentials are good for.").prefault("0"),
  renewBefore: duration("Time before the end from which on they are renewed.").optional(),
});

/** One account of the catalogue, with durations and sizes resolved to numbers. */
export const accountSchema = z.strictObject({
  description: z.string().max(8192).optional(),
  system: z.boolean().default(false),
  limits: limits.prefault({}),
  roles: z.record(name("role", "Role."), role).default({}),
  users: z.record(name("user", "User."), user).default({}),
});

/** An account as {@link accountSchema} gives it. */
export type ParsedAccount = z.infer<typeof accountSchema>;
