/** What the provider of each resource does. Inputs are what a person wrote, outputs what the server answered, in the same words. */
import type { ConnectionSpec } from "../core/connection.ts";
import { type BusError, isBusError, type Problem } from "../core/errors.ts";
import { progress } from "../core/progress.ts";
import { reporting } from "../core/reporting.ts";
import { isUnknown } from "../core/unknown.ts";
import { type Asset, consumerAsset, type Observed, streamAsset } from "./asset.ts";
import { type Change, diffSpecs, renderChange, sameValue } from "./diff.ts";
import { canonical } from "./kinds.ts";
import { openStreamPort } from "./nats-port.ts";
import type { Parsed } from "./parse.ts";
import { effectsOfChange, refusalOfChange, type Stake } from "./policy.ts";
import { observeAsset, reconcile, removeAsset } from "./reconcile.ts";
import { consumerDialect, type Dialect, keyValueDialect, objectStoreDialect, parsePolicy, streamDialect } from "./spec.ts";

/** Properties as they travel between engine and provider. */
export type Properties = Readonly<Record<string, unknown>>;

/** The calls of a provider, for one kind of resource. */
export interface Operations {
  /** Validates inputs, and refuses what the policies forbid, so that a preview shows it. */
  check(olds: Properties, news: Properties): Promise<{ inputs: Properties; failures: { property: string; reason: string }[] }>;
  /** Compares what the server last answered with the inputs.
   * @throws ERR_STREAM_IMMUTABLE when a change outside of natsbus could be repaired at the price of data only */
  diff(id: string, olds: Properties, news: Properties): Promise<{ changes: boolean; replaces?: string[]; deleteBeforeReplace?: boolean }>;
  /** Brings the object into being, or finds the one an interrupted run made. */
  create(inputs: Properties): Promise<{ id: string; outs: Properties }>;
  /** The object as it is; an empty id when there is none. */
  read(id: string, props: Properties): Promise<{ id: string; props: Properties }>;
  /** Brings the object to new inputs. Other connection settings or policies alone write nothing on the server. */
  update(id: string, olds: Properties, news: Properties): Promise<{ outs: Properties }>;
  /** Deletes the object when its `deletionPolicy` says so; nothing there is a success. */
  delete(id: string, props: Properties): Promise<void>;
}

/** Streams. */
export const streamOperations: Operations = operationsOf(streamAsset, streamDialect);
/** Durable consumers. */
export const consumerOperations: Operations = operationsOf(consumerAsset, consumerDialect);
/** Key-value buckets. */
export const keyValueOperations: Operations = operationsOf(streamAsset, keyValueDialect);
/** Object stores. */
export const objectStoreOperations: Operations = operationsOf(streamAsset, objectStoreDialect);

const PREVIEW_TIMEOUT_MS = 2_000;
/** Inputs beside the settings; `live` holds, for buckets, the whole stream as it was last seen. */
const BESIDE = ["connection", "owner", "live", "__provider"];

function operationsOf<S extends object, L extends object = S>(asset: Asset<S>, dialect: Dialect<L, S>): Operations {
  const kind: Kindred<S> = {
    asset,
    dialect: dialect as Dialect<object, S>,
    parse: (props) => dialect.parse(props, labelOf(dialect, props), BESIDE),
    last: (outputs) => lastSeen(asset, dialect as Dialect<object, S>, outputs),
  };
  const operations = {
    check: (olds: Properties, news: Properties) => check(kind, olds, news),
    diff: (_id: string, olds: Properties, news: Properties) => diff(kind, olds, news),
    create: async (inputs: Properties) => ({ id: idOf(dialect, inputs), outs: await apply(kind, inputs, false) }),
    read: (id: string, props: Properties) => read(kind, id, props),
    update: async (_id: string, _olds: Properties, news: Properties) => ({ outs: await apply(kind, news, true) }),
    delete: (_id: string, props: Properties) => remove(kind, props),
  };
  return reporting(operations);
}

interface Kindred<S extends object> {
  readonly asset: Asset<S>;
  readonly dialect: Dialect<object, S>;
  readonly parse: (props: Properties) => Parsed<S>;
  readonly last: (outputs: Properties) => S;
}

