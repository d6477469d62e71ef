/** What an application says about its client, and what that comes to. */
import type { ConnectionSpec } from "../core/connection.ts";
import { type Duration, parseDuration } from "../core/units.ts";
import type { HeaderRecord } from "./headers.ts";
import type { Middleware } from "./middleware.ts";
import { assertShape } from "./options.ts";
import type { PrometheusArgs } from "./prometheus.ts";
import type { PublishingArgs } from "./publisher.ts";
import { MessageSigner } from "./signing.ts";
import type { StackPlace } from "./stack-files.ts";
import type { SubjectChoice } from "./subject.ts";
import { MessageVerifier, type VerificationArgs } from "./verifier.ts";

/** How a client behaves once it is connected. */
export interface ClientArgs {
  /** Name the servers show in reports about their connections.
   * @default "natsbus-client" */
  readonly name?: string;
  /** How it publishes.
   * @default {} */
  readonly publishing?: PublishingArgs;
  /** Seed of a user key, or text of a `.creds` file, to sign every message with. A secret.
   * @default - messages are not signed */
  readonly signing?: string;
  /** Whose messages to accept.
   * @default - signatures are not looked at */
  readonly verification?: VerificationArgs;
  /** Steps around every publish, handler run, request and answer; the first is the outermost.
   * @default [] */
  readonly middleware?: readonly Middleware[];
  /** Where to offer the metrics to Prometheus.
   * @default - nowhere; {@link MessageBus.metrics} has them */
  readonly prometheus?: PrometheusArgs;
  /** How long closing waits for handlers and for publishes that are not confirmed yet.
   * @default "30s" */
  readonly drainTimeout?: Duration;
}

/** Where to connect, and how to behave. */
export type ConnectArgs = ClientArgs & (StackPlace | ConnectionSpec);

/** Options of one publish. */
export interface PublishArgs extends SubjectChoice {
  /** Identity for de-duplication: within the stream's duplicate window a second message with it is confirmed and not stored.
   * @default - a random one */
  readonly id?: string;
  /** Further headers; names that begin with `Nats-` or `Natsbus-` are refused.
   * @default {} */
  readonly headers?: HeaderRecord;
  /** How long to try.
   * @default - `publishing.deadline` of the client */
  readonly deadline?: Duration;
}

/** Options of one request. */
export interface RequestArgs extends SubjectChoice {
  /** Identity of the request, for services that act once for one id.
   * @default - a random one */
  readonly id?: string;
  /** Further headers; names that begin with `Nats-` or `Natsbus-` are refused.
   * @default {} */
  readonly headers?: HeaderRecord;
  /** How long to wait for the answer.
   * @default "5s" */
  readonly timeout?: Duration;
}

/** {@link ClientArgs} with defaults. */
export interface Behaviour {
  readonly name: string;
  readonly middleware: readonly Middleware[];
  readonly prometheus: PrometheusArgs | undefined;
  readonly publishing: PublishingArgs;
  readonly signer: MessageSigner | undefined;
  readonly verifier: MessageVerifier | undefined;
  readonly drainMs: number;
}

/**
 * Refuses what names neither a stack nor servers.
 * @throws ERR_CLIENT_OPTION
 */
export function assertPlace(args: ConnectArgs): void {
  const isObject = typeof args === "object" && args !== null;
  assertShape(
    "connect",
    isObject && ("stack" in args || "servers" in args),
    'a stack, as in { stack: "dev" }, or servers with ca and creds',
  );
  if ("servers" in args) assertShape("servers", Array.isArray(args.servers), 'a list, as in ["tls://nats.example.com:4222"]');
}

/**
 * Fills in defaults.
 * @throws ERR_CLIENT_KEY, ERR_CLIENT_OPTION, ERR_UNIT
 */
export function resolveBehaviour({ publishing = {}, signing, verification, drainTimeout = "30s", ...args }: ClientArgs): Behaviour {
  return {
    ...{ name: args.name ?? "natsbus-client", middleware: args.middleware ?? [], prometheus: args.prometheus },
    publishing,
    signer: signing === undefined ? undefined : new MessageSigner(signing),
    verifier: verification === undefined ? undefined : new MessageVerifier(verification),
    drainMs: parseDuration(drainTimeout, "drainTimeout"),
  };
}
