/** Credentials and the certificate bundle as files for the user's own tools. */
import { createHash } from "node:crypto";
import { chmod, mkdir, readFile, rename, rm, rmdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { BusError } from "../core/errors.ts";
import { loginForm } from "../core/login.ts";

/** Which files to write. */
export interface CredentialFilesInputs {
  /** Folder for `ca.pem`; credentials go into `creds/` below it. Relative to the project. */
  readonly directory: string;
  /** Map keyed by user name: text of the credentials file. A secret. */
  readonly credentials: Readonly<Record<string, string>>;
  /** Certificate bundle, PEM; empty for none. */
  readonly ca: string;
}

/** The files as they are. */
export interface CredentialFilesState extends CredentialFilesInputs {
  /** Map keyed by user name: path of its file, relative to the project. */
  readonly files: Readonly<Record<string, string>>;
  /** Path of the certificate bundle, relative to the project; empty when there is none. */
  readonly caFile: string;
  /** Map keyed by path: SHA-256 of a file that is in place, readable by its owner only where it is secret. */
  readonly digests: Readonly<Record<string, string>>;
}

const SECRET_FOLDER_MODE = 0o700;
const SECRET_MODE = 0o600;
const PUBLIC_MODE = 0o644;

/** Writes the files, each at once or not at all, and removes those of `before` that are no longer wanted.
 * @throws ERR_CREDENTIALS_FOLDER when the folder cannot be written */
export async function writeCredentialFiles(inputs: CredentialFilesInputs, before?: CredentialFilesState): Promise<CredentialFilesState> {
  const wanted = planFiles(inputs);
  try {
    for (const file of wanted) await writeAtomically(file);
    const stale = Object.keys(before?.digests ?? {}).filter((path) => wanted.every((file) => file.path !== path));
    for (const path of stale) await removeFile(path);
  } catch (error) {
    throw new BusError("ERR_CREDENTIALS_FOLDER", `${inputs.directory}: files with credentials cannot be written there (${codeOf(error)})`, {
      path: "directory",
      remedy: "make the folder writable for you alone, or choose another one",
      cause: error,
    });
  }
  return describe(inputs, wantedDigests(inputs));
}

/** The files as they are now; those that are missing, changed or open to others have no digest. */
export async function readCredentialFiles(state: CredentialFilesState): Promise<CredentialFilesState> {
  const seen: [string, string][] = [];
  for (const { path, mode } of planFiles(state)) {
    const text = await readFile(path, "utf8").catch(() => undefined);
    const { mode: found = mode } = (await stat(path).catch(() => undefined)) ?? {};
    const open = mode === SECRET_MODE && (found & 0o077) !== 0;
    if (text !== undefined && !open) seen.push([path, digest(text)]);
  }
  return describe(state, Object.fromEntries(seen));
}

/** Removes the files, and their folders when nothing else is in them. */
export async function removeCredentialFiles(state: CredentialFilesState): Promise<void> {
  for (const { path } of planFiles(state)) await removeFile(path);
  // A folder that holds other files stays; one that is gone already is fine.
  for (const folder of [join(state.directory, "creds"), state.directory]) await rmdir(folder).catch(() => undefined);
}

/** Map keyed by path: what the digests of all files should be. */
export function wantedDigests(inputs: CredentialFilesInputs): Record<string, string> {
  return Object.fromEntries(planFiles(inputs).map(({ path, text }) => [path, digest(text)]));
}

interface PlannedFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

function planFiles(inputs: CredentialFilesInputs): PlannedFile[] {
  const credentials = Object.entries(inputs.credentials).map(([user, text]) => ({
    path: credentialsPath(inputs, user, text),
    text,
    mode: SECRET_MODE,
  }));
  return inputs.ca === "" ? credentials : [...credentials, { path: join(inputs.directory, "ca.pem"), text: inputs.ca, mode: PUBLIC_MODE }];
}

function credentialsPath(inputs: CredentialFilesInputs, user: string, text: string): string {
  return join(inputs.directory, "creds", `${user}.${loginForm(text)}`);
}

/** Where a file is written before it takes its place: always there, so that what a killed run left is overwritten or removed, never forgotten. */
function unfinishedPath(path: string): string {
  return `${path}.new`;
}

async function removeFile(path: string): Promise<void> {
  for (const each of [path, unfinishedPath(path)]) await rm(each, { force: true });
}

async function writeAtomically({ path, text, mode }: PlannedFile): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: SECRET_FOLDER_MODE });
  const unfinished = unfinishedPath(path);
  try {
    await writeFile(unfinished, text, { mode });
    await chmod(unfinished, mode);
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
}

function describe(inputs: CredentialFilesInputs, digests: Record<string, string>): CredentialFilesState {
  const { directory, credentials, ca } = inputs;
  const files = Object.fromEntries(Object.entries(credentials).map(([user, text]) => [user, credentialsPath(inputs, user, text)]));
  return { directory, credentials, ca, files, caFile: ca === "" ? "" : join(directory, "ca.pem"), digests };
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
}
