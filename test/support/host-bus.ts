import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createOperator } from "../../accounts/identity.ts";
import type { ResolvedBus } from "../../components/resolved-bus.ts";
import type { ServerIdentity } from "../../components/server-plan.ts";
import { readScripts } from "../../components/systemd/scripts.ts";
import { programPath, type SystemdInputs } from "../../components/systemd/tree.ts";
import { serverHosts } from "../../components/tls/hosts.ts";
import { issueAuthority, issueServers, planAuthority, planServers } from "../../components/tls/issue.ts";
import type { BusSpec } from "../../core/bus-spec.ts";
import { parseStackConfig } from "../../core/stack-config.ts";

/** A bus in which nothing lives. */
export function emptyBus(spec: BusSpec): ResolvedBus {
  return {
    spec,
    accounts: [],
    streams: { streams: [], consumers: [], keyValue: [], objectStores: [], entries: [], objects: [] },
    warnings: [],
  };
}

const DAY_MS = 86_400_000;

/** A stack file's blocks by key, without `natsbus:`. */
export type StackBlocks = Readonly<Record<string, unknown>>;

/** Who may connect to a test bus, and what signs for it. */
export interface TestIdentity {
  readonly identity: ServerIdentity;
  /** Credentials of the system account. */
  readonly systemCredentials: string;
  /** Seed that signs accounts. */
  readonly operatorSeed: string;
}

/** The bus of a stack file with these blocks. */
export function hostSpec(blocks: StackBlocks, stack = "test"): BusSpec {
  const raw = Object.entries(blocks).map(([key, value]) => [`natsbus:${key}`, typeof value === "string" ? value : JSON.stringify(value)]);
  return parseStackConfig(Object.fromEntries(raw) as Record<string, string>, { stack, project: "natsbus" });
}

/** A new operator. */
export function testIdentity(): TestIdentity {
  const operator = createOperator({ name: "test", systemAccount: "SYS", systemRoles: [] }, new Date());
  return {
    identity: {
      kind: "operator",
      operatorJwt: operator.token,
      systemAccount: operator.systemPublicKey,
      systemAccountJwt: operator.systemToken,
      resolverIntervalMs: 15_000,
    },
    systemCredentials: operator.systemCredentials,
    operatorSeed: operator.signingSeed,
  };
}

/** Certificates from a new authority, by server. */
export function testHostCertificates(hosts: Readonly<Record<string, readonly string[]>>) {
  const now = new Date();
  const authority = issueAuthority(
    undefined,
    planAuthority(undefined, { name: "test", validityMs: 30 * DAY_MS, renewBeforeMs: DAY_MS }, now),
  );
  const wanted = { authority, nodes: hosts, validityMs: 20 * DAY_MS, renewBeforeMs: DAY_MS };
  const { certificates, keys } = issueServers(undefined, planServers(undefined, wanted, now));
  return { authority: authority.bundle, certificates, keys };
}

/** Names that the certificates of a test bus cover: loopback. */
export function loopbackHosts(servers: number): Record<string, readonly string[]> {
  const names = Array.from({ length: servers }, (_, index) => `n${index + 1}`);
  return Object.fromEntries(names.map((node) => [node, serverHosts({ node, address: "127.0.0.1", extra: [] })]));
}

/** Fixed stand-ins for what differs at every run, for texts that are compared. */
export const FIXED_SECRETS = {
  identity: {
    kind: "operator",
    operatorJwt: "OPERATOR.JWT",
    systemAccount: "ASYSTEM",
    systemAccountJwt: "SYSTEM.JWT",
    resolverIntervalMs: 15_000,
  },
  authority: "AUTHORITY\n",
  certificates: { n1: "CERTIFICATE 1\n", n2: "CERTIFICATE 2\n", n3: "CERTIFICATE 3\n" },
  keys: { n1: "SECRET KEY 1\n", n2: "SECRET KEY 2\n", n3: "SECRET KEY 3\n" },
} as const;

/** Inputs of the systemd plan with fixed secrets. */
export function fixedSystemdInputs(blocks: StackBlocks = {}): SystemdInputs {
  const spec = hostSpec({ target: "systemd", ...blocks });
  return { spec, ...FIXED_SECRETS, program: { path: programPath(spec), sha256: "a".repeat(64) }, scripts: readScripts() };
}

/** SHA-256 of a file. */
export function sha256Of(path: string): string {
  return createHash("sha256").update(readFileSync(path)).digest("hex");
}
