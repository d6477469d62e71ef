import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createAuthority, createServerCertificate, crossSign } from "../../../components/tls/certificate.ts";
import { checkTlsMaterial, readTlsFiles, type TlsMaterial } from "../../../components/tls/files.ts";

const NOW = new Date("2026-06-01T00:00:00Z");
const validity = { issuedAt: "2026-01-01T00:00:00Z", expiresAt: "2027-01-01T00:00:00Z" };
const authority = createAuthority({ commonName: "own", validity });
const stranger = createAuthority({ commonName: "stranger", validity });
const server = createServerCertificate({ commonName: "n1", validity, hosts: ["n1", "localhost", "127.0.0.1", "::1"] }, authority);
const other = createServerCertificate({ commonName: "n2", validity, hosts: ["n2"] }, authority);
const good: TlsMaterial = { ca: authority.certificate, certificate: server.certificate, key: server.key };
const use = { hosts: ["n1", "localhost", "127.0.0.1", "::1"], now: NOW };

const PEM_KEY = "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n";

describe("certificates the user brings along", () => {
  it("finds nothing wrong with good ones", () => {
    expect(checkTlsMaterial(good, use)).toEqual([]);
  });

  it("follows certificates between the server's and the authority", () => {
    const link = crossSign(authority.certificate, stranger);
    expect(checkTlsMaterial({ ...good, ca: stranger.certificate, certificate: server.certificate + link }, use)).toEqual([]);
  });

  it.each<[string, Partial<TlsMaterial>, Partial<typeof use>, string[], string]>([
    ["ended", {}, { now: new Date("2027-01-02T00:00:00Z") }, ["ERR_TLS_EXPIRED", "ERR_TLS_EXPIRED"], "tls.caFile"],
    ["not begun", {}, { now: new Date("2025-12-01T00:00:00Z") }, ["ERR_TLS_EXPIRED", "ERR_TLS_EXPIRED"], "tls.caFile"],
    ["server certificate as authority", { ca: server.certificate }, {}, ["ERR_TLS_NOT_CA", "ERR_TLS_NOT_CA"], "tls.caFile"],
    ["signed by another authority", { ca: stranger.certificate }, {}, ["ERR_TLS_NOT_CA"], "tls.certFile"],
    ["key of another certificate", { key: other.key }, {}, ["ERR_TLS_KEY"], "tls.keyFile"],
    ["key unreadable", { key: PEM_KEY }, {}, ["ERR_TLS_KEY"], "tls.keyFile"],
    ["name not covered", {}, { hosts: ["n1", "bus.example.org", "10.0.0.1"] }, ["ERR_TLS_NAMES"], "tls.certFile"],
    ["authority no PEM", { ca: "nothing" }, {}, ["ERR_TLS_FILE"], "tls.caFile"],
    [
      "certificate damaged",
      { certificate: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" },
      {},
      ["ERR_TLS_FILE"],
      "tls.certFile",
    ],
  ])("says what is wrong: %s", (...[, material, changed, codes, path]) => {
    const problems = checkTlsMaterial({ ...good, ...material }, { ...use, ...changed });
    expect(problems.map((problem) => problem.code)).toEqual(codes);
    expect(problems[0]?.path).toBe(path);
    expect(JSON.stringify(problems)).not.toContain(server.key.split("\n")[1]);
  });

  it("reads files, and names those it cannot read", async () => {
    const folder = await mkdtemp(join(tmpdir(), "natsbus-tls-"));
    const files = { caFile: join(folder, "ca.pem"), certFile: join(folder, "cert.pem"), keyFile: join(folder, "key.pem") };
    await writeFile(files.caFile, good.ca);
    const half = await readTlsFiles(files, use);
    expect(half.problems.map(({ code, path }) => [code, path])).toEqual([
      ["ERR_TLS_FILE", "tls.certFile"],
      ["ERR_TLS_FILE", "tls.keyFile"],
    ]);
    await writeFile(files.certFile, good.certificate);
    await writeFile(files.keyFile, good.key);
    expect(await readTlsFiles(files, use)).toEqual({ material: good, problems: [] });
    await rm(folder, { recursive: true });
  });
});
