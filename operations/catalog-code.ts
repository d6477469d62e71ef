/** Writes a described cluster as code for `streams/catalog.ts`. Pure. Every text comes from a cluster, so it is quoted wherever it stands. */
import type { DescribedBus, Note } from "./describe.ts";
import type { AccountNote, DescribedAccounts } from "./describe-accounts.ts";

const LINE_WIDTH = 140;
const INDENT = "  ";
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

/** Text of a module that exports the catalogue as `imported`, and `accounts` as such when they were read. `source` says where it was found. */
export function renderCatalogCode(described: DescribedBus, source: string, accounts?: DescribedAccounts): string {
  const { streams, keyValue, objectStores, notes } = described;
  return [
    "/**",
    ` * What the JetStream of ${oneLine(source).replaceAll("*/", "* /")} holds, as \`natsbus import\` found it. \`up\` takes everything over with all it holds.`,
    " */",
    ...notes.map((note) => `// ${renderNote(note)}`),
    `export const imported = ${renderValue({ streams, keyValue, objectStores }, "", 0)} as const;`,
    "",
    ...(accounts === undefined ? [] : renderAccounts(accounts)),
  ].join("\n");
}

function renderAccounts({ accounts, notes }: DescribedAccounts): string[] {
  return [
    "/** Accounts for `accounts/catalog.ts`; users are for you to name. */",
    ...notes.map((note) => `// ${renderAccountNote(note)}`),
    `export const accounts = ${renderValue(accounts, "", 0)} as const;`,
    "",
  ];
}

/** A note about an account in one line. */
export function renderAccountNote({ name, text, leftOut }: AccountNote): string {
  return oneLine(`account ${name}${leftOut ? " is left out" : ""}: ${text}`);
}

/** A note in one line. */
export function renderNote({ noun, name, text, leftOut }: Note): string {
  return oneLine(`${noun} ${name}${leftOut ? " is left out" : ""}: ${text}`);
}

/** `column` is where the value begins, so that a short list fits its line as the formatter would have it. */
function renderValue(value: unknown, indent: string, column: number): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return Array.isArray(value) ? renderList(value, indent, column) : renderRecord(value, indent);
}

function renderRecord(value: object, indent: string): string {
  const deeper = `${indent}${INDENT}`;
  const lines = Object.entries(value).map(([key, part]) => {
    const start = `${deeper}${renderKey(key)}: `;
    return `${start}${renderValue(part, deeper, start.length)},\n`;
  });
  return lines.length === 0 ? "{}" : `{\n${lines.join("")}${indent}}`;
}

function renderList(items: readonly unknown[], indent: string, column: number): string {
  const deeper = `${indent}${INDENT}`;
  const parts = items.map((item) => renderValue(item, deeper, deeper.length));
  const short = `[${parts.join(", ")}]`;
  if (!short.includes("\n") && column + short.length < LINE_WIDTH) return short;
  return `[\n${parts.map((part) => `${deeper}${part},\n`).join("")}${indent}]`;
}

/** Written plainly, `__proto__` would not be a key. */
function renderKey(key: string): string {
  if (key === "__proto__") return '["__proto__"]';
  return IDENTIFIER.test(key) ? key : JSON.stringify(key);
}

function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, " ");
}
