/** What a role may do, and how that reads as a permission template of NATS. Pure. */
import type { Json } from "./token.ts";

/** Subjects allowed and refused. An empty `allow` allows every subject; `deny` wins. Sorted, without repeats. */
export interface SubjectRules {
  /** Subjects allowed; empty allows all. */
  readonly allow: readonly string[];
  /** Subjects refused even if allowed. */
  readonly deny: readonly string[];
}

/** The rights of a role in full. */
export interface Permissions {
  /** What users of the role may publish to. */
  readonly publish: SubjectRules;
  /** What users of the role may subscribe to. */
  readonly subscribe: SubjectRules;
  /** Answers a user may send to the reply subject of a message it received, wherever that is; absent: none beyond `publish`. */
  readonly responses?: { readonly max: number; readonly expiresMs: number };
  /** What else limits the role's users; absent: nothing. */
  readonly limits?: UserLimits;
}

/** Limits of a user besides its subjects. Whatever is absent does not limit. */
export interface UserLimits {
  /** Networks in CIDR form; sorted. */
  readonly sources?: readonly string[];
  /** Times of day, `HH:MM:SS`. */
  readonly times?: readonly { readonly from: string; readonly to: string }[];
  /** Time zone of `times`. */
  readonly timeZone?: string;
  /** Subscriptions of a connection. */
  readonly subscriptions?: number;
  /** Largest message in bytes. */
  readonly payloadBytes?: number;
  /** Bytes in total. */
  readonly dataBytes?: number;
  /** Whether a token alone is enough. */
  readonly bearer?: true;
  /** Whether a trusted proxy must be between. */
  readonly proxyRequired?: true;
  /** Ways to connect in NATS's words, for instance `WEBSOCKET`; sorted. */
  readonly connectionTypes?: readonly string[];
}

/** Reading of one durable pull consumer. */
export interface ConsumeRight {
  /** Stream name. */
  readonly stream: string;
  /** Name of the durable consumer; it must exist, the role cannot make, change or delete it. */
  readonly consumer: string;
  /** Whether users may also read the stream again through ephemeral and ordered consumers of their own.
   * @default false */
  readonly replay?: boolean | undefined;
}

/** A role in terms of what it is for. */
export interface RoleIntent {
  /** Every subject of the account, both ways; other permissions are then ignored.
   * @default false */
  readonly everything?: boolean | undefined;
  /** Subjects users may publish to, with or without an acknowledgement from JetStream.
   * @default [] */
  readonly publish?: readonly string[] | undefined;
  /** Subjects users may subscribe to as they are published; `"subject queue"` allows it in that queue group only, with `auth.mode: config`.
   * @default [] */
  readonly subscribe?: readonly string[] | undefined;
  /** Subjects users may not publish to even if allowed.
   * @default [] */
  readonly denyPublish?: readonly string[] | undefined;
  /** Subjects users may not subscribe to even if allowed.
   * @default [] */
  readonly denySubscribe?: readonly string[] | undefined;
  /** Durable consumers users may read and acknowledge.
   * @default [] */
  readonly consume?: readonly ConsumeRight[] | undefined;
  /** Answers a user may send to each request it receives, within two minutes; -1 is unlimited.
   * @default 0 */
  readonly responses?: number | undefined;
  /** How long after a request it may be answered, in milliseconds; 0 is for ever.
   * @default 120000 */
  readonly responseMs?: number | undefined;
}

/** Inbox prefix of a user: clients must set it (`inboxPrefix`, `--inbox-prefix`), as nobody may listen on another one's answers. */
export function inboxPrefix(user: string): string {
  return `_INBOX_${user}`;
}

/** Subject of the answers to a user of a role, which every role may subscribe to. The server fills in the name of the connected user, so that two users of one role cannot
 * read each other's answers either. */
export const OWN_INBOX = `${inboxPrefix("{{name()}}")}.>`;
/** Question of a user about itself, which every role may ask. */
export const OWN_RIGHTS = "$SYS.REQ.USER.INFO";
const RESPONSE_MS = 120_000;

