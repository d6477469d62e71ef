/** Finds out what the servers let one user do, by asking and by trying, without leaving a message anywhere. */
import { headers, type NatsConnection } from "@nats-io/transport-node";
import type { ConnectionSpec } from "../../core/connection.ts";
import { connectAsUser } from "../user-connection.ts";

/** Rights in force, as the server tells them. */
interface RightsInForce {
  readonly account: string;
  readonly publish: { readonly allow: readonly string[]; readonly deny: readonly string[] };
  readonly subscribe: { readonly allow: readonly string[]; readonly deny: readonly string[] };
}

/** One user's connection to try things with. */
export interface PermissionProbe extends AsyncDisposable {
  readonly connection: NatsConnection;
  /** What the server says the user may do. */
  rights(): Promise<RightsInForce>;
  /** Which of the subjects the user may publish to; give it only subjects the user should be refused, as what is allowed is sent. */
  publishable(subjects: readonly string[]): Promise<string[]>;
  /** Which of the subjects the user may subscribe to. */
  subscribable(subjects: readonly string[]): Promise<string[]>;
}

// No stream stores a message that expects to go to another stream.
const NO_STREAM = "natsbus-verify-none";

/** Connects as a user. */
export async function openProbe(spec: ConnectionSpec): Promise<PermissionProbe> {
  const connection = await connectAsUser(spec);
  const refused = new Set<string>();
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type === "error") refused.add(/Permissions Violation for Publish to "([^"]*)"/i.exec(status.error.message)?.[1] ?? "");
    }
  })();
  return {
    connection,
    rights: () => askRights(connection),
    async publishable(subjects) {
      refused.clear();
      const lines = headers();
      lines.set("Nats-Expected-Stream", NO_STREAM);
      for (const subject of subjects) connection.publish(subject, "", { headers: lines });
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

interface UserInfo {
  readonly data?: {
    readonly account?: string;
    readonly permissions?: { readonly publish?: Partial<RightsInForce["publish"]>; readonly subscribe?: Partial<RightsInForce["publish"]> };
  };
}

async function askRights(connection: NatsConnection): Promise<RightsInForce> {
  const answer = await connection.request("$SYS.REQ.USER.INFO", "", { timeout: 5000 });
  const { account = "", permissions = {} } = answer.json<UserInfo>().data ?? {};
  const rules = (side: Partial<RightsInForce["publish"]> = {}) => ({ allow: side.allow ?? [], deny: side.deny ?? [] });
  return { account, publish: rules(permissions.publish), subscribe: rules(permissions.subscribe) };
}

// Refusals come before the second answer to a ping in any case, and are handed out in a later turn.
async function settle(connection: NatsConnection): Promise<void> {
  await connection.flush();
  await connection.flush();
  await new Promise((resolve) => setImmediate(resolve));
}
