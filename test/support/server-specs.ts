import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createAuthority, createServerCertificate } from "../../components/tls/certificate.ts";
import type { ServerConfigSpec } from "../../core/server-config-spec.ts";
import type { TlsFiles } from "../../core/server-listener-spec.ts";

/** A complete small server: clients, monitor, a cluster of one route, JetStream; everything below `folder`, on the given ports and the two that follow. */
export function sampleServer(folder: string, firstPort = 4222): ServerConfigSpec {
  return {
    serverName: "n1",
    client: { host: "127.0.0.1", port: firstPort },
    monitor: { host: "127.0.0.1", port: firstPort + 1, tls: false },
    cluster: { name: "sample", host: "127.0.0.1", port: firstPort + 2, routes: [`nats-route://127.0.0.1:${firstPort + 2}`] },
    jetstream: { storeDirectory: join(folder, "jetstream"), maxMemoryBytes: 1024 ** 2, maxStorageBytes: 16 * 1024 ** 2 },
    identity: { kind: "none" },
    logging: { file: join(folder, "nats.log"), level: "info", maxFileSizeBytes: 1024 ** 2, keepFiles: 2 },
    limits: {
      maxConnections: 100,
      maxPayloadBytes: 1024 ** 2,
      maxPendingBytes: 8 * 1024 ** 2,
      pingIntervalMs: 60_000,
      maxPingsOut: 2,
      writeDeadlineMs: 5_000,
    },
    lameDuck: { durationMs: 30_000, gracePeriodMs: 1_000 },
  };
}

/** Writes an authority and a server certificate for loopback into `folder`. */
export async function writeCertificates(folder: string, commonName = "sample"): Promise<TlsFiles & { readonly caFile: string }> {
  await mkdir(folder, { recursive: true });
  const now = Date.now();
  const validity = { issuedAt: new Date(now).toISOString(), expiresAt: new Date(now + 86_400_000).toISOString() };
  const authority = createAuthority({ commonName: "sample authority", validity });
  const server = createServerCertificate({ commonName, validity, hosts: ["127.0.0.1", "localhost"] }, authority);
  const files = {
    certFile: join(folder, `${commonName}.pem`),
    keyFile: join(folder, `${commonName}-key.pem`),
    caFile: join(folder, `${commonName}-ca.pem`),
  };
  await Promise.all([
    writeFile(files.certFile, server.certificate),
    writeFile(files.keyFile, server.key, { mode: 0o600 }),
    writeFile(files.caFile, authority.certificate),
  ]);
  return files;
}
