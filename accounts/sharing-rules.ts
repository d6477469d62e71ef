/** What must hold between exports, imports, mappings and the rest of the accounts. Servers accept most of what is refused here and then deliver nothing. Pure. */
import type { Problem } from "../core/errors.ts";
import { subjectCovers, subjectProblem, subjectsOverlap } from "../core/names.ts";
import { isPublicKey } from "../core/nats-keys.ts";
import type { ParsedAccount } from "./schema.ts";

type Named = readonly (readonly [string, ParsedAccount])[];

interface Scope {
  /** Path of the account. */
  readonly path: string;
  /** Map keyed by name: every account that could be read. */
  readonly all: Readonly<Record<string, ParsedAccount>>;
  /** Whether these are all accounts. */
  readonly complete: boolean;
}

/** Every broken rule about what accounts share.
 * @param context as for the other rules of accounts */
export function findSharingProblems(accounts: Named, context: { readonly root: string; readonly complete: boolean }): Problem[] {
  const all = Object.fromEntries(accounts);
  return accounts.flatMap(([name, account]) => {
    const scope = { path: `${context.root}.${name}`, all, complete: context.complete };
    return [
      ...tierProblems(account, scope.path),
      ...exportProblems(account, scope),
      ...importProblems(name, account, scope),
      ...mappingProblems(account, scope.path),
      ...calloutProblems(account, scope),
      ...traceProblems(account, scope.path),
      ...revocationProblems(account, scope.path),
    ];
  });
}

function tierProblems({ limits: { jetstream } }: ParsedAccount, path: string): Problem[] {
  if (jetstream === false || jetstream?.tiers === undefined) return [];
  const { tiers, ...flat } = jetstream;
  const others = Object.entries(flat).filter(([, value]) => value !== undefined);
  const at = `${path}.limits.jetstream.tiers`;
  if (Object.keys(tiers).length === 0)
    return [problem(at, "there is no tier, so no stream could be made", "name R1 or R3, or remove tiers")];
  if (others.length === 0) return [];
  const names = others.map(([key]) => key).join(", ");
  return [problem(at, `servers drop limits beside tiers, and ${names} stand beside them`, "move them into the tiers, or remove tiers")];
}

function exportProblems(account: ParsedAccount, { path, all, complete }: Scope): Problem[] {
  const exports = Object.entries(account.exports);
  const { exports: most, wildcardExports = true } = account.limits;
  const found: Problem[] = [];
  if (most !== undefined && exports.length > most)
    found.push(
      problem(`${path}.limits.exports`, `${most} exports are allowed and ${exports.length} declared`, "raise the limit, or remove exports"),
    );
  for (const [index, [name, one]] of exports.entries()) {
    const at = `${path}.exports.${name}`;
    found.push(...exportShapeProblems(one, at));
    if (!wildcardExports && /[*>]/.test(one.subject))
      found.push(problem(`${at}.subject`, `"${one.subject}" has wildcards, and limits.wildcardExports is off`, "export literal subjects"));
    const earlier = exports.slice(0, index).find(([, other]) => other.kind === one.kind && subjectsOverlap(other.subject, one.subject));
    if (earlier !== undefined)
      found.push(
        problem(`${at}.subject`, `"${one.subject}" overlaps the export ${earlier[0]} of the same kind`, "make the subjects disjoint"),
      );
    const unknown = Object.keys(one.revoked).filter((key) => key !== "*" && !isAccount(key, all) && complete);
    found.push(
      ...unknown.map((key) => problem(`${at}.revoked.${key}`, `"${key}" is neither an account here nor a public key`, "name an account")),
    );
  }
  return found;
}

function exportShapeProblems(one: ParsedAccount["exports"][string], at: string): Problem[] {
  const found: Problem[] = [];
  const token = one.accountTokenPosition;
  if (token !== undefined && one.subject.split(".")[token - 1] !== "*")
    found.push(
      problem(`${at}.accountTokenPosition`, `token ${token} of "${one.subject}" is not *`, "point at the * that is the importer's key"),
    );
  if (one.kind === "service") return found;
  for (const key of ["latency", "responseThreshold"] as const)
    if (one[key] !== undefined)
      found.push(problem(`${at}.${key}`, "only a service has answers to measure", 'remove it, or make the kind "service"'));
  if (one.response !== "single") found.push(problem(`${at}.response`, "only a service answers", 'remove it, or make the kind "service"'));
  return found;
}

function importProblems(importer: string, account: ParsedAccount, { path, all, complete }: Scope): Problem[] {
  const imports = Object.entries(account.imports);
  const most = account.limits.imports;
  const found: Problem[] = [];
  if (most !== undefined && imports.length > most)
    found.push(
      problem(`${path}.limits.imports`, `${most} imports are allowed and ${imports.length} declared`, "raise the limit, or remove imports"),
    );
  for (const [name, one] of imports) {
    const at = `${path}.imports.${name}`;
    found.push(...localSubjectProblems(one, at));
    if (one.from === importer) found.push(problem(`${at}.from`, "an account cannot import from itself", "use mappings"));
    else if (all[one.from] !== undefined) found.push(...originProblems(one, all[one.from] as ParsedAccount, at));
    else if (!isPublicKey("account", one.from) && complete)
      found.push(
        problem(
          `${at}.from`,
          `there is no account "${one.from}"; there are ${Object.keys(all).sort().join(", ")}`,
          "name one, or give a public key",
        ),
      );
  }
  return [...found, ...repeatedImports(imports, path)];
}

