/** The text form of NATS keys: base 32 without padding around bytes that end in a checksum. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const CHECKSUM_BYTES = 2;

/** Base 32 without padding (RFC 4648, capital letters), the alphabet of NATS keys and token identifiers. */
export function renderBase32(bytes: Uint8Array): string {
  let text = "";
  let pending = 0;
  let bits = 0;
  for (const byte of bytes) {
    pending = ((pending << 8) | byte) & 0xffff;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += ALPHABET[(pending >> (bits - 5)) & 31];
  }
  return bits === 0 ? text : text + ALPHABET[(pending << (5 - bits)) & 31];
}

/** Bytes with their checksum, as key text. */
export function renderChecked(bytes: Buffer): string {
  const sum = crc16(bytes);
  return renderBase32(Buffer.concat([bytes, Buffer.of(sum & 0xff, sum >> 8)]));
}

/** The bytes of a key text without their checksum; `undefined` when a character or the checksum is wrong. */
export function parseChecked(text: string): Buffer | undefined {
  const bytes = parseBase32(text);
  if (bytes === undefined || bytes.length <= CHECKSUM_BYTES) return undefined;
  const body = bytes.subarray(0, -CHECKSUM_BYTES);
  return bytes.readUInt16LE(body.length) === crc16(body) ? body : undefined;
}

function parseBase32(text: string): Buffer | undefined {
  const bytes: number[] = [];
  let pending = 0;
  let bits = 0;
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0) return undefined;
    pending = ((pending << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((pending >> bits) & 0xff);
    }
  }
  return Buffer.from(bytes);
}

// CRC-16 with polynomial 0x1021 and start 0.
function crc16(bytes: Uint8Array): number {
  let sum = 0;
  for (const byte of bytes) {
    sum ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) sum = sum & 0x8000 ? ((sum << 1) ^ 0x1021) & 0xffff : (sum << 1) & 0xffff;
  }
  return sum;
}
