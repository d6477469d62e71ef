/** What the providers of entries and objects do. The same flow for both: look, write when something differs, answer what is there. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { ConnectionSpec } from "../core/connection.ts";
import { BusError, type ErrorCode } from "../core/errors.ts";
import { progress } from "../core/progress.ts";
import { reporting } from "../core/reporting.ts";
import { isUnknown } from "../core/unknown.ts";
import type { EntryPort } from "./entry-port.ts";
import { canonical } from "./kinds.ts";
import { openEntryPort } from "./nats-port-entries.ts";
import type { Operations, Properties } from "./operations.ts";

/** Entries of key-value buckets. */
export const keyValueEntryOperations: Operations = operationsOf({
  noun: "entry",
  identity: ["bucket", "key"],
  content: ["value"],
  problems: entryProblems,
  prepare: async (inputs) => inputs,
  observe: async (port, { bucket, key }) => {
    const { info } = await port.readEntry(bucket, key);
    return info && { owner: info.owner, content: { value: info.value } };
  },
  write: async (port, { bucket, key }, inputs) => {
    const { revision } = await port.readEntry(bucket, key);
    await port.writeEntry({ bucket, key, value: String(inputs["value"]), owner: ownerOf(inputs), expected: revision });
  },
  remove: (port, { bucket, key }) => port.deleteEntry(bucket, key),
});

/** Objects of object stores. */
export const objectEntryOperations: Operations = operationsOf({
  noun: "object",
  identity: ["bucket", "name"],
  content: ["digest", "description"],
  problems: objectProblems,
  prepare: async (inputs) => ({ ...inputs, description: inputs["description"] ?? "", digest: digestOf(await contentOf(inputs)) }),
  observe: async (port, { bucket, key }) => {
    const info = await port.readObject(bucket, key);
    return info && { owner: info.owner, content: { digest: info.digest, description: info.description } };
  },
  write: async (port, { bucket, key }, inputs) => {
    const description = String(inputs["description"] ?? "");
    await port.writeObject({ bucket, name: key, content: await contentOf(inputs), description, owner: ownerOf(inputs) });
  },
  remove: (port, { bucket, key }) => port.deleteObject(bucket, key),
});

interface Place {
  readonly bucket: string;
  readonly key: string;
}

interface EntryKind {
  readonly noun: string;
  /** Properties that say which one it is: bucket first. */
  readonly identity: readonly [string, string];
  /** Properties that are compared with what is there. */
  readonly content: readonly string[];
  problems(inputs: Properties): readonly EntryProblem[];
  /** Inputs with what is computed from them. */
  prepare(inputs: Properties): Promise<Properties>;
  observe(port: EntryPort, place: Place): Promise<{ readonly owner: string | undefined; readonly content: Properties } | undefined>;
  write(port: EntryPort, place: Place, inputs: Properties): Promise<void>;
  remove(port: EntryPort, place: Place): Promise<void>;
}

interface EntryProblem {
  readonly property: string;
  readonly message: string;
  readonly code: ErrorCode;
}

const POLICIES: Readonly<Record<string, readonly string[]>> = { deletionPolicy: ["retain", "delete"], adoptionPolicy: ["never", "adopt"] };
const KEY = /^[-/_=.a-zA-Z0-9]+$/;

function operationsOf(kind: EntryKind): Operations {
  return reporting({
    check: (_olds: Properties, news: Properties) => check(kind, news),
    diff: async (_id: string, olds: Properties, news: Properties) => diff(kind, olds, news),
    create: async (inputs: Properties) => ({ id: labelOf(kind, inputs), outs: await apply(kind, inputs, undefined) }),
    read: (id: string, props: Properties) => read(kind, id, props),
    update: async (_id: string, olds: Properties, news: Properties) => ({ outs: await apply(kind, news, olds) }),
    delete: (_id: string, props: Properties) => remove(kind, props),
  });
}

async function check(kind: EntryKind, news: Properties) {
  const { connection: _apart, ...settings } = news;
  if (isUnknown(settings)) return { inputs: news, failures: [] };
  const problems = [...kind.problems(news), ...policyProblems(news)];
  const failures = problems.map(({ property, message, code }) => ({
    property,
    reason: `${kind.noun} ${labelOf(kind, news)}: ${message} [${code}]`,
  }));
  return { inputs: failures.length > 0 ? news : await kind.prepare(news), failures };
}

function diff(kind: EntryKind, olds: Properties, news: Properties) {
  const replaces = kind.identity.filter((key) => olds[key] !== news[key]);
  if (replaces.length > 0) return { changes: true, replaces: [...replaces], deleteBeforeReplace: true };
  const connection = isUnknown(news["connection"]) ? olds["connection"] : news["connection"];
  const beside = ["owner", ...Object.keys(POLICIES)];
  const pick = (props: Properties) => canonical([...kind.content, ...beside].map((key) => props[key] ?? null));
  return { changes: pick(olds) !== pick(news) || canonical(olds["connection"]) !== canonical(connection) };
}

