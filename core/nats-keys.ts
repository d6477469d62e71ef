import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, verify } from "node:crypto";
import { BusError } from "../core/errors.ts";
import { parseChecked, renderChecked } from "./nats-key-text.ts";

/** What a key stands for. */
export type KeyKind = "operator" | "account" | "user";

/** A key pair in NATS's own notation. */
export interface NatsKey {
  /** Public key, 56 characters, `O…`, `A…` or `U…`. */
  readonly publicKey: string;
  /** Seed, 58 characters, `SO…`, `SA…` or `SU…`; a secret. */
  readonly seed: string;
}

const PREFIX: Readonly<Record<KeyKind, number>> = { operator: 14 << 3, account: 0, user: 20 << 3 };
const CURVE_PREFIX = 23 << 3;
const SEED_PREFIX = 18 << 3;
const KEY_BYTES = 32;
// Node reads raw Ed25519 bytes only inside these wrappers; its own signer needs a hundredth of the time of a JavaScript one.
const PRIVATE_WRAPPER = Buffer.from("302e020100300506032b657004220420", "hex");
const PUBLIC_WRAPPER = Buffer.from("302a300506032b6570032100", "hex");

/** Makes a new key pair from the operating system's random numbers. */
export function createKey(kind: KeyKind): NatsKey {
  const raw = randomBytes(KEY_BYTES);
  return { publicKey: renderPublicKey(kind, privateKey(raw)), seed: renderSeed(kind, raw) };
}

/**
 * The public key that belongs to a seed.
 * @throws ERR_KEY when the text is no seed; the text itself is never repeated
 */
export function publicKeyOf(seed: string): string {
  const { kind, raw } = parseSeed(seed);
  return renderPublicKey(kind, privateKey(raw));
}

/**
 * Signs bytes with the key of a seed (Ed25519).
 * @throws ERR_KEY when the text is no seed
 */
export function signWithSeed(seed: string, data: Uint8Array): Buffer {
  return signerOf(seed)(data);
}

/**
 * The same for many signatures: the seed is read once.
 * @throws ERR_KEY when the text is no seed
 */
export function signerOf(seed: string): (data: Uint8Array) => Buffer {
  const key = privateKey(parseSeed(seed).raw);
  return (data) => sign(null, data, key);
}

/**
 * The same on the threads of Node's pool, for many at a time.
 * @throws ERR_KEY when the text is no seed
 */
export function pooledSignerOf(seed: string): (data: Uint8Array) => Promise<Buffer> {
  const key = privateKey(parseSeed(seed).raw);
  return (data) =>
    new Promise((resolve, reject) => sign(null, data, key, (error, signature) => (error === null ? resolve(signature) : reject(error))));
}

/** Whether `text` is a well-formed public key of that kind: prefix, length and checksum. */
export function isPublicKey(kind: KeyKind | "curve", text: string): boolean {
  const bytes = parseChecked(text);
  return bytes?.length === KEY_BYTES + 1 && bytes[0] === (kind === "curve" ? CURVE_PREFIX : PREFIX[kind]);
}

/** Whether `signature` over `data` was made with the private half of `publicKey`; false as well when that is no public key. */
export function isSignedBy(publicKey: string, data: Uint8Array, signature: Uint8Array): boolean {
  return verifierOf(publicKey)(data, signature);
}

/** The same for many signatures: the key is read once. */
export function verifierOf(publicKey: string): (data: Uint8Array, signature: Uint8Array) => boolean {
  const bytes = parseChecked(publicKey);
  if (bytes?.length !== KEY_BYTES + 1) return () => false;
  const key = publicKeyObject(bytes);
  return (data, signature) => verify(null, data, key, signature);
}

/** The same on the threads of Node's pool, for many at a time. */
export function pooledVerifierOf(publicKey: string): (data: Uint8Array, signature: Uint8Array) => Promise<boolean> {
  const bytes = parseChecked(publicKey);
  if (bytes?.length !== KEY_BYTES + 1) return async () => false;
  const key = publicKeyObject(bytes);
  return (data, signature) =>
    new Promise((resolve, reject) =>
      verify(null, data, key, signature, (error, isGood) => (error === null ? resolve(isGood) : reject(error))),
    );
}

function publicKeyObject(bytes: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([PUBLIC_WRAPPER, bytes.subarray(1)]), format: "der", type: "spki" });
}

function parseSeed(seed: string): { kind: KeyKind; raw: Buffer } {
  const bytes = parseChecked(seed);
  const [first = 0, second = 0] = bytes ?? [];
  const prefix = ((first & 7) << 5) | (second >> 3);
  const kind = (Object.keys(PREFIX) as KeyKind[]).find((name) => PREFIX[name] === prefix);
  if (bytes?.length !== KEY_BYTES + 2 || (first & 0xf8) !== SEED_PREFIX || kind === undefined) {
    throw new BusError("ERR_KEY", "a text given as a seed is not the seed of an operator, account or user", {
      remedy: "give the whole seed: 58 characters that begin with SO, SA or SU",
    });
  }
  return { kind, raw: bytes.subarray(2) };
}

function privateKey(raw: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PRIVATE_WRAPPER, raw]), format: "der", type: "pkcs8" });
}

function renderPublicKey(kind: KeyKind, key: KeyObject): string {
  const raw = Buffer.from(key.export({ format: "jwk" }).x ?? "", "base64url");
  return renderChecked(Buffer.concat([Buffer.of(PREFIX[kind]), raw]));
}

// Prefix and kind share the first two bytes so that the text starts with S and the letter of the kind.
function renderSeed(kind: KeyKind, raw: Uint8Array): string {
  const prefix = PREFIX[kind];
  return renderChecked(Buffer.concat([Buffer.of(SEED_PREFIX | (prefix >> 5), (prefix & 31) << 3), raw]));
}
