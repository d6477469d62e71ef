/** The reference of stream, consumer and bucket settings, written from the tables that also plan every change. */
import { KEY_VALUE_FIELDS, OBJECT_STORE_FIELDS } from "../streams/bucket.ts";
import { CONSUMER_FIELDS } from "../streams/consumer-fields.ts";
import type { Field, FieldTable, Mutability } from "../streams/field.ts";
import { STREAM_FIELDS } from "../streams/fields.ts";
import { POLICY_FIELDS } from "../streams/policy.ts";

const RULES: Readonly<Record<Mutability, string>> = {
  update: "in place",
  "one-way": "in place in one direction",
  replace: "only anew",
  "create-only": "only anew",
  "server-owned": "the server decides",
};

const HEAD = `# Streams, consumers and buckets: every setting

Generated from the tables in \`streams/\`; do not edit. *In place* keeps every message. *Only anew* means that the object would have to be deleted and made again: refused in the preview while it holds anything,
unless \`replacePolicy: migrate\` moves what it holds over a verified copy, or \`recreate\` accepts the loss. See [what happens to data](../data-safety.md).
`;

/** Text of `docs/reference/streams.md`. */
export function renderStreamsReference(): string {
  const sections: [string, FieldTable][] = [
    ["Stream (`streams.NAME`)", STREAM_FIELDS],
    ["Consumer (`streams.NAME.consumers.NAME`)", CONSUMER_FIELDS],
    ["Key-value bucket (`keyValue.NAME`)", KEY_VALUE_FIELDS],
    ["Object store (`objectStores.NAME`)", OBJECT_STORE_FIELDS],
    ["Policies (of each of them)", POLICY_FIELDS],
  ];
  return `${HEAD}${sections.map(([title, fields]) => renderSection(title, fields)).join("")}`;
}

function renderSection(title: string, fields: FieldTable): string {
  const rows = Object.entries(fields).map(([key, field]) => renderRow(key, field));
  return `\n## ${title}\n\n| setting | default | since server | a change is made |\n| --- | --- | --- | --- |\n${rows.join("\n")}\n`;
}

function renderRow(key: string, field: Field<unknown>): string {
  const { rule, reason, refusal, before, migrates } = field.change;
  const older = before && `servers before ${before.version} ${before.inPlace ? "take it in place" : `refuse it: \`${before.refusal}\``}`;
  const stuck = migrates === false && rule !== "update" ? "not by a copy either" : undefined;
  const why = [reason, stuck, refusal === undefined ? undefined : `server: \`${refusal}\``, older]
    .filter((part) => part !== undefined)
    .join("; ");
  return `| \`${key}\` | ${renderDefault(field)} | ${field.since === "" ? "–" : field.since} | ${RULES[rule]}${why === "" ? "" : ` (${why})`} |`;
}

function renderDefault(field: Field<unknown>): string {
  const written = field.kind.render(field.fallback);
  return written === undefined || written === "" ? "–" : `\`${JSON.stringify(written)}\``;
}