async function apply(kind: EntryKind, inputs: Properties, olds: Properties | undefined): Promise<Properties> {
  const port = await openEntryPort(inputs["connection"] as ConnectionSpec);
  const place = placeOf(kind, inputs);
  const seen = await kind.observe(port, place);
  const same = seen !== undefined && kind.content.every((key) => seen.content[key] === inputs[key]);
  const ours = seen === undefined || olds !== undefined || seen.owner === ownerOf(inputs) || inputs["adoptionPolicy"] === "adopt";
  if (!same && !ours) throw foreign(`${kind.noun} ${labelOf(kind, inputs)}`, seen?.owner);
  if (!same) {
    progress(`${kind.noun} ${labelOf(kind, inputs)}: ${seen === undefined ? "writing" : "writing over what is there"}`);
    await kind.write(port, place, inputs);
  }
  return withoutInternal(inputs);
}

async function read(kind: EntryKind, id: string, props: Properties): Promise<{ id: string; props: Properties }> {
  const port = await openEntryPort(props["connection"] as ConnectionSpec);
  const seen = await kind.observe(port, placeOf(kind, props));
  return seen === undefined ? { id: "", props: {} } : { id, props: { ...withoutInternal(props), ...seen.content } };
}

async function remove(kind: EntryKind, props: Properties): Promise<void> {
  const label = `${kind.noun} ${labelOf(kind, props)}`;
  if (props["deletionPolicy"] !== "delete") return progress(`${label} stays on the servers (deletionPolicy: retain)`);
  const port = await openEntryPort(props["connection"] as ConnectionSpec);
  const place = placeOf(kind, props);
  const seen = await goneIsFine(() => kind.observe(port, place));
  if (seen !== undefined) await kind.remove(port, place);
}

/** What `look` finds; nothing when the bucket itself is gone. */
async function goneIsFine<T>(look: () => Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await look();
  } catch (error) {
    if (error instanceof BusError && error.code === "ERR_STREAM_MISSING") return undefined;
    throw error;
  }
}

function entryProblems({ key, value }: Properties): readonly EntryProblem[] {
  const named = typeof key === "string" && KEY.test(key) && !key.startsWith(".") && !key.endsWith(".");
  const wanted = 'a key holds letters, digits and "-_/=.", and neither begins nor ends with a dot';
  return [
    ...(named ? [] : [{ property: "key", message: `"${String(key)}" is not allowed; ${wanted}`, code: "ERR_NAME" as const }]),
    ...(typeof value === "string" ? [] : [{ property: "value", message: "a text is needed", code: "ERR_STREAM_VALUE" as const }]),
  ];
}

function objectProblems({ name, content, file }: Properties): readonly EntryProblem[] {
  const one = (content === undefined) !== (file === undefined);
  return [
    ...(typeof name === "string" && name !== "" ? [] : [{ property: "name", message: "a name is needed", code: "ERR_NAME" as const }]),
    ...(one ? [] : [{ property: "content", message: "write either content or file", code: "ERR_STREAM_VALUE" as const }]),
  ];
}

function policyProblems(inputs: Properties): readonly EntryProblem[] {
  return Object.entries(POLICIES)
    .filter(([key, words]) => inputs[key] !== undefined && !words.includes(String(inputs[key])))
    .map(([property, words]) => ({ property, message: `wanted is ${words.join(" or ")}`, code: "ERR_STREAM_VALUE" as const }));
}

async function contentOf({ content, file }: Properties): Promise<Uint8Array> {
  if (file === undefined) return Buffer.from(String(content));
  try {
    return await readFile(String(file));
  } catch (cause) {
    throw new BusError("ERR_STREAM_VALUE", `the file ${String(file)} cannot be read`, {
      cause,
      path: "file",
      remedy: "name a file of the project",
    });
  }
}

/** As object stores write it. */
function digestOf(content: Uint8Array): string {
  const digest = createHash("sha256").update(content).digest("base64").replaceAll("+", "-").replaceAll("/", "_");
  return `SHA-256=${digest}`;
}

function foreign(what: string, owner: string | undefined): BusError {
  return new BusError("ERR_STREAM_FOREIGN", `${what} is there with another value${owner === undefined ? "" : `, written by ${owner}`}`, {
    path: "adoptionPolicy",
    remedy: 'set adoptionPolicy: "adopt" to write over it, or choose another name',
  });
}

function placeOf({ identity: [bucket, key] }: EntryKind, props: Properties): Place {
  return { bucket: String(props[bucket]), key: String(props[key]) };
}

function labelOf(kind: EntryKind, props: Properties): string {
  const { bucket, key } = placeOf(kind, props);
  return `${bucket}/${key}`;
}

function ownerOf(props: Properties): string {
  return String(props["owner"] ?? "");
}

function withoutInternal(props: Properties): Properties {
  return Object.fromEntries(Object.entries(props).filter(([key]) => !key.startsWith("__")));
}