/** The rights a role needs for its purpose and not more. */
export function resolvePermissions(intent: RoleIntent): Permissions {
  if (intent.everything === true) return { publish: everything(intent.denyPublish), subscribe: everything(intent.denySubscribe) };
  const consume = intent.consume ?? [];
  const replay = consume.filter((right) => right.replay === true);
  return {
    publish: {
      allow: sortedSet([OWN_RIGHTS, ...(intent.publish ?? []), ...consume.flatMap(consumeSubjects), ...replay.flatMap(replaySubjects)]),
      deny: sortedSet([...replay.flatMap(protectedSubjects), ...(intent.denyPublish ?? [])]),
    },
    subscribe: { allow: sortedSet([OWN_INBOX, ...(intent.subscribe ?? [])]), deny: sortedSet(intent.denySubscribe ?? []) },
    ...(intent.responses ? { responses: answers(intent.responses, intent.responseMs) } : {}),
  };
}

function everything(deny: readonly string[] = []): SubjectRules {
  return { allow: [">"], deny: sortedSet(deny) };
}

/** The permission template of a scoped signing key; users signed with that key have exactly these rights, whatever their own token says. */
export function renderTemplate(permissions: Permissions): { readonly [key: string]: Json } {
  const { publish, subscribe, responses, limits = {} } = permissions;
  return {
    subs: limits.subscriptions ?? -1,
    data: limits.dataBytes ?? -1,
    payload: limits.payloadBytes ?? -1,
    pub: renderRules(publish),
    sub: renderRules(subscribe),
    ...renderResponses(responses),
    ...renderUserLimits(limits),
  };
}

/** Permissions as an account's `default_permissions` have them. */
export function renderDefaults({ publish, subscribe, responses }: Permissions): { readonly [key: string]: Json } {
  return { pub: renderRules(publish), sub: renderRules(subscribe), ...renderResponses(responses) };
}

function renderResponses(responses: Permissions["responses"]): { readonly [key: string]: Json } {
  return responses === undefined ? {} : { resp: { max: responses.max, ttl: responses.expiresMs * 1_000_000 } };
}

function renderUserLimits(limits: UserLimits): { readonly [key: string]: Json } {
  const { sources, times, timeZone, bearer, proxyRequired, connectionTypes } = limits;
  return {
    ...(sources === undefined ? {} : { src: sources }),
    ...(times === undefined ? {} : { times: times.map(({ from, to }) => ({ start: from, end: to })) }),
    ...(timeZone === undefined ? {} : { times_location: timeZone }),
    ...(bearer === undefined ? {} : { bearer_token: bearer }),
    ...(proxyRequired === undefined ? {} : { proxy_required: proxyRequired }),
    ...(connectionTypes === undefined ? {} : { allowed_connection_types: connectionTypes }),
  };
}

/** Servers read 0 as their own default, so that without limit is -1. */
export function answers(max: number, withinMs = RESPONSE_MS): NonNullable<Permissions["responses"]> {
  return { max, expiresMs: withinMs === 0 ? -1 : withinMs };
}

function consumeSubjects({ stream, consumer }: ConsumeRight): string[] {
  return [
    "$JS.API.INFO",
    `$JS.API.STREAM.INFO.${stream}`,
    `$JS.API.CONSUMER.INFO.${stream}.${consumer}`,
    `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
    ...acknowledge(stream, consumer),
  ];
}

// Servers acknowledge on the short form today and on the one with domain and account hash once `js_ack_fc_v2` is on.
function acknowledge(stream: string, consumer: string): string[] {
  return [`$JS.ACK.${stream}.${consumer}.>`, `$JS.ACK.*.*.${stream}.${consumer}.>`];
}

function replaySubjects({ stream }: ConsumeRight): string[] {
  return [
    ...["CREATE", "DELETE", "INFO", "MSG.NEXT"].map((verb) => `$JS.API.CONSUMER.${verb}.${stream}.>`),
    `$JS.API.CONSUMER.CREATE.${stream}`,
    `$JS.FC.${stream}.>`,
    ...acknowledge(stream, "*"),
  ];
}

function protectedSubjects({ stream, consumer }: ConsumeRight): string[] {
  const named = `$JS.API.CONSUMER.CREATE.${stream}.${consumer}`;
  return [named, `${named}.>`, `$JS.API.CONSUMER.DELETE.${stream}.${consumer}`];
}

function renderRules(rules: SubjectRules): { readonly [key: string]: Json } {
  return { ...(rules.allow.length > 0 ? { allow: rules.allow } : {}), ...(rules.deny.length > 0 ? { deny: rules.deny } : {}) };
}

function sortedSet(subjects: readonly string[]): string[] {
  return [...new Set(subjects)].sort();
}
