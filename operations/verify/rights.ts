/** Rights as they are declared against rights as the servers tell them. Pure. */
import type { Permissions, SubjectRules } from "../../accounts/roles.ts";
import { subjectCovers } from "../../core/names.ts";

/** Both directions of a user's rights. */
export interface Rights {
  readonly publish: SubjectRules;
  readonly subscribe: SubjectRules;
}

const EXAMPLE = "natsbus-verify";

/** What a role gives one of its users: its template with the user's name filled in. */
export function wantedRights({ publish, subscribe }: Permissions, user: string): Rights {
  const fill = ({ allow, deny }: SubjectRules): SubjectRules => ({
    allow: allow.map((text) => named(text, user)),
    deny: deny.map((text) => named(text, user)),
  });
  return { publish: fill(publish), subscribe: fill(subscribe) };
}

function named(subject: string, user: string): string {
  return subject.replaceAll("{{name()}}", user);
}

/** What the servers give beyond, or not of, what is wanted, in words. */
export function differences(wanted: Rights, found: Rights): readonly string[] {
  return (["publish", "subscribe"] as const).flatMap((side) => [
    ...missing(wanted[side].allow, everything(found[side].allow)).map((subject) => `may not ${side} to ${subject}`),
    ...missing(everything(found[side].allow), wanted[side].allow).map((subject) => `may ${side} to ${subject}`),
    ...missing(wanted[side].deny, found[side].deny).map((subject) => `is not refused to ${side} to ${subject}`),
    ...missing(found[side].deny, wanted[side].deny).map((subject) => `is refused to ${side} to ${subject}`),
  ]);
}

/** Servers tell no list at all for a user that may do everything. */
function everything(allow: readonly string[]): readonly string[] {
  return allow.length === 0 ? [">"] : allow;
}

function missing(wanted: readonly string[], found: readonly string[]): readonly string[] {
  return wanted.filter((subject) => !found.includes(subject));
}

/** Whether rules let a subject or pattern pass. */
export function isAllowed({ allow, deny }: SubjectRules, subject: string): boolean {
  const isCovered = (patterns: readonly string[]): boolean => patterns.some((pattern) => subjectCovers(pattern, subject));
  return (allow.length === 0 || isCovered(allow)) && !isCovered(deny);
}

/** One literal subject for each subject family that any of the roles names, and one that none names; those of the servers' own APIs are left out. */
export function examplesOf(roles: readonly Permissions[]): readonly string[] {
  const patterns = roles.flatMap(({ publish, subscribe }) => [...publish.allow, ...subscribe.allow]);
  const own = patterns.filter((pattern) => !/^(\$|_INBOX|>|\*)/.test(pattern)).map(exampleOf);
  return [...new Set([...own, `${EXAMPLE}.elsewhere`])].sort();
}

/** A literal subject that a pattern covers. */
export function exampleOf(pattern: string): string {
  return pattern
    .split(".")
    .map((token) => (token === "*" || token === ">" ? EXAMPLE : token))
    .join(".");
}

/** Requests that would change something if they named something that exists; `none` does not. */
export function dangerousRequests(none: string): readonly string[] {
  const streams = ["CREATE", "UPDATE", "DELETE", "PURGE", "MSG.DELETE", "RESTORE", "SNAPSHOT", "LEADER.STEPDOWN"].map(
    (verb) => `$JS.API.STREAM.${verb}.${none}`,
  );
  const consumers = ["CREATE", "DURABLE.CREATE", "DELETE", "PAUSE"].map((verb) => `$JS.API.CONSUMER.${verb}.${none}.${none}`);
  const servers = ["RELOAD", "KICK", "LDM"].map((verb) => `$SYS.REQ.SERVER.${none}.${verb}`);
  return [
    ...streams,
    ...consumers,
    ...servers,
    `$SYS.REQ.ACCOUNT.${none}.CLAIMS.UPDATE`,
    `$JS.API.ACCOUNT.PURGE.${none}`,
    `$KV.${none}.key`,
    `$O.${none}.C.x`,
  ];
}
