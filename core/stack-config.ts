/** From the text values of a stack file to a {@link BusSpec}: every problem at once, each with path, value and what is allowed. */
import type { BusSpec } from "./bus-spec.ts";
import { resolveDocker } from "./docker-spec.ts";
import { assertNoProblems, type Problem } from "./errors.ts";
import { resolveKubernetes } from "./kubernetes-spec.ts";
import { resolveMonitoring } from "./monitoring-schema.ts";
import { resolvePorts } from "./ports.ts";
import { describeIssues, unknownKey } from "./setting-problems.ts";
import { resolutionProblems } from "./stack-rules.ts";
import { type StackSettings, stackSchema } from "./stack-schema.ts";
import { resolveSystemd } from "./systemd-spec.ts";

/** Where a stack configuration belongs. */
export interface StackContext {
  /** Pulumi stack. */
  readonly stack: string;
  /** Pulumi project; also the namespace of the keys. */
  readonly project: string;
}

/** What reading a stack configuration gave: the bus, or what is wrong. */
export type StackReading =
  | { readonly spec: BusSpec; readonly problems: readonly [] }
  | { readonly spec: undefined; readonly problems: readonly Problem[] };

/**
 * The bus a stack file describes.
 * @param raw values as Pulumi hands them over: key with or without `<project>:`, value as JSON text for a block and as plain text for a scalar; other namespaces are skipped
 * @throws ERR_CONFIG with every problem, or the problem's own code when there is one
 */
export function parseStackConfig(raw: Readonly<Record<string, string>>, context: StackContext): BusSpec {
  const reading = readStackConfig(raw, context);
  assertNoProblems(reading.problems);
  return reading.spec as BusSpec;
}

/** As {@link parseStackConfig}, with the problems as a value; for callers that add problems of their own before they report. Rules between settings are checked once each setting is sound. */
export function readStackConfig(raw: Readonly<Record<string, string>>, context: StackContext): StackReading {
  const problems: Problem[] = [];
  const settings: Record<string, unknown> = {};
  for (const [fullKey, text] of Object.entries(raw)) {
    const key = ownKey(fullKey, context.project);
    if (key === undefined) continue;
    if (!Object.hasOwn(stackSchema.shape, key)) problems.push(unknownKey("", key));
    else settings[key] = key === "target" ? text : parseBlock(text);
  }
  const parsed = stackSchema.safeParse(settings);
  if (!parsed.success) return { spec: undefined, problems: [...problems, ...describeIssues(parsed.error.issues, settings)] };
  const spec = resolveBusSpec(parsed.data, context);
  problems.push(...resolutionProblems(spec));
  return problems.length > 0 ? { spec: undefined, problems } : { spec, problems: [] };
}

function ownKey(fullKey: string, project: string): string | undefined {
  const colon = fullKey.indexOf(":");
  if (colon < 0) return fullKey;
  return fullKey.slice(0, colon) === project ? fullKey.slice(colon + 1) : undefined;
}

/** A block's value, or its text when it is none; the schema then names what is allowed. */
function parseBlock(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

function resolveBusSpec(settings: StackSettings, context: StackContext): BusSpec {
  const { cluster, process, logging, lameDuck, tls, auth } = settings;
  const { client, monitor, route } = process.ports;
  const fallbackName = `${context.project}-${context.stack}`.replaceAll(/[^A-Za-z0-9_-]/g, "-");
  return {
    stack: context.stack,
    project: context.project,
    target: settings.target,
    cluster: { ...cluster, name: cluster.name ?? fallbackName },
    process: {
      directory: process.directory ?? `.natsbus/${context.stack}`,
      host: process.host,
      ports: {
        client: resolvePorts(client, cluster.servers),
        monitor: resolvePorts(monitor, cluster.servers),
        route: resolvePorts(route, cluster.servers),
      },
      monitorTls: process.monitorTls,
      ...(process.binary === undefined ? {} : { binary: process.binary }),
    },
    kubernetes: resolveKubernetes(settings.kubernetes, {
      ...context,
      maxStorageBytes: settings.jetstream.maxStorage,
      cpu: settings.limits.cpu,
      memoryBytes: settings.limits.memory,
    }),
    docker: resolveDocker(settings.docker, cluster.version),
    systemd: resolveSystemd(settings.systemd),
    ...(settings.existing === undefined ? {} : { existing: settings.existing }),
    logging: { level: logging.level, maxFileSizeBytes: logging.maxFileSize, keepFiles: logging.keepFiles },
    jetstream: resolveJetStream(settings.jetstream),
    deletionPolicy: settings.jetstream.deletionPolicy,
    limits: resolveLimits(settings.limits),
    auth: {
      mode: auth.mode,
      operator: auth.operator ?? context.project,
      resolverIntervalMs: auth.resolverInterval,
      rotations: auth.rotations,
    },
    tls: {
      clients: tls.clients,
      handshakeFirst: tls.handshakeFirst,
      validityMs: tls.validity,
      renewBeforeMs: tls.renewBefore,
      authorityValidityMs: tls.authorityValidity,
      authorityRenewBeforeMs: tls.authorityRenewBefore,
      hosts: tls.hosts,
    },
    lameDuck: { durationMs: lameDuck.duration, gracePeriodMs: lameDuck.gracePeriod },
    monitoring: resolveMonitoring(settings.monitoring),
    verify: resolveVerify(settings.verify),
    overrides: { streams: settings.streams, keyValue: settings.keyValue, objectStores: settings.objectStores, accounts: settings.accounts },
    serverConfig: settings.serverConfig,
  };
}

function resolveVerify({ disruptive, ...thresholds }: StackSettings["verify"]): BusSpec["verify"] {
  return { thresholds, ...(disruptive === undefined ? {} : { disruptive }) };
}

function resolveJetStream(jetstream: StackSettings["jetstream"]): BusSpec["jetstream"] {
  const { maxMemory, maxStorage, domain, uniqueTag, syncInterval } = jetstream;
  return {
    maxMemoryBytes: maxMemory,
    maxStorageBytes: maxStorage,
    ...(domain === undefined ? {} : { domain }),
    ...(uniqueTag === undefined ? {} : { uniqueTag }),
    ...(syncInterval === undefined ? {} : { syncInterval }),
  };
}

function resolveLimits(limits: StackSettings["limits"]): BusSpec["limits"] {
  const { maxSubscriptions, memory, cpu } = limits;
  return {
    maxConnections: limits.maxConnections,
    maxPayloadBytes: limits.maxPayload,
    maxPendingBytes: limits.maxPending,
    pingIntervalMs: limits.pingInterval,
    maxPingsOut: limits.maxPingsOut,
    writeDeadlineMs: limits.writeDeadline,
    ...(maxSubscriptions === undefined ? {} : { maxSubscriptions }),
    ...(memory === undefined ? {} : { memoryBytes: memory }),
    ...(cpu === undefined ? {} : { cpu }),
  };
}
