/** Headers as they arrive, read in one pass. The library's own reading of them takes a third of the time of a message, and refuses some by throwing. */
import type { JsMsg } from "@nats-io/jetstream";
import type { Msg, MsgHdrs } from "@nats-io/transport-node";
import type { HeaderRecord } from "./headers.ts";

/** Headers of a message that arrived. */
export interface ArrivedHeaders {
  /** Of several values of a name the last. */
  readonly plain: HeaderRecord;
  /** With every value, joined by line ends, as signatures cover them; the same object when no name has several. */
  readonly joined: HeaderRecord;
}

const LINE_END = "\r\n";
const BLOCK_START = "NATS/1.";
const STATUS = /^NATS\/1\.\d (\d{3})/;
const BLOCK_END = "\r\n\r\n";
// Without the usual prototype no name means anything but itself.
const NOTHING: object = Object.freeze(Object.create(null));

// What the library's messages have beside their published types; nothing here relies on it.
type SizedMessage = Msg & { readonly size?: () => number };
type WrappedMessage = JsMsg & { readonly msg?: Msg };

/** Reads the headers of a message. */
export function headersOf(message: Msg): ArrivedHeaders {
  const text = blockOf(message);
  return text === undefined ? readHeaders(message.headers) : parseHeaderBlock(text);
}

/** Reads the headers of a message that the library took from a stream. */
export function storedHeadersOf(message: WrappedMessage): ArrivedHeaders {
  return message.msg === undefined ? readHeaders(message.headers) : headersOf(message.msg);
}

/** The status that servers put in front of headers; 0 when there is none. */
export function statusOf(message: Msg): number {
  const text = blockOf(message);
  return text === undefined ? (message.headers?.code ?? 0) : Number(STATUS.exec(text)?.[1] ?? 0);
}

/** Headers that the library has read. */
export function readHeaders(headers: MsgHdrs | undefined): ArrivedHeaders {
  const collected = new Collected();
  if (headers !== undefined) for (const [name, values] of headers) for (const value of values) collected.add(name, value);
  return collected;
}

/** Reads a block of headers; lines without a colon are left out. Never throws. */
export function parseHeaderBlock(text: string): ArrivedHeaders {
  const collected = new Collected();
  let start = text.indexOf(LINE_END) + LINE_END.length;
  for (let end = text.indexOf(LINE_END, start); end > start; end = text.indexOf(LINE_END, start)) {
    const colon = text.indexOf(":", start);
    if (colon >= 0 && colon < end) collected.add(text.slice(start, colon), cleanValue(text.slice(colon + 1, end)));
    start = end + LINE_END.length;
  }
  return collected;
}

/** A line end by halves would make two headers of one where the message is sent on. */
function cleanValue(text: string): string {
  const value = text.trim();
  return value.includes("\n") || value.includes("\r") ? value.replaceAll(/[\r\n]/g, " ") : value;
}

/** The text of the headers, which lie right before the payload; `undefined` when there are none, or they lie elsewhere. */
function blockOf(message: SizedMessage): string | undefined {
  const { data } = message;
  const size = message.size?.() ?? 0;
  const length = size - Buffer.byteLength(message.subject) - Buffer.byteLength(message.reply ?? "") - data.length;
  if (length < BLOCK_START.length + BLOCK_END.length || length > data.byteOffset) return undefined;
  const text = Buffer.from(data.buffer, data.byteOffset - length, length).toString();
  return text.startsWith(BLOCK_START) && text.endsWith(BLOCK_END) ? text : undefined;
}

class Collected implements ArrivedHeaders {
  readonly plain: Record<string, string> = Object.create(NOTHING);
  joined = this.plain;

  add(name: string, value: string): void {
    const before = this.joined[name];
    if (before !== undefined && this.joined === this.plain) this.joined = Object.assign(Object.create(NOTHING), this.plain);
    this.plain[name] = value;
    if (this.joined !== this.plain) this.joined[name] = before === undefined ? value : `${before}\n${value}`;
  }
}
