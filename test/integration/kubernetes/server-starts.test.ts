import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { describe, expect, test } from "vitest";
import { checkHostConfig } from "../../../cli/host-check.ts";
import { certificateFiles, configFiles, type Material, routeFiles, serverHosts } from "../../../components/kubernetes/server-files.ts";
import { issueAuthority, issueServers, planAuthority, planServers } from "../../../components/tls/issue.ts";
import type { BusSpec } from "../../../core/bus-spec.ts";
import { serverNames } from "../../../core/kubernetes-names.ts";
import { testServerBinary } from "../../support/cluster.ts";
import { findFreePorts } from "../../support/free-ports.ts";
import { fakeMaterial, KITCHEN_SINK, kubernetesSpec, type StackBlocks } from "../../support/kubernetes-spec.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const DAY_MS = 86_400_000;
const START_TIMEOUT_MS = 60_000;
const ACCOUNTS = { SYS: { users: [{ user: "system", password: "a" }] }, APP: { jetstream: true, users: [{ user: "app", password: "b" }] } };
const ENVIRONMENT = { NATS_ZONE_TAG: '"az:eu-1a"', NATS_STORE_KEY: "store-key" };

function material(spec: BusSpec): Material {
  const now = new Date();
  const authority = issueAuthority(
    undefined,
    planAuthority(undefined, { name: "test", validityMs: 300 * DAY_MS, renewBeforeMs: 200 * DAY_MS }, now),
  );
  const want = { authority, nodes: serverHosts(spec), validityMs: 100 * DAY_MS, renewBeforeMs: 10 * DAY_MS };
  const { certificates, keys } = issueServers(undefined, planServers(undefined, want, now));
  const identity = { kind: "accounts", accounts: ACCOUNTS, systemAccount: "SYS" } as const;
  return { ...fakeMaterial(spec), identity, authority: authority.bundle, certificates, keys };
}

/** Writes a server's files as its pod would see them, below `folder` and on free ports of loopback; answers the monitor port. */
async function writePod(spec: BusSpec, folder: string): Promise<number> {
  const made = material(spec);
  const first = await findFreePorts(10);
  const ports = new Map<string, number>();
  const portFor = (port: string): number => {
    const known = ports.get(port) ?? first + ports.size;
    ports.set(port, known);
    return known;
  };
  const local = (text: string): string =>
    text
      .replaceAll(/"\/(etc|data|var)\//g, `"${folder}/$1/`)
      .replaceAll(/0\.0\.0\.0:(\d+)/g, (_all, port: string) => `127.0.0.1:${portFor(port)}`)
      .replaceAll(/prof_port: (\d+)/g, (_all, port: string) => `prof_port: ${portFor(port)}`);
  for (const part of ["etc/nats", "etc/nats-leaf/0", "var/run/nats", "data"]) mkdirSync(join(folder, part), { recursive: true });
  for (const [name, text] of Object.entries(configFiles(spec, made))) writeFileSync(join(folder, "etc/nats", name), local(text));
  const certificates = { ...certificateFiles(spec, made), ...routeFiles(spec, made) };
  for (const [name, text] of Object.entries(certificates)) writeFileSync(join(folder, "etc/nats", name), text);
  return portFor("8222");
}

/** What a page of the monitor says, as soon as the server answers. */
async function ask(port: number, page: string, output: () => string): Promise<Record<string, unknown>> {
  const until = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${port}${page}`).catch(() => undefined);
    if (answer?.ok === true) return (await answer.json()) as Record<string, unknown>;
    if (performance.now() > until) throw new Error(`the server does not answer:\n${output()}`);
    await delay(50);
  }
}

const single = (blocks: StackBlocks): StackBlocks => ({ cluster: { servers: 1 }, ...blocks });

