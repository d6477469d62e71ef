import { readFileSync } from "node:fs";
import { createInbox } from "@nats-io/transport-node";
import { openConnection } from "../../connection/pool.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import { heardRequest } from "./heard-request.ts";
import type { Project } from "./project.ts";

type Json = Record<string, unknown>;

/** How to connect to a project's dev stack as one of its users. */
function connectionOf(project: Project, user = "admin"): ConnectionSpec {
  return {
    servers: project.ports.slice(0, 3).map((port) => `tls://127.0.0.1:${port}`),
    ca: readFileSync(project.path(".natsbus/dev/ca.pem"), "utf8"),
    creds: readFileSync(project.path(`.natsbus/dev/creds/${user}.creds`), "utf8"),
  };
}

/** Sends one raw request to the JetStream API as the bus's admin. */
export async function jetStreamApi(project: Project, subject: string, body: Json = {}): Promise<Json> {
  const connection = await openConnection(connectionOf(project));
  const answer = await connection.request(`$JS.API.${subject}`, JSON.stringify(body), { timeout: 10_000 });
  const document = answer.json<Json>();
  if (document["error"] !== undefined) throw new Error(`${subject}: ${JSON.stringify(document["error"])}`);
  return document;
}

/** Names of all streams, sorted; buckets are streams too. */
export async function listStreams(project: Project): Promise<string[]> {
  const { streams } = await jetStreamApi(project, "STREAM.NAMES");
  return [...((streams ?? []) as string[])].sort();
}

/** Publishes with acknowledgement. */
export async function publish(project: Project, subject: string, count: number): Promise<void> {
  const connection = await openConnection(connectionOf(project));
  for (let index = 0; index < count; index += 1) await heardRequest(connection, subject, `message ${index}`, { timeout: 5_000 });
}

/** Takes messages from a pull consumer and acknowledges the first of them, each acknowledgement confirmed by the server. */
export async function acknowledge(
  project: Project,
  { stream, consumer, pull, acknowledge: count }: { stream: string; consumer: string; pull: number; acknowledge: number },
): Promise<void> {
  const connection = await openConnection(connectionOf(project));
  const replies: string[] = [];
  for (let index = 0; index < pull; index += 1) {
    const options = { timeout: 5_000, noMux: true, reply: createInbox() };
    replies.push((await heardRequest(connection, `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, "1", options)).reply ?? "");
  }
  for (const reply of replies.slice(0, count)) await heardRequest(connection, reply, "+ACK", { timeout: 5_000 });
}

/** Requests that the JetStream API of all servers has answered since they started. */
export async function apiRequests(project: Project): Promise<number> {
  const totals = project.ports.slice(3, 6).map(async (port) => {
    const { api } = (await (await fetch(`http://127.0.0.1:${port}/jsz`)).json()) as { api: { total: number } };
    return api.total;
  });
  return (await Promise.all(totals)).reduce((sum, total) => sum + total, 0);
}
