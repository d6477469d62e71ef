import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CONSUMER_FIELDS } from "../../../streams/consumer-fields.ts";
import { diffSpecs, renderChange } from "../../../streams/diff.ts";
import type { FieldTable } from "../../../streams/field.ts";
import { STREAM_FIELDS } from "../../../streams/fields.ts";
import { normaliseConsumer, normaliseStream } from "../../../streams/normalise.ts";
import { consumerDialect, type Dialect, streamDialect } from "../../../streams/spec.ts";
import { OWNER_KEY, readConfig, requiredLevel, writeConfig } from "../../../streams/wire.ts";
import { consumerArgs, streamArgs } from "./arbitrary.ts";
import { CONSUMER_CHANGES, changeRows, STREAM_CHANGES } from "./changes.ts";

type Both = [
  string,
  { fields: FieldTable; dialect: Dialect<object, object>; args: fc.Arbitrary<object>; normalise: (spec: object) => object },
];
const both = [
  ["stream", { fields: STREAM_FIELDS, dialect: streamDialect, args: streamArgs, normalise: normaliseStream }],
  ["consumer", { fields: CONSUMER_FIELDS, dialect: consumerDialect, args: consumerArgs, normalise: normaliseConsumer }],
] as unknown as Both[];

describe.each(both)("%s", (_kind, { fields, dialect, args, normalise }) => {
  const specs = args.map((written) => dialect.parse(written as Record<string, unknown>, "x").value);

  test("the arbitrary covers every row of the table", () => {
    const seen = new Set(fc.sample(args, 300).flatMap((written) => Object.keys(written)));
    expect(Object.keys(fields).filter((key) => !seen.has(key))).toEqual([]);
  });

  test("a value does not differ from itself", () => {
    fc.assert(fc.property(specs, (spec) => void expect(diffSpecs(fields, spec, spec).kind).toBe("none")));
  });

  test("normalising twice changes nothing more", () => {
    fc.assert(fc.property(specs, (spec) => void expect(normalise(normalise(spec))).toEqual(normalise(spec))));
  });

  test("what is written as settings is read back the same", () => {
    const back = (spec: object) => dialect.parse(dialect.render(spec) as Record<string, unknown>, "x").value;
    fc.assert(fc.property(specs, (spec) => void expect(diffSpecs(fields, back(spec), spec).fields.map(renderChange)).toEqual([])));
  });

  test("what is sent to a server is read back the same, its marker and its unknown fields apart", () => {
    fc.assert(
      fc.property(specs, (spec) => {
        const config = writeConfig(fields, spec as never, { owner: "p/s/x", unknown: { future_field: [1] } });
        const sent = JSON.parse(JSON.stringify(config)) as Record<string, unknown>;
        const read = readConfig(fields, sent, { stream: (spec as { stream?: string }).stream });
        expect(diffSpecs(fields, normalise(read.spec), spec).fields.map(renderChange)).toEqual([]);
        expect(read).toMatchObject({ owner: "p/s/x", unknown: { future_field: [1] } });
      }),
    );
  });

  test("two values that differ always give a change, and a change names the field", () => {
    fc.assert(
      fc.property(specs, specs, (a, b) => {
        const change = diffSpecs(fields, a, b);
        const applied = { ...a, ...Object.fromEntries(change.fields.map(({ key }) => [key, (b as Record<string, unknown>)[key]])) };
        expect(diffSpecs(fields, applied, b).kind).toBe("none");
      }),
    );
  });
});

test("nothing but a stream's name, subjects and replicas reaches the server when all is default", () => {
  const { value } = streamDialect.parse({ name: "S" }, "S");
  expect(writeConfig(STREAM_FIELDS, value)).toEqual({ name: "S", subjects: ["S"], num_replicas: 3, duplicate_window: 120_000_000_000 });
});

test("a consumer always says how it acknowledges, as the server's own default is not to", () => {
  const { value } = consumerDialect.parse({ stream: "S", name: "c" }, "c");
  expect(writeConfig(CONSUMER_FIELDS, value)).toMatchObject({ durable_name: "c", ack_policy: "explicit", ack_wait: 30_000_000_000 });
});

test("the server's own metadata and the marker are no part of the value", () => {
  const metadata = { "_nats.ver": "2.15.2", "_nats.req.level": "0", [OWNER_KEY]: "p/s/x", team: "a" };
  expect(readConfig(STREAM_FIELDS, { name: "S", metadata })).toMatchObject({ spec: { metadata: { team: "a" } }, owner: "p/s/x" });
});

test.each([
  [{}, 0],
  [{ allowMsgTtl: true }, 1],
  [{ subjectDeleteMarkerTtl: "5s" }, 1],
  [{ allowAtomic: true }, 2],
  [{ allowMsgSchedules: true, allowBatched: true }, 4],
])("%o needs API level %i", (settings, level) => {
  expect(requiredLevel(STREAM_FIELDS, streamDialect.parse({ name: "S", ...settings }, "S").value)).toBe(level);
});

describe("every row of the tables says what a change does", () => {
  const judge = (fields: FieldTable, key: string, pair: [unknown, unknown]) => {
    const field = fields[key]!;
    const [was, want] = pair.map((value) => (value === undefined ? field.kind.absent : field.kind.schema.parse(value)));
    return diffSpecs({ [key]: field }, { [key]: was }, { [key]: want });
  };
  const verdict = (fields: FieldTable, { key, was, want, inPlace }: ReturnType<typeof changeRows>[number]) => {
    const change = judge(fields, key, [was, want]);
    if (fields[key]?.change.rule === "server-owned") return void expect(change.kind).toBe("none");
    expect(change.kind).toBe(inPlace ? "update" : "replace");
    expect(change.fields[0]).toMatchObject({ key, inPlace });
    if (!inPlace) expect(change.fields[0]?.reason).toMatch(/\w{3}/);
  };
  test.each(changeRows(STREAM_CHANGES))("stream $key: $was → $want, in place: $inPlace", (row) => verdict(STREAM_FIELDS, row));
  test.each(changeRows(CONSUMER_CHANGES))("consumer $key: $was → $want, in place: $inPlace", (row) => verdict(CONSUMER_FIELDS, row));
});

test("the order of subjects and of sources is no difference, the order of back-off waits is", () => {
  const parse = (args: Record<string, unknown>) => streamDialect.parse({ name: "S", ...args }, "S").value;
  const a = parse({ subjects: ["a", "b"], sources: [{ name: "X" }, { name: "Y" }] });
  const b = parse({ subjects: ["b", "a"], sources: [{ name: "Y" }, { name: "X" }] });
  expect(diffSpecs(STREAM_FIELDS, a, b).kind).toBe("none");
});

test("the window that servers before 2.14 fill in beside sources is no difference; any other one is, and so is a wanted one", () => {
  const parse = (args: Record<string, unknown>) => streamDialect.parse({ name: "S", sources: [{ name: "X" }], ...args }, "S").value;
  const kinds = (was: Record<string, unknown>, want: Record<string, unknown>) => diffSpecs(STREAM_FIELDS, parse(was), parse(want)).kind;
  expect(kinds({ duplicateWindow: "2m" }, {})).toBe("none");
  expect(kinds({ duplicateWindow: "1m", maxAge: "1m" }, { maxAge: "1m" })).toBe("none");
  expect(kinds({ duplicateWindow: "5m" }, {})).toBe("update");
  expect(kinds({}, { duplicateWindow: "2m" })).toBe("update");
  expect(kinds({ duplicateWindow: "2m" }, { duplicateWindow: "1m" })).toBe("update");
});
