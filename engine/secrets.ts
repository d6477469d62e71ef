import { createCipheriv, createDecipheriv, pbkdf2, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { BusError } from "../core/errors.ts";

/** Turns the text of secrets into ciphertext and back. */
export interface SecretsCodec {
  /** The same text gives the same ciphertext within a run, and the one it had in the state that was read before. */
  encrypt(plaintext: string): string;
  /** @throws BusError ERR_STATE_CORRUPT when the text was not encrypted with this key */
  decrypt(ciphertext: string): string;
}

/** Secrets kept with a passphrase, in Pulumi's format. */
export interface PassphraseSecrets extends SecretsCodec {
  /** Salt and proof of the passphrase, as stored under `encryptionsalt` and in the state. */
  readonly salt: string;
}

/** Leaves text as it is: for secrets inside a secret, and for `export --show-secrets`. */
export const CLEAR_TEXT: SecretsCodec = { encrypt: (text) => text, decrypt: (text) => text };

const PROOF = "pulumi";
const ITERATIONS = 1_000_000;
const KEY_BYTES = 32;
const SALT_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const VERSION = "v1";

const deriveBytes = promisify(pbkdf2);

/**
 * Opens the secrets of a stack. The key is derived on another thread (about 0.2 s), so other work can go on.
 * @throws BusError ERR_PASSPHRASE_WRONG, or ERR_SECRETS_PROVIDER when `salt` is not in Pulumi's format
 */
export async function openSecrets(salt: string, passphrase: string): Promise<PassphraseSecrets> {
  const [version, bytes, ...proof] = salt.split(":");
  if (version !== VERSION || bytes === undefined || proof.length !== 3) {
    throw new BusError("ERR_SECRETS_PROVIDER", "the stack's encryption salt is damaged", {
      remedy: "restore `encryptionsalt` of the stack's settings file from version control",
    });
  }
  const secrets = createCodec(salt, await deriveKey(passphrase, Buffer.from(bytes, "base64")));
  if (proves(secrets, proof.join(":"))) return secrets;
  throw new BusError("ERR_PASSPHRASE_WRONG", "incorrect passphrase", {
    remedy: "set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the passphrase the stack was created with",
  });
}

/** Makes the secrets of a new stack. */
export async function createSecrets(passphrase: string): Promise<PassphraseSecrets> {
  const salt = randomBytes(SALT_BYTES);
  const key = await deriveKey(passphrase, salt);
  return createCodec([VERSION, salt.toString("base64"), seal(key, PROOF)].join(":"), key);
}

function deriveKey(passphrase: string, salt: Buffer): Promise<Buffer> {
  return deriveBytes(passphrase, salt, ITERATIONS, KEY_BYTES, "sha256");
}

function proves(secrets: SecretsCodec, proof: string): boolean {
  try {
    return secrets.decrypt(proof) === PROOF;
  } catch {
    return false;
  }
}

function createCodec(salt: string, key: Buffer): PassphraseSecrets {
  // Keeps ciphertexts of unchanged values, so that an unchanged state stays the same file.
  const known = new Map<string, string>();
  return {
    salt,
    encrypt: (plaintext) => {
      const before = known.get(plaintext);
      if (before !== undefined) return before;
      const ciphertext = seal(key, plaintext);
      known.set(plaintext, ciphertext);
      return ciphertext;
    },
    decrypt: (ciphertext) => {
      const plaintext = unseal(key, ciphertext);
      if (!known.has(plaintext)) known.set(plaintext, ciphertext);
      return plaintext;
    },
  };
}

function seal(key: Buffer, plaintext: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv("aes-256-gcm", key, nonce);
  const sealed = Buffer.concat([cipher.update(plaintext, "utf8"), cipher.final(), cipher.getAuthTag()]);
  return [VERSION, nonce.toString("base64"), sealed.toString("base64")].join(":");
}

function unseal(key: Buffer, ciphertext: string): string {
  const [version, nonce, sealed] = ciphertext.split(":");
  if (version !== VERSION || nonce === undefined || sealed === undefined) throw damaged();
  const bytes = Buffer.from(sealed, "base64");
  try {
    const decipher = createDecipheriv("aes-256-gcm", key, Buffer.from(nonce, "base64"), { authTagLength: TAG_BYTES });
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    return decipher.update(bytes.subarray(0, -TAG_BYTES), undefined, "utf8") + decipher.final("utf8");
  } catch (cause) {
    throw damaged(cause);
  }
}

function damaged(cause?: unknown): BusError {
  return new BusError("ERR_STATE_CORRUPT", "a secret cannot be decrypted: it was changed, or encrypted for another stack", {
    remedy: "restore the state or the settings file from a backup; set a configuration secret again",
    cause,
  });
}
