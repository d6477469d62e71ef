/** What NATS accepts as a name or a subject, and how subjects with wildcards relate to each other. Pure rules; nothing here throws. */

/** Kinds of names with rules of their own. */
export type NameKind = "stream" | "consumer" | "account" | "user" | "role" | "bucket" | "server" | "cluster" | "domain";

const LONGEST_NAME = 255;
// Names that become subject tokens or folder names may hold no separator of either.
const ASSET_NAME = /^[^\s.*>/\\\p{C}]+$/u;
const WORD_NAME = /^[A-Za-z0-9_-]+$/;

const NAME_RULES: Record<NameKind, { readonly pattern: RegExp; readonly allowed: string }> = {
  stream: { pattern: ASSET_NAME, allowed: "no white space and none of . * > / \\" },
  consumer: { pattern: ASSET_NAME, allowed: "no white space and none of . * > / \\" },
  account: { pattern: ASSET_NAME, allowed: "no white space and none of . * > / \\" },
  user: { pattern: ASSET_NAME, allowed: "no white space and none of . * > / \\" },
  role: { pattern: WORD_NAME, allowed: "letters, digits, - and _" },
  bucket: { pattern: WORD_NAME, allowed: "letters, digits, - and _" },
  server: { pattern: WORD_NAME, allowed: "letters, digits, - and _" },
  cluster: { pattern: WORD_NAME, allowed: "letters, digits, - and _" },
  domain: { pattern: WORD_NAME, allowed: "letters, digits, - and _" },
};

/** What is wrong with `name` as a name of this kind, with what is allowed; `undefined` when it is fine. */
export function nameProblem(kind: NameKind, name: string): string | undefined {
  const rule = NAME_RULES[kind];
  if (name === "") return `a ${kind} name is empty; allowed are 1 to ${LONGEST_NAME} characters, ${rule.allowed}`;
  if (name.length > LONGEST_NAME)
    return `${kind} name "${name.slice(0, 40)}…" has ${name.length} characters; at most ${LONGEST_NAME} are allowed`;
  if (!rule.pattern.test(name)) return `"${name}" is not a ${kind} name; allowed are ${rule.allowed}`;
  return undefined;
}

/** What is wrong with `subject`; `undefined` when it is fine. `wildcards: false` refuses `*` and `>`, as a subject to publish to must.
 * @param options.wildcards default true */
export function subjectProblem(subject: string, options: { readonly wildcards?: boolean } = {}): string | undefined {
  if (subject === "") return "a subject is empty";
  if (/[\s\p{Cc}]/u.test(subject)) return `subject "${subject}" holds white space`;
  const tokens = subject.split(".");
  if (tokens.includes("")) return `subject "${subject}" has an empty token; dots separate tokens and stand neither first, last nor double`;
  const mixed = tokens.find((token) => token.length > 1 && /[*>]/.test(token));
  if (mixed !== undefined)
    return `subject "${subject}": in the token "${mixed}" the wildcard would be an ordinary character; * and > must be whole tokens`;
  if (tokens.slice(0, -1).includes(">")) return `subject "${subject}": > is allowed as the last token only`;
  if (options.wildcards === false && tokens.some(isWildcard)) return `subject "${subject}" has a wildcard; a literal subject is needed`;
  return undefined;
}

/** Whether some literal subject matches both patterns, which two streams of one account must not have. */
export function subjectsOverlap(a: string, b: string): boolean {
  const left = a.split(".");
  const right = b.split(".");
  const shorter = Math.min(left.length, right.length);
  for (let index = 0; index < shorter; index++) {
    if (left[index] === ">" || right[index] === ">") return true;
    if (left[index] !== right[index] && left[index] !== "*" && right[index] !== "*") return false;
  }
  return left.length === right.length;
}

/** Whether every literal subject that matches `inner` also matches `outer`. A pattern covers itself. */
export function subjectCovers(outer: string, inner: string): boolean {
  const wide = outer.split(".");
  const narrow = inner.split(".");
  for (const [index, token] of wide.entries()) {
    const other = narrow[index];
    if (other === undefined) return false;
    if (token === ">") return true;
    if (other === ">" || (token !== "*" && token !== other)) return false;
  }
  return wide.length === narrow.length;
}

function isWildcard(token: string): boolean {
  return token === "*" || token === ">";
}
