import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { BusError } from "../core/errors.ts";

/** Where a passphrase may come from. */
export interface PassphraseOptions {
  readonly projectRoot: string;
  /** Whether nothing has been encrypted yet: then one may be generated. */
  readonly isNew: boolean;
  /** Asks the user; undefined when there is nobody to ask.
   * @default - nobody is asked */
  readonly ask?: () => Promise<string>;
  /** What the user can do when there is none.
   * @default - the variables to set */
  readonly remedy?: string;
  /** @default process.env */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A passphrase, and what to tell the user about it. */
export interface FoundPassphrase {
  readonly passphrase: string;
  /** Whether it is the project's own, from `.natsbus/passphrase`. */
  readonly isOwn: boolean;
  /** Set when one was generated. */
  readonly notice?: string;
}

const BYTES = 24;

/**
 * Finds the passphrase of a stack: `PULUMI_CONFIG_PASSPHRASE` (also an empty one), else the file `PULUMI_CONFIG_PASSPHRASE_FILE`, else
 * `.natsbus/passphrase` of the project. Without any, one is generated there (mode 0600) where nothing has been encrypted yet, else the user is asked.
 * @throws BusError ERR_PASSPHRASE_MISSING
 */
export async function findPassphrase(options: PassphraseOptions): Promise<FoundPassphrase> {
  const { PULUMI_CONFIG_PASSPHRASE: text, PULUMI_CONFIG_PASSPHRASE_FILE: file } = options.env ?? process.env;
  if (text !== undefined) return { passphrase: text, isOwn: false };
  if (file !== undefined && file !== "") return { passphrase: readPassphrase(file), isOwn: false };
  const own = join(options.projectRoot, ".natsbus", "passphrase");
  const kept = readOwn(own);
  if (kept !== undefined) return { passphrase: kept, isOwn: true };
  if (options.isNew) return generate(own, options.projectRoot);
  if (options.ask !== undefined) return { passphrase: await options.ask(), isOwn: false };
  throw new BusError("ERR_PASSPHRASE_MISSING", "the stack's secrets are encrypted and no passphrase was given", {
    remedy: options.remedy ?? "set PULUMI_CONFIG_PASSPHRASE, or PULUMI_CONFIG_PASSPHRASE_FILE to a file that holds it",
  });
}

function readPassphrase(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (cause) {
    throw new BusError("ERR_PASSPHRASE_MISSING", `the passphrase file ${path} cannot be read: ${(cause as Error).message}`, {
      remedy: "correct PULUMI_CONFIG_PASSPHRASE_FILE, or set PULUMI_CONFIG_PASSPHRASE",
      cause,
    });
  }
}

function readOwn(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new BusError("ERR_PASSPHRASE_MISSING", `${path} cannot be read: ${(error as Error).message}`, {
      remedy: "make the file readable for this user alone",
      cause: error,
    });
  }
}

function generate(path: string, root: string): FoundPassphrase {
  const passphrase = randomBytes(BYTES).toString("base64url");
  try {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `${passphrase}\n`, { mode: 0o600, flag: "wx" });
  } catch (cause) {
    // Another run was quicker.
    const theirs = (cause as NodeJS.ErrnoException).code === "EEXIST" ? readOwn(path) : undefined;
    if (theirs !== undefined && theirs !== "") return { passphrase: theirs, isOwn: true };
    throw new BusError("ERR_STATE_WRITE", `${path} cannot be written: ${(cause as Error).message}`, {
      remedy: "make the project folder writable, or set PULUMI_CONFIG_PASSPHRASE",
      cause,
    });
  }
  const name = relative(root, path);
  return {
    passphrase,
    isOwn: true,
    notice: `a passphrase for this stack's secrets was generated into ${name}; keep a copy: without it the secrets are lost`,
  };
}
