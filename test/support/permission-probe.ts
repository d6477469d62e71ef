import { connect, type NatsConnection } from "@nats-io/transport-node";
import { transportOptions } from "../../connection/options.ts";
import type { ConnectionSpec } from "../../core/connection.ts";

/** Finds out what the servers let one user do, by trying. */
export interface PermissionProbe extends AsyncDisposable {
  /** The user's connection. */
  readonly connection: NatsConnection;
  /** Which of the subjects the user may publish to. */
  publishable(subjects: readonly string[]): Promise<string[]>;
  /** Which of the subjects the user may subscribe to. */
  subscribable(subjects: readonly string[]): Promise<string[]>;
}

/** Connects as a user. */
export async function probe(spec: ConnectionSpec, options: { readonly inboxPrefix?: string } = {}): Promise<PermissionProbe> {
  const connection = await connect({
    ignoreClusterUpdates: true,
    reconnect: false,
    timeout: 20_000,
    ...transportOptions(spec),
    ...options,
  });
  const refused = new Set<string>();
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === "error") refused.add(/Permissions Violation for Publish to "([^"]*)"/i.exec(status.error.message)?.[1] ?? "");
    }
  })();
  return {
    connection,
    async publishable(subjects) {
      refused.clear();
      for (const subject of subjects) connection.publish(subject, "probe");
      await settle(connection);
      return subjects.filter((subject) => !refused.has(subject));
    },
    async subscribable(subjects) {
      const denied = new Set<string>();
      const tried = subjects.map((subject) => connection.subscribe(subject, { callback: (error) => void (error && denied.add(subject)) }));
      await settle(connection);
      for (const subscription of tried) if (!subscription.isClosed()) subscription.unsubscribe();
      return subjects.filter((subject) => !denied.has(subject));
    },
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

// Refusals come before the second answer to a ping in any case, and are handed out in a later turn.
async function settle(connection: NatsConnection): Promise<void> {
  await connection.flush();
  await connection.flush();
  await new Promise((resolve) => setImmediate(resolve));
}
