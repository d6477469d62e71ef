/** The few forms of DER (ITU-T X.690) that a certificate is made of. */

const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectId: 0x06,
  utf8: 0x0c,
  utcTime: 0x17,
  generalTime: 0x18,
  sequence: 0x30,
  set: 0x31,
};
const LAST_UTC_YEAR = 2049;

/** Any element: tag, length, content. */
export function element(tag: number, ...content: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.of(tag), lengthOf(body.length), body]);
}

/** An ordered group. */
export function sequence(...content: readonly Uint8Array[]): Buffer {
  return element(TAG.sequence, ...content);
}

/** A group without order. */
export function set(...content: readonly Uint8Array[]): Buffer {
  return element(TAG.set, ...content);
}

/** An element that a structure tells apart by number. `constructed` wraps whole elements, otherwise `content` is the bare value. */
export function tagged(number: number, content: Uint8Array, constructed = true): Buffer {
  return element(0x80 | (constructed ? 0x20 : 0) | number, content);
}

/** Plain values: what has no content of its own to nest, but for {@link primitive.octets}. */
export const primitive = {
  /** `true`; DER leaves `false` out where it is the default. */
  yes: (): Buffer => element(TAG.boolean, Buffer.of(0xff)),
  /** A whole number at least 0, from its bytes, highest first. */
  integer: (bytes: Uint8Array): Buffer => element(TAG.integer, (bytes[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes),
  /** Bits; `unused` of the last byte do not count. */
  bits: (bytes: Uint8Array, unused = 0): Buffer => element(TAG.bitString, Buffer.of(unused), bytes),
  /** Bytes. */
  octets: (bytes: Uint8Array): Buffer => element(TAG.octetString, bytes),
  /** Text. */
  text: (text: string): Buffer => element(TAG.utf8, Buffer.from(text)),
  /** A time in whole seconds; years up to 2049 have two digits. */
  time: (time: Date): Buffer => {
    const digits = time.toISOString().slice(0, 19).replaceAll(/[-:T]/g, "");
    return time.getUTCFullYear() > LAST_UTC_YEAR
      ? element(TAG.generalTime, Buffer.from(`${digits}Z`))
      : element(TAG.utcTime, Buffer.from(`${digits.slice(2)}Z`));
  },
};

/** An object identifier in dotted form. */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split(".").map(Number);
  return element(TAG.objectId, Buffer.from([first * 40 + second, ...rest].flatMap(base128)));
}

function base128(value: number): number[] {
  const digits = [value & 0x7f];
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) digits.unshift((rest & 0x7f) | 0x80);
  return digits;
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.of(length);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(length);
  const digits = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
  return Buffer.concat([Buffer.of(0x80 | digits.length), digits]);
}
