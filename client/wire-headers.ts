/** Headers as they go over the wire. */
import { headers as createHeaders, type MsgHdrs } from "@nats-io/transport-node";
import type { HeaderRecord } from "./headers.ts";

/** Header lines whose text is made once; the library builds it line by line, several times for a message that is sent again. */
export interface WireHeaders {
  /** For the library. */
  readonly lines: MsgHdrs;
  /** In bytes. */
  readonly size: number;
}

/** Writes headers; names and values were checked before. */
export function encodeHeaders(record: HeaderRecord): WireHeaders {
  let text = "NATS/1.0\r\n";
  for (const name in record) text += `${name}: ${record[name]}\r\n`;
  const bytes = Buffer.from(`${text}\r\n`);
  return { lines: Object.assign(createHeaders(), { encode: () => bytes }), size: bytes.length };
}