describe("a real server starts with what its pod is given", () => {
  test.each<[string, StackBlocks]>([
    ["the kitchen sink", KITCHEN_SINK],
    ["defaults", {}],
    ["one server without encryption of clients", single({ tls: { clients: false } })],
    [
      "a WebSocket listener behind a proxy",
      single({ kubernetes: { listeners: { websocket: { enabled: true, tls: false, hosts: ["a.example.org"], ingressClass: "nginx" } } } }),
    ],
    ["encryption on disk with AES", single({ kubernetes: { encryption: { secret: "k", cipher: "aes" } } })],
  ])("%s", async (_name, blocks) => {
    using folder = temporaryFolder();
    const spec = kubernetesSpec(blocks);
    const port = await writePod(spec, folder.path);
    const [server = ""] = serverNames(spec);
    const file = join(folder.path, "etc/nats", `${server}.conf`);
    const child = spawn(testServerBinary(), ["--config", file], { env: { ...process.env, ...ENVIRONMENT } });
    let output = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    const ended = once(child, "exit");
    try {
      const gone = ended.then(() => Promise.reject(new Error(`the server ended:\n${output}`)));
      const varz = await Promise.race([ask(port, "/varz", () => output), gone]);
      const { zones } = spec.kubernetes.scheduling;
      expect(varz).toMatchObject({ server_name: server, ...(zones.length === 0 ? {} : { tags: ["az:eu-1a"] }) });
      const jetstream = varz["jetstream"] as { readonly config: Record<string, unknown> };
      expect(jetstream.config).toMatchObject({
        max_storage: spec.jetstream.maxStorageBytes,
        ...(spec.jetstream.domain === undefined ? {} : { domain: spec.jetstream.domain }),
        ...(zones.length === 0 ? {} : { unique_tag: "az:" }),
      });
      expect(output).not.toMatch(/unknown field|deprecat/i);
    } finally {
      child.kill("SIGKILL");
      await ended;
    }
  });
});

/** Runs one server on what its pod is given, as long as `work` takes. */
async function withServer<T>(
  spec: BusSpec,
  { folder, env }: { readonly folder: string; readonly env: NodeJS.ProcessEnv },
  work: (connection: NatsConnection) => Promise<T>,
): Promise<T> {
  const monitor = await writePod(spec, folder);
  const file = join(folder, "etc/nats/nats-0.conf");
  const child = spawn(testServerBinary(), ["--config", file], { env: { ...process.env, ...env }, stdio: "ignore" });
  const ended = once(child, "exit");
  try {
    await ask(monitor, "/healthz", () => "");
    const [, port] = /^listen: "127\.0\.0\.1:(\d+)"/m.exec(readFileSync(file, "utf8")) ?? [];
    const connection = await connect({ servers: `127.0.0.1:${port}`, user: "app", pass: "b" });
    return await work(connection).finally(() => connection.close());
  } finally {
    child.kill("SIGTERM");
    await ended;
  }
}

test("a new key takes over what was stored under the one of before, which is needed no more then", async () => {
  using folder = temporaryFolder();
  const spec = (encryption: object) =>
    kubernetesSpec(single({ tls: { clients: false }, kubernetes: { encryption: { secret: "k", ...encryption } } }));
  const read = async (connection: NatsConnection) => {
    const { streams } = await jetstreamManager(connection);
    return (await streams.getMessage("ORDERS", { seq: 1 }))?.string();
  };
  const at = (env: NodeJS.ProcessEnv) => ({ folder: folder.path, env });
  await withServer(spec({}), at({ NATS_STORE_KEY: "first-key" }), async (connection) => {
    await (await jetstreamManager(connection)).streams.add({ name: "ORDERS", subjects: ["orders"] });
    await jetstream(connection).publish("orders", "hello");
  });
  const both = { NATS_STORE_KEY: "second-key", NATS_STORE_PREVIOUS_KEY: "first-key" };
  expect(await withServer(spec({ key: "new", previousKey: "key" }), at(both), read)).toBe("hello");
  expect(await withServer(spec({ key: "new" }), at({ NATS_STORE_KEY: "second-key" }), read)).toBe("hello");
});

describe("natsbus check-config", () => {
  const outcomes = async (blocks: StackBlocks) => {
    const found = await checkHostConfig(kubernetesSpec(blocks));
    return found.filter(({ tool }) => tool === "nats-server -t").map(({ subject, outcome, detail }) => [subject, outcome, detail]);
  };

  test("has the server itself read what every pod would read, with everything turned on", async () => {
    expect(await outcomes(KITCHEN_SINK)).toEqual([0, 1, 2, 3, 4].map((index) => [`bus-${index}.conf`, "ok", ""]));
    const foreign = { kubernetes: { certificates: { source: "existing", secret: "bus-tls" } } };
    expect(await outcomes(foreign)).toEqual([0, 1, 2].map((index) => [`nats-${index}.conf`, "ok", ""]));
  });

  test("tells a misspelt raw setting before it reaches a pod", async () => {
    const [first] = await outcomes({ serverConfig: { max_conections: 3 } });
    expect(first).toEqual(["nats-0.conf", "bad", expect.stringContaining('unknown field "max_conections"')]);
  });
});
