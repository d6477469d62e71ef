import { z } from "zod";
import { isPublicKey } from "../core/nats-keys.ts";
import { count, duration } from "../core/setting-kinds.ts";
import { permissionSubject, subject } from "./subject-schema.ts";

const kind = z.enum(["stream", "service"]);

const time = z.iso.datetime({ offset: true }).transform((text) => Math.floor(Date.parse(text) / 1000));

const permission = z.strictObject({ allow: z.array(permissionSubject).default([]), deny: z.array(permissionSubject).default([]) });

const responses = z.strictObject({
  max: count("Answers to each request.", -1, 1_000_000).default(1),
  expires: duration("How long after the request.").prefault("2m"),
});

const exported = z.strictObject({
  kind,
  subject,
  private: z.boolean().default(false),
  accountTokenPosition: count("Place of the importer's key in the subject.", 1, 255).optional(),
  response: z.enum(["single", "stream", "chunked"]).default("single"),
  responseThreshold: duration("How long a service may take to answer.", { min: "1ms" }).optional(),
  latency: z.strictObject({ sampling: z.union([z.literal("headers"), count("Share of the requests.", 1, 100)]), subject }).optional(),
  advertise: z.boolean().default(false),
  allowTrace: z.boolean().default(false),
  description: z.string().max(8192).optional(),
  infoUrl: z.url().optional(),
  revoked: z.record(z.string(), time).default({}),
});

const imported = z.strictObject({
  kind,
  from: z.string().min(1),
  subject,
  as: z.string().min(1).optional(),
  activation: z.string().min(1).optional(),
  share: z.boolean().default(false),
  allowTrace: z.boolean().default(false),
});

const mapping = z.strictObject({
  subject: z.string().min(1),
  weight: count("Share of the messages.", 1, 100).default(100),
  cluster: z.string().min(1).optional(),
});

const externalAuthorization = z.strictObject({
  users: z.array(z.string().min(1)).min(1),
  accounts: z.array(z.string().min(1)).default([]),
  encryptFor: z
    .string()
    .refine((text) => isPublicKey("curve", text), { error: "is not a public curve key" })
    .optional(),
});

/** The keys of an account that say what it shares and leaves to others. */
export const sharingShape = {
  exports: z.record(z.string(), exported).default({}),
  imports: z.record(z.string(), imported).default({}),
  mappings: z.record(subject, z.array(mapping).min(1)).default({}),
  defaultPermissions: z
    .strictObject({ publish: permission.prefault({}), subscribe: permission.prefault({}), responses: responses.optional() })
    .optional(),
  trace: z.strictObject({ subject, sampling: count("Share of the messages.", 1, 100).default(100) }).optional(),
  clusterTraffic: z.enum(["system", "owner"]).default("system"),
  externalAuthorization: externalAuthorization.optional(),
  revoked: z.record(z.string(), time).default({}),
};
