/** Faults to plant into a running server, or into the network before it, and checks that must tell them. */
import type { Outcome } from "../../operations/verify/check.ts";
import type { Context } from "../../operations/verify/context.ts";
import { openProxy, type ProxyOptions } from "../../operations/verify/proxy.ts";
import { runSections } from "../../operations/verify/run.ts";
import { openScratch } from "../../operations/verify/scratch.ts";
import { SECTIONS } from "../../operations/verify/sections.ts";
import { DEFAULT_THRESHOLDS, type Thresholds } from "../../operations/verify/thresholds.ts";
import { startCluster, type TestCluster } from "./cluster.ts";

const SILENT = { onSection: () => undefined, onCheck: () => undefined, onResult: () => undefined };
// Whatever this machine can do is fast enough, so that only the planted fault fails.
const LENIENT: Thresholds = {
  ...{
    ...DEFAULT_THRESHOLDS,
    publishRate: 1,
    publishRatio: 0,
    consumeRatio: 0,
    meanLatency: 10_000,
    latencyP99: 10_000,
    scaling: 0,
    errorTypes: 0,
  },
};

interface Fault {
  /** Text added to the server's configuration. */
  readonly config?: string;
  /** Network between the suite and the server. */
  readonly network?: ProxyOptions;
  readonly thresholds?: Partial<Thresholds>;
}

/** Runs one check of a section against a fresh server with the fault. @throws when there is no such check */
export async function runWithFault(section: string, name: string, { config = "", network, thresholds = {} }: Fault): Promise<Outcome> {
  await using cluster: TestCluster = await startCluster({ servers: 1, configText: () => config });
  const port = cluster.nodes[0]?.port ?? 0;
  await using proxy = network === undefined ? undefined : await openProxy({ host: "127.0.0.1", port }, network);
  const admin = { servers: [`nats://127.0.0.1:${proxy?.port ?? port}`] };
  const scratch = await openScratch(admin, 1);
  const done = new Map<string, Promise<unknown>>();
  const missing = { missing: "not in this test" };
  const context: Context = {
    ...{ title: "test", admin, users: [], scratch, signer: missing, control: missing, quick: true, signal: new AbortController().signal },
    servers: cluster.nodes.map((node) => ({ name: node.name, clientUrl: node.url, monitorUrl: node.monitorUrl })),
    ...{ thresholds: { ...LENIENT, ...thresholds }, note: () => undefined },
    once<T>(key: string, work: () => Promise<T>) {
      const known = done.get(key) ?? work();
      done.set(key, known);
      return known as Promise<T>;
    },
  };
  const whole = SECTIONS.find((one) => one.name === section);
  const checks = whole?.checks.filter((check) => check.name === name) ?? [];
  if (whole === undefined || checks.length !== 1) throw new Error(`there is no check ${section}/${name}`);
  const result = await runSections([{ ...whole, disruptive: false, checks }], context, SILENT);
  await scratch.close();
  const [outcome] = result.sections[0]?.checks ?? [];
  if (outcome === undefined) throw new Error("the check gave no outcome");
  return outcome;
}

const denied = (subject: string): string =>
  `accounts { A { jetstream: enabled, users: [{ user: u, password: p, permissions: { publish: { allow: ">", deny: "${subject}" } } }] } }\nno_auth_user: u`;

/** Section, check, fault in words, fault, and what the check must say. */
export const FAULTS: readonly (readonly [string, string, string, Fault, RegExp])[] = [
  ["publishing", "one-by-one", "a slow network", { network: { delayMs: 20 }, thresholds: { meanLatency: 10 } }, /mean is \d+/],
  [
    "publishing",
    "rate",
    "a network that lets little pass",
    { network: { delayMs: 200 }, thresholds: { publishRate: 3399 } },
    /rate is .* at least 3,399/,
  ],
  ["publishing", "sizes", "a server that takes small messages only", { config: "max_payload: 1024" }, /ERR_CLIENT_SIZE|1024/],
  [
    "consumption",
    "every-message-once",
    "acknowledgements that do not arrive",
    { config: denied("$JS.ACK.>") },
    /2000 to be acknowledged|more than once/,
  ],
  ["latency", "five-publishers", "a slow network", { network: { delayMs: 30 }, thresholds: { latencyP99: 20 } }, /p99 is \d+/],
  ["latency", "request-reply", "a service whose answers are refused", { config: denied("_INBOX.>") }, /request 1 of 300 was not answered/],
  ["errors", "full-stream", "a user who may not purge", { config: denied("$JS.API.STREAM.PURGE.>") }, /timeout|permission/i],
  [
    "errors",
    "poison-message",
    "dead letters that cannot be written",
    { config: denied("natsbus-verify.*.poison-message.dead") },
    /dead letters/,
  ],
  ["scalability", "publishers", "a server that takes 20 connections", { config: "max_connections: 20" }, /connect/i],
  [
    "jetstream",
    "make-change-delete",
    "a user who may not change streams",
    { config: denied("$JS.API.STREAM.UPDATE.>") },
    /timeout|permission/i,
  ],
];
