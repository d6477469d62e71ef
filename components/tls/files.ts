/** Checks of certificates and keys that the user brings along. */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isIP } from "node:net";
import type { ErrorCode, Problem } from "../../core/errors.ts";

/** Paths of the user's own certificates, as the stack file names them. */
export interface TlsFiles {
  /** Authorities to trust, PEM; one or several. */
  readonly caFile: string;
  /** Server certificate, PEM, followed by what links it to an authority. */
  readonly certFile: string;
  /** Private key of the server certificate, PEM, without a passphrase. */
  readonly keyFile: string;
}

/** Text of the user's own certificates. `key` is a secret. */
export interface TlsMaterial {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** What the certificates must be good for. */
export interface TlsUse {
  /** Names and addresses the servers are reached by; the certificate must cover each. */
  readonly hosts: readonly string[];
  /** Time of the check. */
  readonly now: Date;
  /** Where the settings stand in the user's file, for problems.
   * @default "tls" */
  readonly path?: string;
}

type Checked<T> = { readonly value: T } | { readonly problem: Problem };

/** Reads the files; a file that cannot be read is a problem, and nothing is checked further then. */
export async function readTlsFiles(
  files: TlsFiles,
  use: TlsUse,
): Promise<{ readonly material?: TlsMaterial; readonly problems: readonly Problem[] }> {
  const root = use.path ?? "tls";
  const [ca, certificate, key] = await Promise.all([
    readPem(files.caFile, `${root}.caFile`),
    readPem(files.certFile, `${root}.certFile`),
    readPem(files.keyFile, `${root}.keyFile`),
  ]);
  if ("problem" in ca || "problem" in certificate || "problem" in key) {
    return { problems: [ca, certificate, key].flatMap((read) => ("problem" in read ? [read.problem] : [])) };
  }
  const material = { ca: ca.value, certificate: certificate.value, key: key.value };
  const problems = checkTlsMaterial(material, use);
  return problems.length > 0 ? { problems } : { material, problems };
}

/** Everything that would keep clients or servers from accepting the certificates. Nothing of the key is repeated. */
export function checkTlsMaterial(material: TlsMaterial, use: TlsUse): Problem[] {
  const root = use.path ?? "tls";
  const authorities = parseCertificates(material.ca, `${root}.caFile`);
  const chain = parseCertificates(material.certificate, `${root}.certFile`);
  if ("problem" in authorities || "problem" in chain)
    return [authorities, chain].flatMap((parsed) => ("problem" in parsed ? [parsed.problem] : []));
  const [server] = chain.value;
  if (server === undefined) return [];
  return [
    ...authorities.value.flatMap((authority) => [
      ...authorityProblems(authority, `${root}.caFile`),
      ...timeProblems(authority, use.now, `${root}.caFile`),
    ]),
    ...chain.value.flatMap((certificate) => timeProblems(certificate, use.now, `${root}.certFile`)),
    ...(isVouchedFor(chain.value, authorities.value) ? [] : [notVouchedFor(server, root)]),
    ...keyProblems(server, material.key, `${root}.keyFile`),
    ...nameProblems(server, use.hosts, `${root}.certFile`),
  ];
}

async function readPem(file: string, path: string): Promise<Checked<string>> {
  try {
    return { value: await readFile(file, "utf8") };
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
    return refuse("ERR_TLS_FILE", path, `${file} cannot be read (${reason})`, "name an existing file, relative to the project or absolute");
  }
}

function parseCertificates(pem: string, path: string): Checked<X509Certificate[]> {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  try {
    if (blocks.length > 0) return { value: blocks.map((block) => new X509Certificate(block)) };
  } catch {
    // Reported below, like a file without any block.
  }
  return refuse(
    "ERR_TLS_FILE",
    path,
    "the file holds no readable certificate",
    "give PEM: blocks between BEGIN CERTIFICATE and END CERTIFICATE",
  );
}

function authorityProblems(authority: X509Certificate, path: string): Problem[] {
  if (authority.ca) return [];
  return [
    problem(
      "ERR_TLS_NOT_CA",
      path,
      `${nameOf(authority)} is not a certificate authority`,
      "give the authority's certificate here and the server's in certFile",
    ),
  ];
}

function timeProblems(certificate: X509Certificate, now: Date, path: string): Problem[] {
  const [from, to] = [new Date(certificate.validFrom), new Date(certificate.validTo)];
  if (now < from)
    return [
      problem(
        "ERR_TLS_EXPIRED",
        path,
        `${nameOf(certificate)} is valid from ${from.toISOString()} on only`,
        "check this machine's clock, or wait",
      ),
    ];
  if (now < to) return [];
  return [
    problem(
      "ERR_TLS_EXPIRED",
      path,
      `${nameOf(certificate)} ended at ${to.toISOString()}`,
      "have it renewed and put the new one in its place",
    ),
  ];
}

/** Whether a path of signatures leads from the server's certificate over the chain to an authority. */
function isVouchedFor(chain: readonly X509Certificate[], authorities: readonly X509Certificate[]): boolean {
  let [current] = chain;
  for (let steps = 0; current !== undefined && steps <= chain.length; steps++) {
    const subject: X509Certificate = current;
    const vouches = (issuer: X509Certificate) => issuer.ca && subject.checkIssued(issuer) && subject.verify(issuer.publicKey);
    if (authorities.some(vouches)) return true;
    current = chain.find((link) => link !== subject && vouches(link));
  }
  return false;
}

function notVouchedFor(server: X509Certificate, root: string): Problem {
  return problem(
    "ERR_TLS_NOT_CA",
    `${root}.certFile`,
    `no authority in ${root}.caFile signed ${nameOf(server)}`,
    "add the authority that did, and the certificates between them to certFile",
  );
}

function keyProblems(server: X509Certificate, key: string, path: string): Problem[] {
  try {
    if (server.checkPrivateKey(createPrivateKey(key))) return [];
    return [problem("ERR_TLS_KEY", path, `the key is not that of ${nameOf(server)}`, "give the key the certificate was made for")];
  } catch {
    return [problem("ERR_TLS_KEY", path, "the file holds no readable private key", "give the key as PEM without a passphrase")];
  }
}

function nameProblems(server: X509Certificate, hosts: readonly string[], path: string): Problem[] {
  const missing = hosts.filter((host) => (isIP(host) === 0 ? server.checkHost(host) : server.checkIP(host)) === undefined);
  if (missing.length === 0) return [];
  return [
    problem(
      "ERR_TLS_NAMES",
      path,
      `${nameOf(server)} does not cover ${missing.join(", ")}`,
      "have it issued with these names as subject alternative names",
    ),
  ];
}

function nameOf(certificate: X509Certificate): string {
  return `"${certificate.subject.replaceAll("\n", ", ")}"`;
}

function refuse(code: ErrorCode, path: string, message: string, remedy: string): { readonly problem: Problem } {
  return { problem: problem(code, path, message, remedy) };
}

function problem(code: ErrorCode, path: string, message: string, remedy: string): Problem {
  return { code, path, message, remedy };
}
