import { headers as createHeaders, type Msg, type MsgHdrs } from "@nats-io/transport-node";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { headersOf, parseHeaderBlock, readHeaders, statusOf } from "../../../client/header-block.ts";

const name = fc.oneof(fc.constantFrom("a", "A", "b", "Nats-Msg-Id", "__proto__", "constructor"), fc.stringMatching(/^[!-9;-~]{1,12}$/));
const value = fc.string({ unit: "binary", maxLength: 30 }).map((text) => text.replaceAll(/[\r\n]/g, "-"));
const pairs = fc.array(fc.tuple(name, value), { maxLength: 12 });

function libraryHeaders(list: readonly (readonly [string, string])[]): MsgHdrs {
  const made = createHeaders();
  for (const [key, text] of list) made.append(key, text);
  return made;
}

/** What the library hands over: headers and payload lie in one piece of memory. */
function arrived(block: string, payload = "{}"): Msg {
  const bytes = Buffer.from(`xx${block}${payload}`);
  const data = bytes.subarray(bytes.length - Buffer.byteLength(payload));
  const [subject, reply] = ["sübject", "reply"];
  const size = () => Buffer.byteLength(subject + reply + block + payload);
  return { subject, reply, data, size, headers: libraryHeaders([["from", "library"]]) } as unknown as Msg;
}

describe("headers that arrive", () => {
  it("are read as the library reads them, with every value of a name where signatures are checked", () => {
    fc.assert(
      fc.property(pairs, (list) => {
        const theirs = libraryHeaders(list);
        const { plain, joined } = parseHeaderBlock(`NATS/1.0\r\n${list.map(([key, text]) => `${key}: ${text}\r\n`).join("")}\r\n`);
        expect(Object.keys(plain).sort()).toEqual([...theirs.keys()].sort());
        for (const key of theirs.keys()) {
          expect(plain[key]).toBe(theirs.values(key).at(-1));
          expect(joined[key]).toBe(theirs.values(key).join("\n"));
        }
        expect({ ...readHeaders(theirs) }).toEqual({ plain, joined });
      }),
    );
  });

  it("have no names but their own", () => {
    const { plain } = parseHeaderBlock("NATS/1.0\r\n\r\n");
    for (const inherited of ["constructor", "__proto__"]) expect(plain[inherited]).toBeUndefined();
  });

  it.each<[string, string, Record<string, string>]>([
    ["a line without a colon", "NATS/1.0\r\nabc\r\na: 1\r\n\r\n", { a: "1" }],
    ["line ends by halves", "NATS/1.0\r\na: 1\nb: 2\r\n\r\n", { a: "1 b: 2" }],
    ["a status", "NATS/1.0 404 No Messages\r\na: 1\r\n\r\n", { a: "1" }],
    ["no last line", "NATS/1.0\r\na: 1\r\nb: 2", { a: "1" }],
  ])("are read with %s", (_, block, expected) => {
    expect({ ...parseHeaderBlock(block).plain }).toEqual(expected);
  });

  it("of any text never make reading throw", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("\r", "\n", ":", " ", "a", "é"), maxLength: 60 }), (text) => {
        for (const line of Object.values(parseHeaderBlock(text).plain)) expect(line).not.toMatch(/[\r\n]/);
      }),
    );
  });

  it("are found in front of the payload, or asked of the library", () => {
    expect({ ...headersOf(arrived("NATS/1.0\r\na: é\r\n\r\n")).plain }).toEqual({ a: "é" });
    expect({ ...headersOf(arrived("NATS/1.0\r\na: 1\r\n\r\n", "")).plain }).toEqual({ a: "1" });
    expect(statusOf(arrived("NATS/1.0 503\r\n\r\n", ""))).toBe(503);
    expect(statusOf(arrived("NATS/1.0\r\nx: 503\r\n\r\n", ""))).toBe(0);
    expect({ ...headersOf(arrived("something else of a length")).plain }).toEqual({ from: "library" });
    const { size, ...unsized } = arrived("NATS/1.0\r\na: 1\r\n\r\n") as Msg & { readonly size: unknown };
    expect({ ...headersOf(unsized as Msg).plain }).toEqual({ from: "library" });
    expect(size).toBeTypeOf("function");
  });
});
