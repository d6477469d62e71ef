/** What the examples talk about; an application keeps such a file where publishers and consumers both find it. */
import { defineEndpoint, defineSubject } from "natsbus/client";
import { z } from "zod";

/** Security alerts of every priority. */
export const alert = defineSubject("security.*.alert", z.object({ host: z.string(), text: z.string().max(500) }), { version: 1 });

/** Results of pipelines; the shell script publishes them, so that a JSON Schema is the handier form. */
export const pipeline = defineSubject<{ name: string; status: string; url?: string }>("orchestrator.*.pipeline", {
  type: "object",
  properties: { name: { type: "string" }, status: { enum: ["success", "failed", "cancelled"] }, url: { type: "string" } },
  required: ["name", "status"],
});

/** Asks what is known of a host. */
export const describeHost = defineEndpoint("hosts.describe", {
  request: z.object({ host: z.string() }),
  reply: z.object({ host: z.string(), owner: z.string(), alerts: z.number().int() }),
});
