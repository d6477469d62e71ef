import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createConnection, createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const SCRIPTS = resolve(import.meta.dirname, "../hosts");
const START_TIMEOUT_MS = 120_000;
const START_TIME_FIELD = 20;
const MOST_OUTPUT = 64 * 1024 * 1024;

/** Which kind of host; each is a script of `test/hosts`. */
export type HostKind = "systemd" | "docker";

/** How a command inside a host ended. */
export interface HostResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A host in namespaces of its own; everything of it ends when disposed. */
export interface TestHost extends AsyncDisposable {
  /** Runs a program inside; never throws for its exit code. */
  run(command: readonly string[], options?: { readonly stdin?: string | Buffer; readonly timeoutMs?: number }): Promise<HostResult>;
  /** As `run` with a shell, and throws when it fails. */
  sh(script: string, stdin?: string | Buffer): Promise<string>;
  /** A port of this machine's loopback that leads to a port of the host's loopback. */
  relay(ports: readonly number[]): Promise<ReadonlyMap<number, number>>;
  /** Process id of its first process, as seen from here. */
  pid(): number;
  /** The main process of a service, as seen from here, with its start time: `PID@TICKS`; `undefined` while it does not run. Cheap. */
  instance(unit: string, program: string): string | undefined;
}

/** What this machine lacks for such a host; `undefined` when it can be made. */
export function missingFor(kind: HostKind, programs: readonly string[] = []): string | undefined {
  const lacking = programs.filter(
    (program) => !["/usr/sbin", "/usr/bin", "/usr/local/bin", "/sbin", "/bin"].some((folder) => existsSync(join(folder, program))),
  );
  try {
    execFileSync(script(kind), ["probe"], { stdio: ["ignore", "pipe", "ignore"] });
  } catch (error) {
    return [String((error as { stdout?: Buffer }).stdout ?? "").trim(), ...lacking].join(", ");
  }
  return lacking.length === 0 ? undefined : `missing: ${lacking.join(", ")}`;
}

/** Starts a host and waits until it can be used. */
export async function startTestHost(kind: HostKind, name: string): Promise<TestHost> {
  const folder = mkdtempSync(join(tmpdir(), `natsbus-${kind}-`));
  const state = join(folder, "state");
  const ends: (() => void)[] = [];
  await execute(script(kind), ["start", state, name], { timeoutMs: START_TIMEOUT_MS }).then((result) => {
    if (result.code !== 0) throw new Error(`the ${kind} host did not start: ${result.stderr}`);
  });
  const run: TestHost["run"] = (command, options = {}) => execute(script(kind), ["run", state, ...command], options);
  return {
    run,
    sh: async (text, stdin) => {
      const result = await run(["bash", "-ec", text], stdin === undefined ? {} : { stdin });
      if (result.code !== 0) throw new Error(`exit code ${result.code} of: ${text}\n${result.stdout}${result.stderr}`);
      return result.stdout;
    },
    relay: (ports) => openRelay(state, ports, ends),
    pid: () => Number(readOr(join(state, "pid")).trim()),
    instance: (unit, program) => findInstance(state, unit, program),
    [Symbol.asyncDispose]: async () => {
      for (const end of ends) end();
      await execute(script(kind), ["stop", state], {});
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Where systemd uses both versions of control groups, it does not always keep a service's processes in its own hierarchy of the first; the controllers' have them. */
function findInstance(state: string, unit: string, program: string): string | undefined {
  const pids = readOr(join(state, "groups"))
    .split("\n")
    .filter((group) => /^\/sys\/fs\/cgroup\/(systemd|pids|memory)\//.test(group))
    .flatMap((group) => readOr(join(group, "system.slice", unit, "cgroup.procs")).split("\n"))
    .filter((line) => line !== "");
  const pid = pids.find((candidate) => readOr(`/proc/${candidate}/comm`).startsWith(program));
  const stat = pid === undefined ? "" : readOr(`/proc/${pid}/stat`);
  return stat === "" ? undefined : `${pid}@${stat.slice(stat.lastIndexOf(")")).split(" ")[START_TIME_FIELD]}`;
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

async function openRelay(state: string, ports: readonly number[], ends: (() => void)[]): Promise<ReadonlyMap<number, number>> {
  const folder = mkdtempSync(join(state, "relay-"));
  mkdirSync(folder, { recursive: true });
  const pid = readOr(join(state, "pid")).trim();
  const inside = spawn("nsenter", ["-t", pid, "-n", process.execPath, join(SCRIPTS, "relay.ts"), folder, ...ports.map(String)], {
    stdio: "ignore",
  });
  ends.push(() => end(inside));
  const pairs = await Promise.all(
    ports.map(async (port): Promise<[number, number]> => {
      const socket = join(folder, String(port));
      for (let round = 0; !existsSync(socket) && round < 200; round += 1) await delay(50);
      return [port, await listenFor(socket, ends)];
    }),
  );
  return new Map(pairs);
}

async function listenFor(socket: string, ends: (() => void)[]): Promise<number> {
  const server: Server = createServer((outside) => {
    const inside = createConnection(socket);
    outside.pipe(inside).pipe(outside);
    outside.on("error", () => inside.destroy());
    inside.on("error", () => outside.destroy());
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  ends.push(() => server.close());
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

function end(child: ChildProcess): void {
  child.kill("SIGKILL");
}

function script(kind: HostKind): string {
  return join(SCRIPTS, `${kind}-host.sh`);
}

function execute(
  program: string,
  args: readonly string[],
  options: { readonly stdin?: string | Buffer; readonly timeoutMs?: number },
): Promise<HostResult> {
  return new Promise((done) => {
    const child = execFile(
      program,
      [...args],
      { timeout: options.timeoutMs ?? 300_000, maxBuffer: MOST_OUTPUT, encoding: "utf8" },
      (error, stdout, stderr) => {
        const { code } = (error ?? { code: 0 }) as { readonly code?: number | string };
        done({ code: typeof code === "number" ? code : 255, stdout, stderr });
      },
    );
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(options.stdin ?? "");
  });
}
