import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ErrorCode } from "../../core/errors.ts";
import { processesBelow } from "../support/processes.ts";
import { createProject, type Project } from "../support/project.ts";

type Undo = () => unknown;
interface Case {
  /** What the user did wrong. */
  readonly mistake: string;
  /** Settings merged into the stack file. */
  readonly settings?: Record<string, unknown> | (() => Record<string, unknown>);
  /** Any other preparation; what it returns takes it back. */
  readonly arrange?: () => Undo | Promise<Undo>;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly code: ErrorCode;
  /** Path or place of the mistake, and what to do, in what the user reads. */
  readonly tells: readonly RegExp[];
  readonly exitCode?: number;
}

const UP = ["up", "--stack", "dev", "--yes", "--skip-preview"];
const BASE = { "natsbus:jetstream": { maxMemory: "128MB", maxStorage: "512MB" } };

let project: Project;
beforeAll(async () => {
  project = await createProject();
  project.configure(BASE);
});
afterAll(async () => {
  await project?.[Symbol.asyncDispose]();
});

/** Puts `text` at `path`, and back what was there. */
function replaceFile(path: string, text: string, mode = 0o600): Undo {
  const kept = `${path}.kept`;
  const before = existsSync(path);
  if (before) renameSync(path, kept);
  mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  writeFileSync(path, text, { mode });
  return () => {
    rmSync(path, { recursive: true, force: true });
    if (before) renameSync(kept, path);
  };
}

function moveAway(path: string): Undo {
  renameSync(path, `${path}.kept`);
  return () => renameSync(`${path}.kept`, path);
}

function editFile(file: string, from: string, to: string): Undo {
  project.edit(file, from, to);
  return () => project.edit(file, to, from);
}

/** Settings of the process target on the project's free ports. */
function onOwnPorts(settings: Record<string, unknown>): Record<string, unknown> {
  const [client, monitor, route] = [0, 3, 6].map((index) => project.ports[index]);
  return { "natsbus:process": { ports: { client, monitor, route }, ...settings } };
}

const state = (): string => project.path(".natsbus/state/.pulumi/stacks/natsbus/dev.json");
const stream = (settings: Record<string, unknown>, name = "SECURITY") => ({ "natsbus:streams": { [name]: settings } });

