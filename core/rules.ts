/** Rules between the cluster and what is to live in it, checked at preview. Pure: a bus and plain facts in, problems and advice out. */
import type { BusSpec } from "./bus-spec.ts";
import type { ErrorCode, Problem } from "./errors.ts";
import { kubernetesAdvice, kubernetesStreamProblems } from "./kubernetes-rules.ts";
import { subjectsOverlap } from "./names.ts";
import { renderDuration, renderSize } from "./units.ts";
import { compareVersions, isSupported, SUPPORTED_MINORS } from "./version.ts";

/** What the rules need to know of a stream, a bucket or a store. */
export interface StreamFacts {
  /** Where it is written, for instance `streams.ORDERS`. */
  readonly path: string;
  /** Stream name. */
  readonly name: string;
  /** Account it lives in. */
  readonly account: string;
  /** Subjects it stores; none for a mirror. */
  readonly subjects: readonly string[];
  /** Number of replicas. */
  readonly replicas: number;
  /** Where messages are kept. */
  readonly storage: "file" | "memory";
  /** Most bytes it keeps; -1 or 0: unlimited. */
  readonly maxBytes: number;
  /** Age after which messages are removed, in milliseconds; 0: never. */
  readonly maxAgeMs: number;
  /** Window in which duplicates are recognised, in milliseconds; absent: the server's own. */
  readonly duplicateWindowMs?: number | undefined;
  /** Settings that not every supported server knows, with the version that brought them. */
  readonly needs: readonly { readonly key: string; readonly since: string }[];
}

/** What the rules found. */
export interface RuleFindings {
  /** What must be put right before anything is done. */
  readonly problems: readonly Problem[];
  /** Advice that stops nothing, each with its path. */
  readonly warnings: readonly string[];
}

const MOST_REPLICAS = 5;
const SHORTEST_WINDOW_MS = 100;
const EPHEMERAL_PORTS = { first: 32_768, last: 60_999 };
const LOOPBACK = /^(127\.|localhost$|::1$)/;

/** Checks a bus and its streams against each other. */
export function checkBus(spec: BusSpec, streams: readonly StreamFacts[]): RuleFindings {
  const problems = [
    ...versionProblems(spec),
    ...exposureProblems(spec),
    ...streams.flatMap((stream) => [...replicaProblems(spec, stream), ...windowProblems(stream), ...needProblems(spec, stream)]),
    ...subjectProblems(streams),
    // What the servers of an existing cluster hold is their owner's to say.
    ...(spec.target === "existing" ? [] : storageProblems(spec, streams)),
    ...kubernetesStreamProblems(spec, streams),
  ];
  return {
    problems,
    warnings: [...clusterAdvice(spec), ...kubernetesAdvice(spec), ...streams.flatMap((stream) => streamAdvice(spec, stream))],
  };
}

function versionProblems(spec: BusSpec): Problem[] {
  const { version } = spec.cluster;
  if (isSupported(version)) return [];
  const message = `${version} is not supported; allowed is ${SUPPORTED_MINORS.oldest} to ${SUPPORTED_MINORS.newest}`;
  return [problem("ERR_SERVER_VERSION", "cluster.version", message, "choose a supported version, or remove the setting for the default")];
}

/** What a listener that others on the network reach must not be. */
function exposureProblems(spec: BusSpec): Problem[] {
  const { host } = spec.process;
  if (spec.target !== "process" || LOOPBACK.test(host)) return [];
  const found: Problem[] = [];
  if (spec.auth.mode === "none") {
    found.push(
      problem(
        "ERR_CONFIG_CONFLICT",
        "auth.mode",
        `without authentication the servers would listen on ${host}, where others reach them`,
        'use auth.mode "jwt", or process.host "127.0.0.1"',
      ),
    );
  }
  if (!spec.tls.clients) {
    found.push(
      problem(
        "ERR_CONFIG_CONFLICT",
        "tls.clients",
        `unencrypted clients would connect over ${host}, where others can listen`,
        'turn tls.clients on, or use process.host "127.0.0.1"',
      ),
    );
  }
  return found;
}

function replicaProblems(spec: BusSpec, stream: StreamFacts): Problem[] {
  const { servers } = spec.cluster;
  const path = `${stream.path}.replicas`;
  if (!Number.isInteger(stream.replicas) || stream.replicas < 1 || stream.replicas > MOST_REPLICAS) {
    return [
      problem(
        "ERR_REPLICAS",
        path,
        `${stream.replicas} replicas are not possible; allowed is 1 to ${MOST_REPLICAS}`,
        "use 3, or 1 for data that may be lost with a server",
      ),
    ];
  }
  if (stream.replicas <= servers) return [];
  const message = `${stream.replicas} replicas need as many servers, and there ${servers === 1 ? "is" : "are"} ${servers}; allowed is 1 to ${Math.min(servers, MOST_REPLICAS)}`;
  return [problem("ERR_REPLICAS", path, message, `lower the replicas, or raise cluster.servers to ${stream.replicas}`)];
}

