/** Has the tools of this machine look at everything a bus on hosts or in containers would be given, without changing anything. */
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const TIMEOUT_MS = 30_000;
const SHOWN_LINES = 4;

/** One look. */
export interface Inspection {
  /** What was looked at, for instance `n1/nats.conf`. */
  readonly subject: string;
  /** What looked at it, for instance `nats-server -t`. */
  readonly tool: string;
  /** `ok`, `bad`, or `skipped` when the tool is not on this machine. */
  readonly outcome: "ok" | "bad" | "skipped";
  /** Why; empty when it is fine. */
  readonly detail: string;
}

/** A file to be looked at, and what by. */
export interface Inspectable {
  /** What it is called in the report. */
  readonly subject: string;
  /** Kind, which decides the tool. */
  readonly kind: "server" | "unit" | "site" | "firewall";
  /** File name it needs for the tool, for instance of a unit. */
  readonly name: string;
  /** Text. */
  readonly content: string;
}

/** What the tools need besides the files. */
export interface InspectOptions {
  /** nats-server to ask; absent: the one on PATH. */
  readonly server?: string;
  /** Map keyed by path on the host: content of files that the inspected ones refer to, certificates for instance. */
  readonly companions: Readonly<Record<string, string>>;
}

/** Looks at every file; a tool that is missing makes a look that says so. */
export async function inspect(files: readonly Inspectable[], options: InspectOptions): Promise<readonly Inspection[]> {
  const folder = await mkdtemp(join(tmpdir(), "natsbus-check-"));
  try {
    const found: Inspection[] = [];
    for (const file of files) found.push(await inspectOne(file, folder, options));
    return found;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function inspectOne(file: Inspectable, folder: string, options: InspectOptions): Promise<Inspection> {
  const { subject } = file;
  const place = join(folder, file.name);
  const look = LOOKS[file.kind];
  const [program = "", ...args] = look.command(place, options);
  await mkdir(dirname(place), { recursive: true });
  await writeFile(place, await relocated(look.prepare(file.content, folder), folder, options), { mode: 0o600 });
  const tool = look.title;
  try {
    const { stdout, stderr } = await run(program, args, {
      timeout: TIMEOUT_MS,
      env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` },
    });
    const complaint = look.complaint(`${stdout}${stderr}`, file.name);
    return complaint === "" ? { subject, tool, outcome: "ok", detail: "" } : { subject, tool, outcome: "bad", detail: complaint };
  } catch (error) {
    const failure = error as { readonly code?: string | number; readonly stderr?: string; readonly stdout?: string };
    if (failure.code === "ENOENT") return { subject, tool, outcome: "skipped", detail: `${program} is not on this machine` };
    const said = `${failure.stdout ?? ""}${failure.stderr ?? ""}`.trim();
    if (file.kind === "unit" && look.complaint(said, file.name) === "") return { subject, tool, outcome: "ok", detail: "" };
    if (look.needsRight.test(said)) return { subject, tool, outcome: "skipped", detail: `${program} needs more rights than this user has` };
    return { subject, tool, outcome: "bad", detail: said.split("\n").slice(-SHOWN_LINES).join("; ").replaceAll(folder, "") };
  }
}

/** Paths of the host lead into the folder, where what they name is written. */
async function relocated(content: string, folder: string, { companions }: InspectOptions): Promise<string> {
  let text = content;
  for (const [path, companion] of Object.entries(companions)) {
    if (!text.includes(path)) continue;
    const place = join(folder, "host", path);
    await mkdir(dirname(place), { recursive: true });
    await writeFile(place, companion, { mode: 0o600 });
    text = text.replaceAll(path, place);
  }
  return text;
}

interface Look {
  readonly title: string;
  readonly command: (place: string, options: InspectOptions) => readonly string[];
  /** What the file must become so that the tool can look at it alone. */
  readonly prepare: (content: string, folder: string) => string;
  /** What in the output is a complaint although the exit code is 0; empty: nothing. */
  readonly complaint: (said: string, name: string) => string;
  /** Says that the tool may not do its work for this user. */
  readonly needsRight: RegExp;
}

const NEVER = /^\b$/;

const LOOKS: Readonly<Record<Inspectable["kind"], Look>> = {
  server: {
    title: "nats-server -t",
    command: (place, { server }) => [server ?? "nats-server", "-t", "-c", place],
    // Stores are folders of the host that the test would make.
    prepare: (content, folder) => content.replaceAll(/"(\/var\/lib\/natsbus|\/data)\//g, `"${folder}/data/`),
    complaint: () => "",
    needsRight: NEVER,
  },
  unit: {
    title: "systemd-analyze verify",
    command: (place) => ["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", place],
    prepare: (content) => content,
    // Programs and other units are on the host, not here.
    complaint: (said, name) =>
      said
        .split("\n")
        .filter((line) => line.includes(name) && !/is not executable|Failed to open|not found|Failed to load|not be located/.test(line))
        .join("; "),
    needsRight: /Failed to (initialize|create) manager|Operation not permitted/,
  },
  site: {
    title: "nginx -t",
    command: (place) => ["nginx", "-t", "-q", "-c", place, "-g", `pid ${place}.pid;`],
    prepare: (content) => `events {}\nhttp {\n${content}}\n`,
    complaint: () => "",
    needsRight: /Permission denied/,
  },
  firewall: {
    title: "nft -c",
    command: (place) => ["nft", "-c", "-f", place],
    prepare: (content) => content,
    complaint: () => "",
    needsRight: /Operation not permitted|you must be root/,
  },
};
