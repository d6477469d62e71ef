/** What lives inside a bus, as a text to be reviewed: it is in no object, and a change of it may cost messages. Pure. */
import { parse, stringify } from "yaml";
import type { AccountSpec } from "../../accounts/spec.ts";
import { CONSUMER_FIELDS } from "../../streams/consumer-fields.ts";
import { type Change, diffSpecs, type FieldChange } from "../../streams/diff.ts";
import { STREAM_FIELDS, type StreamSpec } from "../../streams/fields.ts";
import type { Declared } from "../../streams/resolve.ts";
import type { ResolvedBus } from "../resolved-bus.ts";
import { leafChanges } from "./leaf-changes.ts";
import type { ChangedObject } from "./object-change.ts";
import { type Risk, worstFirst } from "./risk.ts";

/** Name of the file. */
export const CONTENTS_FILE = "contents.txt";

/** One thing that lives in a bus. */
interface Asset {
  /** What `destroy`, and taking it out of the catalogue, does with it. */
  readonly deletionPolicy?: string;
  /** Complete value. */
  readonly spec: object;
}

/** Map keyed by kind, then by name. */
type Contents = Readonly<Record<string, Readonly<Record<string, Asset>>>>;

const HEAD = "What lives inside the bus, for reviews: no object, and nothing to apply. Entries and objects of stores are left out.";

/** The text of everything that a bus declares inside itself. Accounts of the servers' configuration stand there. */
export function contentsText({ spec, accounts, streams }: Pick<ResolvedBus, "spec" | "accounts" | "streams">): string {
  const contents: Contents = {
    Account:
      spec.auth.mode === "jwt" ? Object.fromEntries(accounts.map((account) => [account.name, { spec: withoutSecrets(account) }])) : {},
    Stream: assets(streams.streams, ({ spec: { name } }) => name),
    Consumer: assets(streams.consumers, ({ args: { stream, name } }) => `${stream} ${name}`),
    KeyValue: assets(streams.keyValue, ({ args: { bucket } }) => bucket),
    ObjectStore: assets(streams.objectStores, ({ args: { bucket } }) => bucket),
  };
  return `# ${HEAD}\n${stringify(contents, { aliasDuplicateObjects: false, lineWidth: 0 })}`;
}

/** Activations given by hand are secrets. */
function withoutSecrets(account: AccountSpec): AccountSpec {
  const imports = account.sharing.imports.map((one) => (one.activation === undefined ? one : { ...one, activation: "(hidden)" }));
  return { ...account, sharing: { ...account.sharing, imports } };
}

function assets<A extends object, S extends object>(
  list: readonly Declared<A, S>[],
  nameOf: (one: Declared<A, S>) => string,
): Readonly<Record<string, Asset>> {
  const policyOf = ({ args }: Declared<A, S>) => (args as { readonly deletionPolicy?: string }).deletionPolicy ?? "retain";
  return Object.fromEntries(list.map((one) => [nameOf(one), { deletionPolicy: policyOf(one), spec: one.spec }]));
}

/** What differs between two such texts. */
export function changedContents(before: string | undefined, after: string | undefined): ChangedObject[] {
  const [was, is] = [readContents(before), readContents(after)];
  const kinds = [...new Set([...Object.keys(was), ...Object.keys(is)])];
  return kinds.flatMap((kind) => {
    const names = [...new Set([...Object.keys(was[kind] ?? {}), ...Object.keys(is[kind] ?? {})])].sort();
    return names.flatMap((name) => changedAsset(kind, name, [was[kind]?.[name], is[kind]?.[name]]));
  });
}

function readContents(text: string | undefined): Contents {
  return text === undefined ? {} : (parse(text) as Contents);
}

function changedAsset(kind: string, name: string, [was, is]: readonly [Asset | undefined, Asset | undefined]): ChangedObject[] {
  if (was === undefined) return [{ kind, name, op: "create", leaves: [], risks: [] }];
  if (is === undefined) return [{ kind, name, op: "delete", leaves: [], risks: [goneRisk(kind, was)] }];
  const change = kind === "Account" ? undefined : diffSpecs(kind === "Consumer" ? CONSUMER_FIELDS : STREAM_FIELDS, was.spec, is.spec);
  const fields = change?.fields.map(({ key, was: from, want }) => ({ path: key, before: from, after: want }));
  const policy = leafChanges(was.deletionPolicy, is.deletionPolicy, "deletionPolicy");
  const leaves = [...(fields ?? leafChanges(was.spec, is.spec)), ...policy];
  if (leaves.length === 0) return [];
  const risks = change === undefined ? [] : fieldRisks(change, kind, was.spec, is.spec);
  return [{ kind, name, op: "update", leaves, risks }];
}

function goneRisk(kind: string, { deletionPolicy }: Asset): Risk {
  if (kind === "Account")
    return { level: "service", text: "its users are cut off once it is deleted; while it holds streams that is refused" };
  if (deletionPolicy === "delete") return { level: "data", text: "is deleted with everything it holds" };
  return { level: "none", text: "stays on the servers with everything it holds, and is not managed any more" };
}

function fieldRisks({ fields }: Change, kind: string, was: object, want: object): Risk[] {
  const risks = fields.map(
    (field) => fixedRisk(field) ?? (kind === "Consumer" ? undefined : valueRisk(field.key, was as StreamSpec, want as StreamSpec)),
  );
  return risks.filter((risk) => risk !== undefined).sort(worstFirst);
}

function fixedRisk({ key, inPlace, reason, migrates }: FieldChange): Risk | undefined {
  if (inPlace) return undefined;
  const way =
    migrates === true ? "refused, unless its policy lets it be copied or made anew" : "refused, unless its policy lets it be made anew";
  return { level: "data", text: `${key} cannot be changed in place${reason === undefined ? "" : ` (${reason})`}: ${way}` };
}

const LIMITS: ReadonlySet<string> = new Set(["maxMsgs", "maxBytes", "maxMsgsPerSubject", "maxAge"]);

function valueRisk(key: string, was: StreamSpec, want: StreamSpec): Risk | undefined {
  if (LIMITS.has(key)) return limitRisk(key as "maxMsgs", was, want);
  if (key === "retention" && want.retention === "interest")
    return { level: "data", text: "what every consumer has acknowledged is deleted" };
  if (key === "replicas" && want.replicas < was.replicas) return { level: "data", text: `${was.replicas} copies become ${want.replicas}` };
  const dropped = key === "subjects" ? was.subjects.filter((subject) => !want.subjects.includes(subject)) : [];
  if (dropped.length === 0) return undefined;
  return { level: "service", text: `publishers to ${dropped.join(", ")} get no acknowledgement any more` };
}

/** Nothing is deleted where a full stream refuses messages, but for those that are too old. */
function limitRisk(key: "maxMsgs" | "maxBytes" | "maxMsgsPerSubject" | "maxAge", was: StreamSpec, want: StreamSpec): Risk | undefined {
  const isLower = want[key] > 0 && (was[key] <= 0 || want[key] < was[key]);
  if (!isLower) return undefined;
  if (want.discard === "new" && key !== "maxAge") return { level: "service", text: `${key}: messages beyond the lower limit are refused` };
  return { level: "data", text: `${key}: messages beyond the lower limit are deleted` };
}
