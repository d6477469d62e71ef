import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { BusError, isBusError } from "../core/errors.ts";
import { loadCheckpoint } from "./file-state.ts";
import { findPassphrase } from "./passphrase.ts";
import { createSecrets, openSecrets, type PassphraseSecrets } from "./secrets.ts";
import { needsSecrets } from "./stack-config.ts";
import { type StackAddress, stackFiles } from "./stack-files.ts";
import { encryptionSalt, type StackSettings, settingsConfig } from "./stack-settings.ts";

/** Whose secrets are opened, and how. */
export interface SecretsRequest {
  readonly settings: StackSettings;
  readonly address: StackAddress;
  /** Salt of the state; empty when there is none. */
  readonly stateSalt: string;
  readonly projectRoot: string;
  /** Whether nothing will be written: then a stack without secrets needs no passphrase. */
  readonly isPretence: boolean;
  /** Asks the user for the passphrase.
   * @default - nobody is asked */
  readonly ask?: () => Promise<string>;
  /** Hears that a passphrase was generated. */
  readonly onNotice: (text: string) => void;
}

/** The secrets of a stack. */
export interface OpenedSecrets {
  readonly secrets: PassphraseSecrets;
  /** The salt of the settings file that the new one may take the place of.
   * @default - none: the file's salt stays */
  readonly replaces?: string;
}

/**
 * Whether nothing was ever encrypted with the salt of the settings file, as far as this checkout tells: no `secure:` value in the file, and no state, former state or
 * journal of a crashed run.
 */
export function isSaltUnused(settings: StackSettings, address: StackAddress): boolean {
  const { previous, journal } = stackFiles(address);
  return !needsSecrets(settingsConfig(settings)) && loadCheckpoint(address) === undefined && !existsSync(previous) && !existsSync(journal);
}

/**
 * Opens the secrets of a stack, or makes those of a new one. A salt that came with the settings file, for instance through version control, and that nothing
 * depends on gives way to a new one when nobody gave a passphrase for it.
 * @throws BusError ERR_PASSPHRASE_MISSING, ERR_PASSPHRASE_WRONG, ERR_SECRETS_PROVIDER
 */
export async function openStackSecrets(request: SecretsRequest): Promise<OpenedSecrets> {
  const { settings, stateSalt, projectRoot, ask } = request;
  const ownSalt = encryptionSalt(settings);
  const salt = ownSalt ?? stateSalt;
  const isUnused = isSaltUnused(settings, request.address);
  // Nothing will be kept that anyone could want to decrypt.
  if (request.isPretence && (salt === "" || isUnused)) return { secrets: await createSecrets(randomUUID()) };
  const found = await findPassphrase({
    projectRoot,
    isNew: salt === "" || isUnused,
    remedy: remedyOf(settings, stateSalt !== ""),
    ...(ask === undefined ? {} : { ask }),
  });
  if (found.notice !== undefined) request.onNotice(found.notice);
  if (salt === "") return { secrets: await createSecrets(found.passphrase) };
  if (ownSalt !== undefined && isUnused) return openOrReplace(ownSalt, found, settings);
  return { secrets: await openBoth(salt, stateSalt, found.passphrase) };
}

async function openOrReplace(
  salt: string,
  { passphrase, isOwn }: { readonly passphrase: string; readonly isOwn: boolean },
  { path }: StackSettings,
): Promise<OpenedSecrets> {
  try {
    return { secrets: await openSecrets(salt, passphrase) };
  } catch (cause) {
    if (!isBusError(cause) || cause.code !== "ERR_PASSPHRASE_WRONG") throw cause;
    if (isOwn) return { secrets: await createSecrets(passphrase), replaces: salt };
    throw new BusError("ERR_PASSPHRASE_WRONG", cause.message, {
      remedy: `set PULUMI_CONFIG_PASSPHRASE or PULUMI_CONFIG_PASSPHRASE_FILE to the passphrase of whoever made ${basename(path)}, or delete its line encryptionsalt: nothing here depends on it`,
      cause,
    });
  }
}

async function openBoth(salt: string, stateSalt: string, passphrase: string): Promise<PassphraseSecrets> {
  if (stateSalt === "" || stateSalt === salt) return openSecrets(salt, passphrase);
  // The settings file was made anew: new secrets are written with its salt, those of the state are still read with the old one.
  const [current, former] = await Promise.all([openSecrets(salt, passphrase), openSecrets(stateSalt, passphrase)]);
  return {
    ...current,
    decrypt: (ciphertext) =>
      firstOf(
        () => current.decrypt(ciphertext),
        () => former.decrypt(ciphertext),
      ),
  };
}

function firstOf(first: () => string, second: () => string): string {
  try {
    return first();
  } catch {
    return second();
  }
}

function remedyOf(settings: StackSettings, hasState: boolean): string {
  const give =
    "set PULUMI_CONFIG_PASSPHRASE to the passphrase of whoever made the stack, or PULUMI_CONFIG_PASSPHRASE_FILE to a file that holds it";
  if (hasState || !needsSecrets(settingsConfig(settings))) return give;
  return `${give}; or begin anew: delete encryptionsalt and every secure: value from ${basename(settings.path)} and set those again`;
}
