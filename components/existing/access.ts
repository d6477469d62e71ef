/** Reads the files that say how an existing cluster is reached, and puts the connection together. */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type ConnectionSpec, connectionProblems } from "../../core/connection.ts";
import { assertNoProblems, type Problem } from "../../core/errors.ts";
import type { ExistingSpec } from "../../core/existing-spec.ts";
import { publicKeyOf } from "../../core/nats-keys.ts";

/** How an existing cluster is reached, complete. Everything in it is secret. */
export interface ExistingAccess {
  /** Connection with the login that was given; without one, for users that natsbus makes. */
  readonly connection: ConnectionSpec;
  /** Connection of a system account user; absent: the servers are seen one at a time. */
  readonly system?: ConnectionSpec;
  /** Seed of the operator's signing key; absent: accounts are left alone. */
  readonly signingSeed?: string;
  /** Map keyed by account name: seeds of accounts that exist already. */
  readonly seeds: Readonly<Record<string, string>>;
}

/** What the access is read from. */
export interface AccessSource {
  /** The stack's block `existing`. */
  readonly existing: ExistingSpec;
  /** JetStream domain of the stack. */
  readonly domain: string | undefined;
  /** Folder that files are relative to.
   * @default - the working directory */
  readonly root?: string;
}

type Block = Readonly<Record<string, unknown>>;
const LOGIN = ["creds", "nkeySeed", "user", "password", "token"] as const;
const KEY_FOLDER = "keys";

/** File in which the key of an account is kept that stays on the servers when natsbus lets go of it. */
export function keptKeyFile(directory: string, account: string): string {
  return join(directory, KEY_FOLDER, `${account}.nk`);
}

/** @throws ERR_EXISTING_FILE for a file that cannot be read, ERR_CONNECT_OPTION and its siblings for what is in it, ERR_CONFIG with several */
export async function readExistingAccess({ existing: spec, domain, root = "." }: AccessSource): Promise<ExistingAccess> {
  const problems: Problem[] = [];
  const read = reader(root, problems);
  const base = {
    servers: spec.servers,
    timeoutMs: spec.timeout,
    ...(spec.tlsFirst ? { tlsFirst: true } : {}),
    ...(spec.serverName === undefined ? {} : { serverName: spec.serverName }),
    ...(await read(spec, ["ca", "certificate", "key"], "existing")),
  };
  const api = { ...(domain === undefined ? {} : { domain }), ...(spec.apiPrefix === undefined ? {} : { apiPrefix: spec.apiPrefix }) };
  const connection = { ...base, ...api, ...(await read(spec, LOGIN, "existing")) };
  const system = spec.system === undefined ? undefined : { ...base, ...(await read(spec.system, LOGIN, "existing.system")) };
  const { signingSeed } = await read(spec.operator ?? {}, ["signingSeed"], "existing.operator");
  const seeds = await readSeeds(spec, read);
  problems.push(...connectionProblems(connection, "existing"));
  if (system !== undefined) problems.push(...systemProblems(system));
  if (signingSeed !== undefined) problems.push(...seedProblems("operator", signingSeed, "existing.operator.signingSeed"));
  for (const [name, seed] of Object.entries(seeds)) problems.push(...seedProblems("account", seed, `existing.accounts.${name}.seed`));
  assertNoProblems(problems);
  return {
    connection,
    ...(system === undefined ? {} : { system }),
    ...(signingSeed === undefined ? {} : { signingSeed }),
    seeds,
  };
}

type Reader = (block: object, keys: readonly string[], path: string) => Promise<Record<string, string>>;

function reader(root: string, problems: Problem[]): Reader {
  return async (block, keys, path) => {
    const entries = await Promise.all(keys.map(async (key) => [key, await textOf(block as Block, { key, path, root, problems })] as const));
    return Object.fromEntries(entries.flatMap(([key, text]) => (text === undefined ? [] : [[key, text]])));
  };
}

async function readSeeds({ accounts }: ExistingSpec, read: Reader): Promise<Record<string, string>> {
  const entries = Object.entries(accounts).map(async ([name, block]) => {
    const { seed } = await read(block, ["seed"], `existing.accounts.${name}`);
    return seed === undefined ? [] : [[name, seed] as const];
  });
  return Object.fromEntries((await Promise.all(entries)).flat());
}

/** Texts that are taken as they are; at the end of others an editor's line break is no part of them. */
const WHOLE = new Set(["creds", "ca", "certificate", "key"]);

interface Place {
  readonly key: string;
  readonly path: string;
  readonly root: string;
  readonly problems: Problem[];
}

async function textOf(block: Block, { key, path, root, problems }: Place): Promise<string | undefined> {
  const [given, file] = [block[key], block[`${key}File`]];
  if (typeof given === "string") return given;
  if (typeof file !== "string") return undefined;
  const text = await readFile(resolve(root, file), "utf8").catch(() => undefined);
  if (text !== undefined) return WHOLE.has(key) ? text : text.trimEnd();
  problems.push({
    code: "ERR_EXISTING_FILE",
    path: `${path}.${key}File`,
    message: `${file} cannot be read`,
    remedy: "name a file that you may read",
  });
  return undefined;
}

function systemProblems(system: ConnectionSpec): Problem[] {
  const own = connectionProblems(system, "existing.system").filter(({ path }) => !/\.(servers|ca|certificate|key|tlsFirst)\b/.test(path));
  if (LOGIN.some((key) => key in system)) return own;
  return [
    ...own,
    {
      code: "ERR_CONFIG_MISSING",
      path: "existing.system",
      message: "no login is given",
      remedy: "give creds or credsFile of a user of the system account",
    },
  ];
}

function seedProblems(kind: "operator" | "account", seed: string, path: string): Problem[] {
  const first = kind === "operator" ? "O" : "A";
  try {
    if (publicKeyOf(seed).startsWith(first)) return [];
  } catch {
    // Told below.
  }
  const what = kind === "operator" ? "a signing key of the operator" : "the account's own key";
  const remedy = `give the whole seed of ${what}: 58 characters that begin with "S${first}"`;
  return [{ code: "ERR_KEY", path, message: `the text is not the seed of an ${kind}`, remedy }];
}