function windowProblems(stream: StreamFacts): Problem[] {
  const { duplicateWindowMs: window, maxAgeMs } = stream;
  const path = `${stream.path}.duplicateWindow`;
  if (window === undefined || window === 0) return [];
  if (window < SHORTEST_WINDOW_MS) {
    return [
      problem(
        "ERR_STREAM_LIMIT",
        path,
        `${renderDuration(window)} is too short; allowed is ${SHORTEST_WINDOW_MS}ms and longer`,
        "use at least 100ms",
      ),
    ];
  }
  if (maxAgeMs === 0 || window <= maxAgeMs) return [];
  const message = `${renderDuration(window)} is longer than maxAge, ${renderDuration(maxAgeMs)}; a message would be forgotten before its duplicates`;
  return [problem("ERR_STREAM_LIMIT", path, message, "make it at most maxAge")];
}

function needProblems(spec: BusSpec, stream: StreamFacts): Problem[] {
  const { version } = spec.cluster;
  return stream.needs
    .filter(({ since }) => compareVersions(`${since}.0`, version) > 0)
    .map(({ key, since }) =>
      problem(
        "ERR_SERVER_VERSION",
        `${stream.path}.${key}`,
        `needs nats-server ${since}, and cluster.version is ${version}`,
        `raise cluster.version to ${since} or newer, or remove the setting`,
      ),
    );
}

function subjectProblems(streams: readonly StreamFacts[]): Problem[] {
  return streams.flatMap((stream, index) => {
    const earlier = streams.slice(0, index).filter((other) => other.account === stream.account);
    return stream.subjects.flatMap((subject) =>
      earlier.flatMap((other) =>
        other.subjects
          .filter((taken) => subjectsOverlap(taken, subject))
          .map((taken) =>
            problem(
              "ERR_SUBJECT_OVERLAP",
              `${stream.path}.subjects`,
              `"${subject}" overlaps "${taken}" of ${other.path}, and one account stores a message once`,
              "make the subjects disjoint, or read the other stream as a source",
            ),
          ),
      ),
    );
  });
}

function storageProblems(spec: BusSpec, streams: readonly StreamFacts[]): Problem[] {
  const { maxMemoryBytes, maxStorageBytes } = spec.jetstream;
  return [
    ...storageKind({ spec, streams, storage: "file", limit: maxStorageBytes, path: "jetstream.maxStorage" }),
    ...storageKind({ spec, streams, storage: "memory", limit: maxMemoryBytes, path: "jetstream.maxMemory" }),
  ];
}

/** A server reserves what a limited stream may grow to, and refuses a stream it has no room for. */
function storageKind(want: {
  spec: BusSpec;
  streams: readonly StreamFacts[];
  storage: "file" | "memory";
  limit: number;
  path: string;
}): Problem[] {
  const { spec, storage, limit, path } = want;
  const limited = want.streams.filter((stream) => stream.storage === storage && stream.maxBytes > 0);
  const tooLarge = limited.filter((stream) => stream.maxBytes > limit);
  if (tooLarge.length > 0) {
    return tooLarge.map((stream) =>
      problem(
        "ERR_STORAGE",
        `${stream.path}.maxBytes`,
        `${renderSize(stream.maxBytes)} is more than a server holds, ${path} ${renderSize(limit)}`,
        `lower it, or raise ${path}`,
      ),
    );
  }
  const reserved = limited.reduce((sum, stream) => sum + stream.maxBytes * stream.replicas, 0);
  const { servers } = spec.cluster;
  if (reserved <= limit * servers) return [];
  const message = `the ${storage} streams reserve ${renderSize(reserved)} with their replicas, and ${servers} servers with ${renderSize(limit)} each hold ${renderSize(limit * servers)}`;
  return [
    problem(
      "ERR_STORAGE",
      path,
      message,
      `raise ${path} to at least ${renderSize(Math.ceil(reserved / servers))}, or lower maxBytes of the streams`,
    ),
  ];
}

function clusterAdvice(spec: BusSpec): string[] {
  const { servers } = spec.cluster;
  const advice: string[] = [];
  if (servers % 2 === 0) advice.push(`cluster.servers: ${servers} servers survive no more losses than ${servers - 1}; use an odd number`);
  if (!spec.tls.clients) advice.push("tls.clients: clients are not encrypted");
  if (spec.auth.mode === "none") advice.push("auth.mode: everybody on this machine may do everything on the bus");
  if (spec.logging.level === "trace") advice.push("logging.level: trace writes every message's payload into the log");
  if (spec.target !== "process") return advice;
  for (const kind of ["client", "monitor", "route"] as const) {
    const unsafe = spec.process.ports[kind].find((port) => port >= EPHEMERAL_PORTS.first && port <= EPHEMERAL_PORTS.last);
    if (unsafe !== undefined)
      advice.push(
        `process.ports.${kind}: ${unsafe} is one of the ports the system gives to outgoing connections; it may be taken by chance`,
      );
  }
  return advice;
}

function streamAdvice(spec: BusSpec, stream: StreamFacts): string[] {
  const { replicas, maxBytes, path } = stream;
  const advice: string[] = [];
  if (replicas % 2 === 0)
    advice.push(`${path}.replicas: ${replicas} replicas survive no more losses than ${replicas - 1}; use an odd number`);
  if (replicas === 1 && spec.cluster.servers >= 3)
    advice.push(`${path}.replicas: one replica stops with its server, and is lost with its disk`);
  if (maxBytes <= 0) advice.push(`${path}.maxBytes: without a limit the stream may take all the storage of its servers`);
  return advice;
}

function problem(code: ErrorCode, path: string, message: string, remedy: string): Problem {
  return { code, path, message, remedy };
}
