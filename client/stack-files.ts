/** Finds what a provisioned stack left on this machine for its clients: server addresses, authority and credentials. */
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import type { ConnectionSpec } from "../core/connection.ts";
import { BusError } from "../core/errors.ts";
import { type Login, parseLogin } from "../core/login.ts";
import { nameProblem } from "../core/names.ts";

/** A bus that a stack of this machine runs. */
export interface StackPlace {
  /** Stack name. */
  readonly stack: string;
  /** User whose credentials to take.
   * @default "admin" */
  readonly user?: string;
  /** Folder of the project, the one that holds `.natsbus`.
   * @default - the nearest one above the working directory that has this stack */
  readonly project?: string;
}

const DEFAULT_USER = "admin";
const FILE_ENDING = /\.(creds|nk|json)$/;

/**
 * Reads how to connect to a stack on this machine as one of its users. A stack without credentials connects without.
 * @throws ERR_CLIENT_STACK when the stack, its servers or the user's credentials are not found
 */
export async function readStackConnection(place: StackPlace): Promise<ConnectionSpec> {
  const { stack, user = DEFAULT_USER } = place;
  for (const [kind, name] of [
    ["stack", stack],
    ["user", user],
  ] as const) {
    if (nameProblem("user", name) !== undefined || name.startsWith("..")) {
      throw new BusError("ERR_CLIENT_STACK", `${JSON.stringify(name)} is not the name of a ${kind}`, { path: kind });
    }
  }
  const folder = await findStackFolder(place);
  const servers = await readServers(folder);
  if (servers.length === 0) {
    throw new BusError("ERR_CLIENT_STACK", `stack ${stack} has no servers on this machine (${folder})`, {
      path: "stack",
      remedy: `bring it up with \`natsbus up --stack ${stack}\`, or give servers, ca and creds of a bus that runs elsewhere`,
    });
  }
  const ca = await textOf(join(folder, "ca.pem"));
  return { servers, ...(ca === undefined ? {} : { ca }), ...(await readUser(folder, stack, user)) };
}

async function findStackFolder({ stack, project }: StackPlace): Promise<string> {
  const first = resolve(project ?? ".");
  for (let folder = first; ; folder = dirname(folder)) {
    const candidate = join(folder, ".natsbus", stack);
    if ((await namesIn(candidate)) !== undefined) return candidate;
    if (project !== undefined || dirname(folder) === folder) break;
  }
  throw new BusError("ERR_CLIENT_STACK", `stack ${stack} was not found in ${first}${project === undefined ? " or above it" : ""}`, {
    path: "stack",
    remedy: `bring it up with \`natsbus up --stack ${stack}\`, or name the project's folder`,
  });
}

/** Each server's folder has a note with its address. */
async function readServers(folder: string): Promise<string[]> {
  const names = (await namesIn(folder)) ?? [];
  const notes = await Promise.all([...names].sort().map((name) => textOf(join(folder, name, "natsbus.json"))));
  return notes.flatMap((note) => addressIn(note) ?? []);
}

function addressIn(note: string | undefined): string | undefined {
  if (note === undefined) return undefined;
  try {
    const { clientUrl } = JSON.parse(note) as { readonly clientUrl?: unknown };
    return typeof clientUrl === "string" ? clientUrl : undefined;
  } catch {
    return undefined;
  }
}

async function readUser(folder: string, stack: string, user: string): Promise<Login> {
  const files = ((await namesIn(join(folder, "creds"))) ?? []).filter((name) => FILE_ENDING.test(name));
  if (files.length === 0) return {};
  const file = files.find((name) => name.replace(FILE_ENDING, "") === user);
  const text = file === undefined ? undefined : await textOf(join(folder, "creds", file));
  if (text !== undefined) return parseLogin(text, user);
  const users = files.map((name) => name.replace(FILE_ENDING, ""));
  throw new BusError("ERR_CLIENT_STACK", `stack ${stack} has no readable credentials of a user ${user}`, {
    path: "user",
    remedy: `it has ${users.sort().join(", ")}`,
  });
}

async function namesIn(folder: string): Promise<string[] | undefined> {
  return readdir(folder).catch(() => undefined);
}

async function textOf(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch(() => undefined);
}
