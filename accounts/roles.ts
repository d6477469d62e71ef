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
  /** Every subject of the account, both ways; the rest is then ignored.
   * @default false */
  readonly everything?: boolean | undefined;
  /** Subjects users may publish to, with or without an acknowledgement from JetStream.
   * @default [] */
  readonly publish?: readonly string[] | undefined;
  /** Subjects users may subscribe to as they are published.
   * @default [] */
  readonly subscribe?: readonly string[] | undefined;
  /** Durable consumers users may read and acknowledge.
   * @default [] */
  readonly consume?: readonly ConsumeRight[] | undefined;
  /** Answers a user may send to each request it receives, within two minutes.
   * @default 0 */
  readonly responses?: number | undefined;
}

/** Inbox prefix of a user: clients must set it (`inboxPrefix`, `--inbox-prefix`), as nobody may listen on another one's answers. */
export function inboxPrefix(user: string): string {
  return `_INBOX_${user}`;
}

// The server fills in the name of the connected user, so that two users of one role cannot read each other's answers either.
const OWN_INBOX = `${inboxPrefix("{{name()}}")}.>`;
const OWN_RIGHTS = "$SYS.REQ.USER.INFO";
const RESPONSE_MS = 120_000;

/** The rights a role needs for its purpose and not more. */
export function resolvePermissions(intent: RoleIntent): Permissions {
  if (intent.everything === true) return { publish: { allow: [">"], deny: [] }, subscribe: { allow: [">"], deny: [] } };
  const consume = intent.consume ?? [];
  const replay = consume.filter((right) => right.replay === true);
  return {
    publish: {
      allow: sortedSet([OWN_RIGHTS, ...(intent.publish ?? []), ...consume.flatMap(consumeSubjects), ...replay.flatMap(replaySubjects)]),
      deny: sortedSet(replay.flatMap(protectedSubjects)),
    },
    subscribe: { allow: sortedSet([OWN_INBOX, ...(intent.subscribe ?? [])]), deny: [] },
    ...(intent.responses ? { responses: { max: intent.responses, expiresMs: RESPONSE_MS } } : {}),
  };
}

/** The permission template of a scoped signing key; users signed with that key have exactly these rights, whatever their own token says. */
export function renderTemplate(permissions: Permissions): { readonly [key: string]: Json } {
  const { publish, subscribe, responses } = permissions;
  return {
    subs: -1,
    data: -1,
    payload: -1,
    pub: renderRules(publish),
    sub: renderRules(subscribe),
    ...(responses === undefined ? {} : { resp: { max: responses.max, ttl: responses.expiresMs * 1_000_000 } }),
  };
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