const CASES: readonly Case[] = [
  // keys and values of the stack file
  { mistake: "a misspelt section", settings: { "natsbus:clster": { servers: 3 } }, code: "ERR_CONFIG_KEY", tells: [/clster/, /cluster/] },
  {
    mistake: "a misspelt key",
    settings: { "natsbus:jetstream": { maxMemry: "128MB" } },
    code: "ERR_CONFIG_KEY",
    tells: [/jetstream\.maxMemry/, /maxMemory/],
  },
  {
    mistake: "an unknown unit",
    settings: { "natsbus:jetstream": { maxMemory: "128XB" } },
    code: "ERR_UNIT",
    tells: [/jetstream\.maxMemory/, /128XB/, /MiB/],
  },
  {
    mistake: "a size without a unit",
    settings: { "natsbus:jetstream": { maxStorage: 512 } },
    code: "ERR_UNIT",
    tells: [/jetstream\.maxStorage/, /512/, /MiB/],
  },
  {
    mistake: "a duration with a size's unit",
    settings: { "natsbus:limits": { pingInterval: "2GiB" } },
    code: "ERR_UNIT",
    tells: [/limits\.pingInterval/, /30s|ms/],
  },
  {
    mistake: "no servers",
    settings: { "natsbus:cluster": { servers: 0 } },
    code: "ERR_CONFIG_VALUE",
    tells: [/cluster\.servers/, /0/, /1/],
  },
  {
    mistake: "a number as a word",
    settings: { "natsbus:cluster": { servers: "three" } },
    code: "ERR_CONFIG_VALUE",
    tells: [/cluster\.servers/, /three/],
  },
  {
    mistake: "a server that is too old",
    settings: { "natsbus:cluster": { version: "2.11.9" } },
    code: "ERR_SERVER_VERSION",
    tells: [/cluster\.version/, /2\.11\.9/, /2\.12/],
  },
  {
    mistake: "a version without numbers",
    settings: { "natsbus:cluster": { version: "latest" } },
    code: "ERR_CONFIG_VALUE",
    tells: [/cluster\.version/, /latest/, /2\.15\.2/],
  },
  {
    mistake: "a cluster name with a blank",
    settings: { "natsbus:cluster": { name: "my cluster" } },
    code: "ERR_NAME",
    tells: [/cluster\.name/, /my cluster/],
  },
  {
    mistake: "an unknown target",
    settings: { "natsbus:target": "mainframe" },
    code: "ERR_CONFIG_VALUE",
    tells: [/target/, /mainframe/, /process/],
  },
  {
    mistake: "a target whose plugin is not installed",
    settings: { "natsbus:target": "docker" },
    code: "ERR_ENGINE_PLUGIN_MISSING",
    tells: [/Pulumi CLI/, /natsbus render/],
  },
  {
    mistake: "logins in the server configuration that are to end by themselves",
    settings: { "natsbus:auth": { mode: "config" }, "natsbus:accounts": { BUS: { users: { gitlab: { lifetime: "90d" } } } } },
    code: "ERR_AUTH_MODE",
    tells: [/accounts\.BUS\.users\.gitlab\.lifetime/, /auth\.mode jwt/],
  },
  {
    mistake: "an unknown authentication mode",
    settings: { "natsbus:auth": { mode: "ldap" } },
    code: "ERR_CONFIG_VALUE",
    tells: [/auth\.mode/, /ldap/, /jwt/],
  },
  {
    mistake: "two listeners on one port",
    settings: { "natsbus:process": { ports: { client: 4222, monitor: 4223, route: 6222 } } },
    code: "ERR_PORT_CLASH",
    tells: [/4223/, /process\.ports/],
  },
  {
    mistake: "a port beyond 65535",
    settings: { "natsbus:process": { ports: { client: 70000 } } },
    code: "ERR_CONFIG_VALUE",
    tells: [/process\.ports\.client/, /70000/, /65535/],
  },
  {
    mistake: "too few ports in a list",
    settings: { "natsbus:process": { ports: { client: [4222, 4223] } } },
    code: "ERR_CONFIG_CONFLICT",
    tells: [/process\.ports\.client/, /3/],
  },
  {
    mistake: "an unknown log level",
    settings: { "natsbus:logging": { level: "loud" } },
    code: "ERR_CONFIG_VALUE",
    tells: [/logging\.level/, /loud/, /debug/],
  },
  {
    mistake: "a grace period longer than lame duck mode",
    settings: { "natsbus:lameDuck": { duration: "30s", gracePeriod: "60s" } },
    code: "ERR_CONFIG_CONFLICT",
    tells: [/lameDuck/],
  },
  {
    mistake: "a certificate renewed before it was made",
    settings: { "natsbus:tls": { validity: "10d", renewBefore: "20d" } },
    code: "ERR_CONFIG_CONFLICT",
    tells: [/tls\.renewBefore|tls\.validity/],
  },
  {
    mistake: "two mistakes at once",
    settings: { "natsbus:cluster": { servers: 0 }, "natsbus:logging": { level: "loud" } },
    code: "ERR_CONFIG",
    tells: [/2 problems/, /cluster\.servers/, /logging\.level/],
  },
  {
    mistake: "a second name of a server setting",
    settings: { "natsbus:serverConfig": { max_conn: 5 } },
    code: "ERR_SERVER_CONFIG",
    tells: [/max_conn/, /max_connections/],
  },
  { mistake: "a block given as text", settings: { "natsbus:limits": "many" }, code: "ERR_CONFIG_VALUE", tells: [/limits/, /many/] },
  // catalogues
  {
    mistake: "a misspelt stream setting",
    settings: stream({ maxAgee: "7d" }),
    code: "ERR_STREAM_KEY",
    tells: [/streams\.SECURITY\.maxAgee/, /maxAge/],
  },
  {
    mistake: "a duration in words",
    settings: stream({ maxAge: "7 days" }),
    code: "ERR_UNIT",
    tells: [/streams\.SECURITY\.maxAge/, /7 days/, /30s/],
  },
  {
    mistake: "an unknown retention",
    settings: stream({ retention: "forever" }),
    code: "ERR_STREAM_VALUE",
    tells: [/streams\.SECURITY\.retention/, /forever/, /limits/],
  },
  {
    mistake: "five replicas on three servers",
    settings: stream({ replicas: 5 }),
    code: "ERR_REPLICAS",
    tells: [/streams\.SECURITY/, /5/, /3/],
  },
  {
    mistake: "subjects of another stream",
    settings: stream({ subjects: ["security.alerts.>"] }, "ALERTS"),
    code: "ERR_SUBJECT_OVERLAP",
    tells: [/ALERTS/, /SECURITY/],
  },
  {
    mistake: "a malformed subject",
    settings: stream({ subjects: ["orders..new"] }, "ORDERS"),
    code: "ERR_SUBJECT",
    tells: [/ORDERS/, /orders\.\.new/],
  },
  {
    mistake: "a stream name with a dot",
    settings: stream({ subjects: ["orders.>"] }, "ORDERS.NEW"),
    code: "ERR_NAME",
    tells: [/ORDERS\.NEW/],
  },
  {
    mistake: "a duplicate window beyond the age",
    settings: stream({ maxAge: "1m", duplicateWindow: "5m" }),
    code: "ERR_STREAM_LIMIT",
    tells: [/duplicateWindow/, /maxAge/],
  },
  {
    mistake: "more storage than the servers have",
    settings: stream({ maxBytes: "10GiB" }),
    code: "ERR_STORAGE",
    tells: [/SECURITY/, /maxStorage|512/],
  },
  {
    mistake: "an unknown acknowledgement policy",
    settings: stream({ consumers: { "security-worker": { ackPolicy: "maybe" } } }),
    code: "ERR_STREAM_VALUE",
    tells: [/security-worker\.ackPolicy/, /explicit/],
  },
  {
    mistake: "more waits than deliveries",
    settings: stream({ consumers: { "security-worker": { maxDeliver: 2 } } }),
    code: "ERR_STREAM_LIMIT",
    tells: [/security-worker/, /maxDeliver/],
  },
  { mistake: "a negative limit", settings: stream({ maxMsgs: -7 }), code: "ERR_STREAM_VALUE", tells: [/streams\.SECURITY\.maxMsgs/, /-7/] },
  {
    mistake: "a setting newer than the server",
    settings: { "natsbus:cluster": { version: "2.12.8" }, ...stream({ allowBatched: true }) },
    code: "ERR_SERVER_VERSION",
    tells: [/allowBatched/, /2\.14/],
  },
  {
    mistake: "a user with a role that does not exist",
    settings: { "natsbus:accounts": { BUS: { users: { eve: { role: "root" } } } } },
    code: "ERR_ACCOUNT_ARGS",
    tells: [/accounts\.BUS\.users\.eve/, /root/],
  },
  {
    mistake: "a misspelt account setting",
    settings: { "natsbus:accounts": { BUS: { descripton: "x" } } },
    code: "ERR_CONFIG_KEY",
    tells: [/accounts\.BUS\.descripton/, /description/],
  },
  {
    mistake: "a lifetime in words",
    settings: { "natsbus:accounts": { BUS: { users: { gitlab: { lifetime: "soon" } } } } },
    code: "ERR_UNIT",
    tells: [/accounts\.BUS\.users\.gitlab\.lifetime/, /soon/],
  },
  // files of the project
  {
    mistake: "a stack file that is no YAML",
    arrange: () => replaceFile(project.path("Pulumi.dev.yaml"), "config: [natsbus"),
    code: "ERR_PROJECT",
    tells: [/Pulumi\.dev\.yaml/],
  },
  {
    mistake: "no Pulumi.yaml",
    arrange: () => moveAway(project.path("Pulumi.yaml")),
    code: "ERR_PROJECT",
    tells: [/Pulumi\.yaml/],
  },
  {
    mistake: "a program in another language",
    arrange: () => editFile("Pulumi.yaml", "name: nodejs", "name: python"),
    code: "ERR_PROJECT",
    tells: [/python/, /nodejs/],
  },
  // environment
  {
    mistake: "a port that another program holds",
    arrange: async () => {
      const server = createServer().listen(project.ports[1], "127.0.0.1");
      await once(server, "listening");
      return () => new Promise((done) => server.close(done));
    },
    code: "ERR_PORT_IN_USE",
    tells: [/127\.0\.0\.1:\d+/, /natsbus:process/, new RegExp(`${process.pid}`)],
  },
  {
    mistake: "a file in place of the runtime folder",
    arrange: () => replaceFile(project.path(".natsbus/dev"), ""),
    code: "ERR_RUNTIME_FOLDER",
    tells: [/\.natsbus\/dev/],
  },
  {
    mistake: "a file in place of the state folder",
    arrange: () => replaceFile(project.path(".natsbus/state"), ""),
    code: "ERR_STATE_WRITE",
    tells: [/\.natsbus\/state/],
  },
  {
    mistake: "another passphrase",
    env: { PULUMI_CONFIG_PASSPHRASE: "wrong" },
    code: "ERR_PASSPHRASE_WRONG",
    tells: [/passphrase/i, /PULUMI_CONFIG_PASSPHRASE/],
  },
  {
    mistake: "a damaged state file",
    arrange: () => replaceFile(state(), '{"version": 3, "checkpoint": {"la'),
    code: "ERR_STATE_CORRUPT",
    tells: [/dev\.json/, /\.bak|backup|import/],
  },
  {
    mistake: "a state of another version",
    arrange: () => replaceFile(state(), JSON.stringify({ version: 9, checkpoint: {} })),
    code: "ERR_STATE_VERSION",
    tells: [/9/],
  },
  {
    mistake: "a lock of another machine",
    arrange: () =>
      replaceFile(
        project.path(".natsbus/state/.pulumi/locks/organization/natsbus/dev/0f8fad5b-d9cb-469f-a165-70867728950e.json"),
        JSON.stringify({ pid: 7, username: "ann", hostname: "elsewhere", timestamp: "2026-01-01T00:00:00Z" }),
      ),
    code: "ERR_STATE_LOCKED",
    tells: [/ann/, /elsewhere/, /cancel/],
  },
  {
    mistake: "a backend the embedded engine does not speak to",
    env: { PULUMI_BACKEND_URL: "s3://bucket" },
    code: "ERR_STATE_BACKEND",
    tells: [/s3:\/\/bucket/, /Pulumi CLI|file:\/\//],
  },
  {
    mistake: "a configured server that is not there",
    settings: () => onOwnPorts({ binary: "/nowhere/nats-server" }),
    code: "ERR_SERVER_BINARY",
    tells: [/\/nowhere\/nats-server/],
  },
  {
    mistake: "a configured server that is too old",
    settings: () => onOwnPorts({ binary: "./old-server" }),
    arrange: () => {
      writeFileSync(project.path("old-server"), "#!/bin/sh\necho 'nats-server: v2.9.1'\n");
      chmodSync(project.path("old-server"), 0o755);
      return () => rmSync(project.path("old-server"));
    },
    code: "ERR_SERVER_BINARY",
    tells: [/2\.9\.1/],
  },
  {
    mistake: "an engine that is not installed",
    args: [...UP, "--engine", "pulumi"],
    env: { PATH: "/nowhere" },
    code: "ERR_ENGINE_MISSING",
    tells: [/pulumi/, /embedded/],
  },
  // command line
  { mistake: "an unknown verb", args: ["upp"], code: "ERR_USAGE", tells: [/upp/, /up/], exitCode: 2 },
  { mistake: "an unknown option", args: ["up", "--yess"], code: "ERR_USAGE", tells: [/--yess/], exitCode: 2 },
  {
    mistake: "a stack name with a slash",
    args: ["up", "--yes", "--stack", "a/b/c/d"],
    code: "ERR_PROJECT",
    tells: [/a\/b\/c\/d/],
  },
  { mistake: "no terminal to ask on", args: ["up", "--stack", "dev"], code: "ERR_NO_TERMINAL", tells: [/--yes/], exitCode: 2 },
  { mistake: "credentials of a bus that is not up", args: ["creds", "--stack", "dev"], code: "ERR_NOT_UP", tells: [/dev/, /up/] },
  { mistake: "ephemeral without a command", args: ["ephemeral"], code: "ERR_USAGE", tells: [/--/], exitCode: 2 },
];

describe("mistakes are told with code, place and remedy, and change nothing", () => {
  // A stack that exists, so that passphrase and state are there to be wrong about.
  beforeAll(async () => {
    const settled = await project.natsbus(["preview", "--stack", "dev"]);
    expect(settled.code, settled.stderr).toBe(0);
  });

  test.each(CASES)("$mistake: $code", async ({ settings, arrange, args = UP, env = {}, code, tells, exitCode }) => {
    const stackFile = readFileSync(project.path("Pulumi.dev.yaml"), "utf8");
    const before = existsSync(state()) ? readFileSync(state(), "utf8") : "";
    if (settings !== undefined) project.configure(typeof settings === "function" ? settings() : settings);
    const undo = await arrange?.();
    try {
      const ended = await project.natsbus(args, { env });
      const told = ended.stdout + ended.stderr;
      expect(ended.code, told).not.toBe(0);
      if (exitCode !== undefined) expect(ended.code).toBe(exitCode);
      expect(told).toContain(code);
      for (const words of tells) expect(told).toMatch(words);
      expect(told).not.toMatch(/\n\s+at .*:\d+:\d+/);
      expect(processesBelow(project.directory)).toEqual([]);
    } finally {
      await undo?.();
      // A mistake that went through must not spoil the next row.
      if (processesBelow(project.directory).length > 0) await project.natsbus(["destroy", "--stack", "dev", "--yes", "--skip-preview"]);
      writeFileSync(project.path("Pulumi.dev.yaml"), stackFile);
    }
    const names = (text: string) =>
      (text === ""
        ? []
        : ((JSON.parse(text) as { checkpoint: { latest?: { resources?: { urn: string }[] } } }).checkpoint.latest?.resources ?? [])
      )
        .map(({ urn }) => urn)
        .filter((urn) => /Stream|Consumer|KeyValue|ObjectStore|Account::|Cluster/.test(urn));
    expect(existsSync(state()) ? names(readFileSync(state(), "utf8")) : []).toEqual(names(before));
  });
});