async function check<S extends object>(kind: Kindred<S>, olds: Properties, news: Properties) {
  const label = labelOf(kind.dialect, news);
  const parsed = kind.parse(news);
  const problems = [...parsed.problems, ...parsePolicy(news, label).problems];
  const settings = settingsOf(kind, news);
  const isChanged = isMade(kind, olds) && problems.length === 0 && canonical(settingsOf(kind, olds)) !== canonical(settings);
  const refusal =
    isChanged && !isUnknown(settings)
      ? await refusalBetween(kind, { was: kind.parse(olds).value, want: parsed.value, olds, news })
      : undefined;
  const failures = problems.map((problem) => failureOf(problem, label));
  return { inputs: news, failures: refusal === undefined ? failures : [...failures, refusalFailure(refusal)] };
}

async function diff<S extends object>(kind: Kindred<S>, olds: Properties, news: Properties) {
  if (isUnknown(settingsOf(kind, news))) return { changes: true };
  const moved = kind.dialect.identity.filter((key) => canonical(olds[key]) !== canonical(news[key]));
  if (moved.length > 0) return { changes: true, replaces: [...moved], deleteBeforeReplace: true };
  const was = kind.last(olds);
  const want = kind.parse(news).value;
  const change = diffSpecs(kind.asset.fields, was, want);
  if (change.kind === "none") return { changes: besideDiffers(kind, olds, news) };
  const refusal = await refusalBetween(kind, { was, want, olds, news });
  if (refusal !== undefined) throw refusal;
  await sayCosts(kind, { want, news, change });
  return { changes: true };
}

async function apply<S extends object>(kind: Kindred<S>, inputs: Properties, known: boolean): Promise<Properties> {
  const label = labelOf(kind.dialect, inputs);
  const port = await openStreamPort(connectionOf(inputs));
  const goal = { spec: kind.parse(inputs).value, owner: ownerOf(inputs), policy: parsePolicy(inputs, label).value, known };
  return outputsOf(kind, inputs, await reconcile(kind.asset, port, goal));
}

async function read<S extends object>(kind: Kindred<S>, id: string, props: Properties): Promise<{ id: string; props: Properties }> {
  const port = await openStreamPort(connectionOf(props));
  const seen = await observeAsset(kind.asset, port, kind.last(props));
  return seen === undefined ? { id: "", props: {} } : { id, props: outputsOf(kind, props, seen) };
}

async function remove<S extends object>(kind: Kindred<S>, props: Properties): Promise<void> {
  const spec = kind.last(props);
  if (parsePolicy(props, labelOf(kind.dialect, props)).value.deletionPolicy === "retain") {
    progress(`${kind.asset.what(spec)} stays on the servers (deletionPolicy: retain)`);
    return;
  }
  await removeAsset(kind.asset, await openStreamPort(connectionOf(props)), { spec, owner: ownerOf(props) });
}

interface Comparison<S> {
  readonly was: S;
  readonly want: S;
  readonly olds: Properties;
  readonly news: Properties;
}

/** Why the change must not be made; asks the servers only when the change could cost data. */
async function refusalBetween<S extends object>(kind: Kindred<S>, { was, want, olds, news }: Comparison<S>): Promise<BusError | undefined> {
  const change = diffSpecs(kind.asset.fields, was, want);
  const risky = change.kind === "replace" || change.fields.some((field) => field.key === "retention");
  if (!risky) return undefined;
  const stake = await stakeOf(kind, {
    spec: was,
    want,
    connection: isUnknown(news["connection"]) ? olds["connection"] : news["connection"],
  });
  if (stake === undefined) return undefined;
  return refusalOfChange(kind.asset.what(was), change, parsePolicy(news, "").value, stake);
}

/** What is at stake now; `undefined` when the object does not exist. */
async function stakeOf<S>(
  kind: { readonly asset: Asset<S> },
  at: { spec: S; want: S; connection: unknown },
): Promise<Stake | "unknown" | undefined> {
  if (isUnknown(at.connection)) return "unknown";
  try {
    const port = await openStreamPort({ ...(at.connection as ConnectionSpec), timeoutMs: PREVIEW_TIMEOUT_MS });
    return (await kind.asset.observe(port, at.spec))?.stake(at.want);
  } catch (error) {
    if (isBusError(error)) return "unknown";
    throw error;
  }
}