/** A server delivers nothing on an import without a matching export, and says nothing. */
function originProblems(one: ParsedAccount["imports"][string], exporter: ParsedAccount, at: string): Problem[] {
  const covering = Object.values(exporter.exports).some(({ kind, subject }) => kind === one.kind && subjectCovers(subject, one.subject));
  if (covering) return [];
  const names = Object.entries(exporter.exports).map(([name, { kind, subject }]) => `${name} (${kind} ${subject})`);
  const message = `${one.from} exports no ${one.kind} that covers "${one.subject}"; it exports ${names.join(", ") || "nothing"}`;
  return [problem(`${at}.subject`, message, "import what is exported, or export it")];
}

function localSubjectProblems(one: ParsedAccount["imports"][string], at: string): Problem[] {
  if (one.as === undefined) return [];
  const wildcards = one.subject.split(".").filter((token) => token === "*").length;
  const references = [...one.as.matchAll(/\$(\d+)/g)].map(([, index]) => Number(index));
  const plain = one.as.replaceAll(/\$\d+/g, "*");
  const wrong = subjectProblem(plain);
  if (wrong !== undefined) return [problem(`${at}.as`, wrong, "write a subject, with $1, $2 … for the wildcards")];
  const outside = references.find((index) => index < 1 || index > wildcards);
  if (outside !== undefined)
    return [
      problem(`${at}.as`, `$${outside} stands for no wildcard; "${one.subject}" has ${wildcards}`, "count the * of the subject from 1"),
    ];
  const stars = plain.split(".").filter((token) => token === "*").length;
  if (stars !== wildcards)
    return [problem(`${at}.as`, `"${one.as}" has ${stars} wildcards and "${one.subject}" has ${wildcards}`, "name each wildcard once")];
  if (one.subject.endsWith(">") === one.as.endsWith(">")) return [];
  return [problem(`${at}.as`, `one of "${one.as}" and "${one.subject}" ends with > and the other does not`, "end both alike")];
}

/** Two services on one subject of the importing account: a server keeps one of them, by chance. */
function repeatedImports(imports: readonly (readonly [string, ParsedAccount["imports"][string]])[], path: string): Problem[] {
  const local = (one: ParsedAccount["imports"][string]) => (one.as ?? one.subject).replaceAll(/\$\d+/g, "*");
  return imports.flatMap(([name, one], index) => {
    const earlier = imports
      .slice(0, index)
      .find(([, other]) => one.kind === "service" && other.kind === "service" && subjectsOverlap(local(other), local(one)));
    if (earlier === undefined) return [];
    return [
      problem(`${path}.imports.${name}.as`, `"${local(one)}" is also where the service ${earlier[0]} is`, "import it as another subject"),
    ];
  });
}

function mappingProblems({ mappings }: ParsedAccount, path: string): Problem[] {
  return Object.entries(mappings).flatMap(([subject, targets]) => {
    const at = `${path}.mappings.${subject}`;
    const wildcards = subject.split(".").filter((token) => token === "*").length;
    const clusters = Map.groupBy(targets, ({ cluster }) => cluster ?? "");
    const heavy = [...clusters].filter(([, group]) => group.reduce((sum, { weight }) => sum + weight, 0) > 100);
    return [
      ...heavy.map(([cluster]) =>
        problem(at, `the weights${cluster === "" ? "" : ` in ${cluster}`} add up to more than 100`, "lower them"),
      ),
      ...targets.flatMap((target, index) => targetProblems(target.subject, wildcards, `${at}.${index}.subject`)),
    ];
  });
}

function targetProblems(target: string, wildcards: number, at: string): Problem[] {
  const used = [...target.matchAll(/\{\{\s*wildcard\(\s*(\d+)\s*\)\s*\}\}/g)].map(([, index]) => Number(index));
  const outside = used.find((index) => index < 1 || index > wildcards);
  if (outside !== undefined)
    return [problem(at, `{{wildcard(${outside})}} stands for no wildcard; the mapped subject has ${wildcards}`, "count its * from 1")];
  const wrong = subjectProblem(target.replaceAll(/\{\{[^}]*\}\}/g, "x"));
  return wrong === undefined ? [] : [problem(at, wrong, "write a subject")];
}

function calloutProblems({ externalAuthorization: callout, users }: ParsedAccount, { path, all, complete }: Scope): Problem[] {
  if (callout === undefined) return [];
  const at = `${path}.externalAuthorization`;
  const strangers = callout.users.filter((user) => users[user] === undefined && !isPublicKey("user", user));
  const unknown = callout.accounts.filter((account) => account !== "*" && !isAccount(account, all) && complete);
  return [
    ...strangers.map((user) => problem(`${at}.users`, `there is no user "${user}" in this account`, "name one, or give a public key")),
    ...unknown.map((account) => problem(`${at}.accounts`, `there is no account "${account}"`, 'name one, give a public key, or "*"')),
  ];
}

function traceProblems({ trace }: ParsedAccount, path: string): Problem[] {
  const wrong = trace === undefined ? undefined : subjectProblem(trace.subject, { wildcards: false });
  return wrong === undefined ? [] : [problem(`${path}.trace.subject`, wrong, "name one subject")];
}

function revocationProblems({ revoked }: ParsedAccount, path: string): Problem[] {
  return Object.keys(revoked)
    .filter((key) => key !== "*" && !isPublicKey("user", key))
    .map((key) => problem(`${path}.revoked.${key}`, `"${key}" is not the public key of a user`, 'give the key (U…), or "*" for everybody'));
}

function isAccount(name: string, all: Scope["all"]): boolean {
  return all[name] !== undefined || isPublicKey("account", name);
}

function problem(path: string, message: string, remedy: string): Problem {
  return { code: "ERR_ACCOUNT_ARGS", path, message, remedy };
}
