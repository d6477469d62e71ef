/** What a catalogue says about an account beyond limits, roles and users: what it shares with others, and how the servers treat its subjects. */
import type { Duration } from "../core/units.ts";

/** Subjects by what may be done with them. */
export interface PermissionArgs {
  /** Subjects allowed; none given allows every subject.
   * @default [] */
  readonly allow?: readonly string[] | undefined;
  /** Subjects refused even if allowed.
   * @default [] */
  readonly deny?: readonly string[] | undefined;
}

/** Rights of users that have none of their own. */
export interface DefaultPermissionsArgs {
  /** What they may publish to.
   * @default - everything */
  readonly publish?: PermissionArgs | undefined;
  /** What they may subscribe to; `"subject queue"` names a queue group as well.
   * @default - everything */
  readonly subscribe?: PermissionArgs | undefined;
  /** Answers they may send to each request they receive.
   * @default - none beyond `publish` */
  readonly responses?: ResponsesArgs | undefined;
}

/** Answers to requests, wherever their reply subject is. */
export interface ResponsesArgs {
  /** Answers to each request; -1 is unlimited.
   * @default 1 */
  readonly max?: number | undefined;
  /** How long after the request; `"0"` is for ever.
   * @default "2m" */
  readonly expires?: Duration | undefined;
}

/** Something other accounts may import. Keyed by a name of its own. */
export interface ExportArgs {
  /** Messages that flow to the importer, or requests that come from it. */
  readonly kind: "stream" | "service";
  /** Subject, with or without wildcards. */
  readonly subject: string;
  /** Whether an importer needs an activation; accounts of the same catalogue get theirs by themselves.
   * @default false */
  readonly private?: boolean | undefined;
  /** Place of the `*` in the subject, from 1, that must be the importer's public key.
   * @default - none */
  readonly accountTokenPosition?: number | undefined;
  /** Answers a service gives.
   * @default "single" */
  readonly response?: "single" | "stream" | "chunked" | undefined;
  /** How long a service may take to answer.
   * @default - the server's own */
  readonly responseThreshold?: Duration | undefined;
  /** Measures how long a service takes: share of the requests in percent, or those that ask by header; and the subject for the results.
   * @default - not measured */
  readonly latency?: { readonly sampling: number | "headers"; readonly subject: string } | undefined;
  /** Whether it is listed publicly.
   * @default false */
  readonly advertise?: boolean | undefined;
  /** Whether message traces may cross into this account.
   * @default false */
  readonly allowTrace?: boolean | undefined;
  /** What it is for.
   * @default - nothing */
  readonly description?: string | undefined;
  /** Where more is written about it.
   * @default - nowhere */
  readonly infoUrl?: string | undefined;
  /** Map keyed by account name or public key: activations issued up to this time (ISO 8601) are refused.
   * @default {} */
  readonly revoked?: Readonly<Record<string, string>> | undefined;
}

/** Something of another account. Keyed by a name of its own. */
export interface ImportArgs {
  /** Kind of the export. */
  readonly kind: "stream" | "service";
  /** Account that exports it: a name of the catalogue, or a public key (`A…`). */
  readonly from: string;
  /** Subject as the exporter has it; it may narrow the exported one. */
  readonly subject: string;
  /** Subject in this account; `$1`, `$2` … stand for the wildcards of `subject`.
   * @default - as `subject` */
  readonly as?: string | undefined;
  /** Activation of a private export outside this catalogue, a token. A secret.
   * @default - none needed */
  readonly activation?: string | undefined;
  /** Whether the service learns who asks.
   * @default false */
  readonly share?: boolean | undefined;
  /** Whether message traces may cross into this account.
   * @default false */
  readonly allowTrace?: boolean | undefined;
}

/** Where a part of the messages to a mapped subject goes. */
export interface MappingArgs {
  /** Subject it becomes; `{{wildcard(1)}}` and its like stand for the wildcards of the mapped one. */
  readonly subject: string;
  /** Share of the messages in percent; what the shares leave over keeps its subject.
   * @default 100 */
  readonly weight?: number | undefined;
  /** Only in this cluster.
   * @default - in all */
  readonly cluster?: string | undefined;
}

/** Traces of messages that carry a sampled `traceparent` header. */
export interface TraceArgs {
  /** Subject the traces go to. */
  readonly subject: string;
  /** Share of those messages in percent.
   * @default 100 */
  readonly sampling?: number | undefined;
}

/** A service of your own that decides about logins ("auth callout"). When it does not answer, nobody gets in. */
export interface ExternalAuthorizationArgs {
  /** Users of this account, by name or public key (`U…`), that the service itself connects as. */
  readonly users: readonly string[];
  /** Accounts it may place users in, by name or public key; `"*"` is every account.
   * @default - this account only */
  readonly accounts?: readonly string[] | undefined;
  /** Public curve key (`X…`) that requests are encrypted for.
   * @default - not encrypted */
  readonly encryptFor?: string | undefined;
}

/** What an account shares, imports, maps and leaves to others to decide. */
export interface SharingArgs {
  /** Map keyed by export name.
   * @default {} */
  readonly exports?: Readonly<Record<string, ExportArgs>> | undefined;
  /** Map keyed by import name.
   * @default {} */
  readonly imports?: Readonly<Record<string, ImportArgs>> | undefined;
  /** Map keyed by subject: where its messages go.
   * @default {} */
  readonly mappings?: Readonly<Record<string, readonly MappingArgs[]>> | undefined;
  /** Rights of users without rights of their own.
   * @default - everything */
  readonly defaultPermissions?: DefaultPermissionsArgs | undefined;
  /** Message traces.
   * @default - none */
  readonly trace?: TraceArgs | undefined;
  /** Account whose quota and connections replication of this account's streams uses.
   * @default "system" */
  readonly clusterTraffic?: "system" | "owner" | undefined;
  /** Service that decides about logins.
   * @default - the servers decide */
  readonly externalAuthorization?: ExternalAuthorizationArgs | undefined;
  /** Map keyed by user public key, or `"*"` for all: credentials issued up to this time (ISO 8601) are refused. Beside those that natsbus itself revokes.
   * @default {} */
  readonly revoked?: Readonly<Record<string, string>> | undefined;
}
