/** What several sections do: a client, consumers of scratch streams, waiting for a condition. */
import { setTimeout as delay } from "node:timers/promises";
import { type ConsumerConfig, type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import type { ClientArgs } from "../../client/client-args.ts";
import { MessageBus } from "../../client/message-bus.ts";
import { defineSubject, type Subject } from "../../client/subject.ts";
import { connectAsUser } from "../user-connection.ts";
import type { Context } from "./context.ts";
import type { ScratchStream } from "./scratch.ts";

/** Shape of a message of the suite. */
export const itemSchema = z.object({ n: z.int(), key: z.string().optional(), text: z.string() });

/** A message of the suite. */
export type Item = z.infer<typeof itemSchema>;

const PADDING = "x".repeat(96);
const POLL_MS = 15;

/** The subject that a scratch stream's work goes to; consumers made here read it and not the dead letters beside it. */
export function workSubject(stream: ScratchStream): Subject<Item, Item> {
  return defineSubject(`${stream.subject}.work`, itemSchema, { schemaId: "natsbus-verify.item" });
}

/** Message number `n`, about 128 bytes as JSON. */
export function item(n: number, key?: string): Item {
  return { n, text: PADDING, ...(key === undefined ? {} : { key }) };
}

/** Where the dead letters of a scratch stream go: into the same stream. */
export function deadSubject(stream: ScratchStream): string {
  return `${stream.subject}.dead`;
}

/** Connects a client that may do everything; extra options are those of the client. */
export function openBus({ admin }: Context, args: ClientArgs = {}): Promise<MessageBus> {
  return MessageBus.connect({ ...admin, name: "natsbus-verify", ...args });
}

/** Makes a durable pull consumer of a scratch stream's work. */
export async function addConsumer(
  context: Context,
  stream: ScratchStream,
  settings: Partial<ConsumerConfig> & { readonly durable_name: string },
): Promise<void> {
  await withManager(context, (manager) =>
    manager.consumers.add(stream.name, {
      ack_policy: "explicit",
      filter_subject: workSubject(stream).pattern,
      max_ack_pending: 10_000,
      ...settings,
    }),
  );
}

/** Does something with a JetStream manager over a connection of its own. */
export async function withManager<T>({ admin }: Pick<Context, "admin">, work: (manager: JetStreamManager) => Promise<T>): Promise<T> {
  return withConnection({ admin }, async (connection) => work(await jetstreamManager(connection, { checkAPI: false, timeout: 10_000 })));
}

/** Does something over a connection of its own. */
export async function withConnection<T>({ admin }: Pick<Context, "admin">, work: (connection: NatsConnection) => Promise<T>): Promise<T> {
  const connection = await connectAsUser(admin);
  try {
    return await work(connection);
  } finally {
    await connection.close().catch(() => undefined);
  }
}

/** Waits until a condition holds. @returns whether it did within `limitMs` */
export async function until(condition: () => boolean | Promise<boolean>, limitMs: number, signal?: AbortSignal): Promise<boolean> {
  const endMs = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() >= endMs || signal?.aborted === true) return false;
    await delay(POLL_MS);
  }
  return true;
}

/** The whole numbers from 0 up to but not including `count`. */
export function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index);
}