async function sayCosts<S>(kind: { readonly asset: Asset<S> }, at: { want: S; news: Properties; change: Change }): Promise<void> {
  const what = kind.asset.what(at.want);
  const stake = await stakeOf(kind, { spec: at.want, want: at.want, connection: at.news["connection"] });
  const effects = effectsOfChange(at.change, parsePolicy(at.news, "").value, stake);
  progress([`${what}: ${at.change.fields.map(renderChange).join(", ")}`, ...effects].join("; "));
}

function outputsOf<S extends object>(kind: Kindred<S>, props: Properties, seen: Observed<S>): Properties {
  const rendered = inWordsOf(kind, props, seen.spec);
  const policies = parsePolicy(props, "").value;
  const live = isBucket(kind) ? { live: streamDialect.render(seen.spec as never) } : {};
  return { ...rendered, ...policies, ...live, owner: seen.owner ?? "", connection: props["connection"] };
}

/** The settings in the words of `props` where these mean the same: a `3d` must not become `72h`, or the next preview would call it a change. */
function inWordsOf<S extends object>({ dialect, parse }: Kindred<S>, props: Properties, seen: S): Properties {
  const found: Properties = { ...dialect.render(seen) };
  const said: Properties = { ...dialect.render(parse(props).value) };
  const kept = Object.keys(settingsOf({ dialect }, props)).filter((key) => props[key] !== undefined && sameValue(said[key], found[key]));
  return { ...found, ...Object.fromEntries(kept.map((key) => [key, props[key]])) };
}

/** The object as it was last seen; for a bucket the whole stream, so that drift outside of its settings shows. */
function lastSeen<S extends object>(asset: Asset<S>, dialect: Dialect<object, S>, outputs: Properties): S {
  const live = outputs["live"];
  if (typeof live !== "object" || live === null) return dialect.parse(outputs, "", BESIDE).value;
  return asset.normalise(streamDialect.parse(live as Properties, "").value as unknown as S);
}

function isBucket<S extends object>(kind: Kindred<S>): boolean {
  return kind.dialect.identity.includes("bucket");
}

function besideDiffers<S extends object>(kind: Kindred<S>, olds: Properties, news: Properties): boolean {
  const policies = (props: Properties) => canonical(parsePolicy(props, labelOf(kind.dialect, props)).value);
  // In the preview of a change elsewhere the connection may not be known yet; most likely it stays what it is.
  const connection = isUnknown(news["connection"]) ? olds["connection"] : news["connection"];
  return canonical([olds["connection"], olds["owner"]]) !== canonical([connection, news["owner"]]) || policies(olds) !== policies(news);
}

function isMade<S extends object>(kind: Kindred<S>, olds: Properties): boolean {
  return kind.dialect.identity.every((key) => typeof olds[key] === "string" && olds[key] !== "") && !isUnknown(olds);
}

function settingsOf(kind: { readonly dialect: { readonly settings: readonly string[] } }, props: Properties): Properties {
  return Object.fromEntries(Object.entries(props).filter(([key]) => kind.dialect.settings.includes(key)));
}

function labelOf(dialect: { readonly noun: string; readonly identity: readonly string[] }, props: Properties): string {
  return `${dialect.noun} ${dialect.identity.map((key) => (isUnknown(props[key]) ? "?" : String(props[key] ?? "?"))).join("/")}`;
}

function idOf(dialect: { readonly identity: readonly string[] }, props: Properties): string {
  return dialect.identity.map((key) => String(props[key])).join("/");
}

function failureOf(problem: Problem, label: string): { property: string; reason: string } {
  return { property: problem.path.slice(label.length + 1), reason: `${label}: ${problem.message} [${problem.code}]; ${problem.remedy}` };
}

function refusalFailure(refusal: BusError): { property: string; reason: string } {
  return { property: refusal.path ?? "", reason: `${refusal.message} [${refusal.code}]; ${refusal.remedy ?? ""}` };
}

function connectionOf(props: Properties): ConnectionSpec {
  return props["connection"] as ConnectionSpec;
}

function ownerOf(props: Properties): string {
  return String(props["owner"] ?? "");
}
