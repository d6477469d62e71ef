/** X.509 certificates on ECDSA P-256 (RFC 5280), made with Node's own cryptography. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from "node:crypto";
import { isIP } from "node:net";
import type { Validity } from "../../core/validity.ts";
import { objectId, primitive, sequence, set, tagged } from "./der.ts";

/** A certificate with its private key. */
export interface CertificateAndKey {
  /** Certificate, PEM; a server's is followed by what links it to older authorities. */
  readonly certificate: string;
  /** Private key, PKCS#8 PEM. A secret. */
  readonly key: string;
}

/** What a certificate is to say. */
export interface CertificateWish {
  /** Common name. */
  readonly commonName: string;
  /** Validity; it begins some minutes earlier than issued, for clocks that are behind. */
  readonly validity: Required<Validity>;
}

const OID = {
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  keyUsage: "2.5.29.15",
  basicConstraints: "2.5.29.19",
  subjectAltName: "2.5.29.17",
  extendedKeyUsage: "2.5.29.37",
  subjectKeyIdentifier: "2.5.29.14",
  authorityKeyIdentifier: "2.5.29.35",
  serverAuth: "1.3.6.1.5.5.7.3.1",
  clientAuth: "1.3.6.1.5.5.7.3.2",
};
const ORGANIZATION = "natsbus";
const CLOCK_SKEW_MS = 10 * 60_000;
const SERIAL_BYTES = 16;
const SIGN_CERTIFICATES = primitive.bits(Buffer.of(0x06), 1);
const SIGN_DATA = primitive.bits(Buffer.of(0x80), 7);
const ALTERNATIVE = { dns: 2, address: 7 };

/** Makes a new authority that vouches for itself. */
export function createAuthority(wish: CertificateWish): CertificateAndKey {
  const { privateKey, publicKey } = newKeyPair();
  const subject = { name: renderName(wish.commonName), key: publicKey };
  const extensions = authorityExtensions(publicKey, publicKey);
  const certificate = render({ ...wish, subject, issuer: subject, signer: privateKey, extensions });
  return { certificate, key: renderKey(privateKey) };
}

/**
 * A second certificate for the key of `next`, vouched for by `previous`: whoever trusts only the previous authority follows it to what the next one signed.
 * It ends with the previous authority.
 */
export function crossSign(next: string, previous: CertificateAndKey): string {
  const [subject, issuer] = [new X509Certificate(next), new X509Certificate(previous.certificate)];
  return render({
    validity: {
      issuedAt: new Date(Date.parse(subject.validFrom) + CLOCK_SKEW_MS).toISOString(),
      expiresAt: new Date(issuer.validTo).toISOString(),
    },
    subject: { name: nameOf(subject), key: subject.publicKey },
    issuer: { name: nameOf(issuer), key: issuer.publicKey },
    signer: createPrivateKey(previous.key),
    extensions: authorityExtensions(subject.publicKey, issuer.publicKey),
  });
}

/** Makes a certificate for a server: good for serving clients, and for both ends of a route. */
export function createServerCertificate(
  wish: CertificateWish & { readonly hosts: readonly string[] },
  authority: CertificateAndKey,
): CertificateAndKey {
  const { privateKey, publicKey } = newKeyPair();
  const issuer = new X509Certificate(authority.certificate);
  const certificate = render({
    ...wish,
    subject: { name: renderName(wish.commonName), key: publicKey },
    issuer: { name: nameOf(issuer), key: issuer.publicKey },
    signer: createPrivateKey(authority.key),
    extensions: serverExtensions(publicKey, issuer.publicKey, wish.hosts),
  });
  return { certificate, key: renderKey(privateKey) };
}

interface Rendering {
  readonly validity: Required<Validity>;
  readonly subject: { readonly name: Buffer; readonly key: KeyObject };
  readonly issuer: { readonly name: Buffer; readonly key: KeyObject };
  readonly signer: KeyObject;
  readonly extensions: readonly Buffer[];
}

function render({ validity, subject, issuer, signer, extensions }: Rendering): string {
  const algorithm = sequence(objectId(OID.ecdsaWithSha256));
  const from = new Date(Date.parse(validity.issuedAt) - CLOCK_SKEW_MS);
  const body = sequence(
    tagged(0, primitive.integer(Buffer.of(2))),
    primitive.integer(serialNumber()),
    algorithm,
    issuer.name,
    sequence(primitive.time(from), primitive.time(new Date(validity.expiresAt))),
    subject.name,
    spkiOf(subject.key),
    tagged(3, sequence(...extensions)),
  );
  const der = sequence(body, algorithm, primitive.bits(sign("sha256", body, signer)));
  const lines = der.toString("base64").replaceAll(/(.{64})(?=.)/g, "$1\n");
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`;
}

function authorityExtensions(key: KeyObject, issuer: KeyObject): Buffer[] {
  return [
    extension(OID.basicConstraints, sequence(primitive.yes()), "critical"),
    extension(OID.keyUsage, SIGN_CERTIFICATES, "critical"),
    ...keyIdentifiers(key, issuer),
  ];
}

function serverExtensions(key: KeyObject, issuer: KeyObject, hosts: readonly string[]): Buffer[] {
  return [
    extension(OID.basicConstraints, sequence(), "critical"),
    extension(OID.keyUsage, SIGN_DATA, "critical"),
    extension(OID.extendedKeyUsage, sequence(objectId(OID.serverAuth), objectId(OID.clientAuth))),
    extension(OID.subjectAltName, sequence(...hosts.map(alternativeName))),
    ...keyIdentifiers(key, issuer),
  ];
}

function keyIdentifiers(key: KeyObject, issuer: KeyObject): Buffer[] {
  return [
    extension(OID.subjectKeyIdentifier, primitive.octets(keyIdentifier(key))),
    extension(OID.authorityKeyIdentifier, sequence(tagged(0, keyIdentifier(issuer), false))),
  ];
}

function extension(id: string, value: Buffer, critical?: "critical"): Buffer {
  return sequence(objectId(id), ...(critical === undefined ? [] : [primitive.yes()]), primitive.octets(value));
}

function alternativeName(host: string): Buffer {
  return isIP(host) === 0 ? tagged(ALTERNATIVE.dns, Buffer.from(host), false) : tagged(ALTERNATIVE.address, addressBytes(host), false);
}

function addressBytes(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split(".").map(Number));
  // The URL parser writes an address in its shortest form, IPv4 endings included, so that only "::" is left to fill up.
  const [head = "", tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const groups = [...left, ...Array.from({ length: 8 - left.length - right.length }, () => "0"), ...right];
  return Buffer.from(groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]));
}

function renderName(commonName: string): Buffer {
  return sequence(
    set(sequence(objectId(OID.organization), primitive.text(ORGANIZATION))),
    set(sequence(objectId(OID.commonName), primitive.text(commonName))),
  );
}

// Every issuer here was made by `renderName`, so that its two lines can be read back without parsing DER.
function nameOf(certificate: X509Certificate): Buffer {
  return renderName(/^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? "");
}

function serialNumber(): Buffer {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes;
}

function spkiOf(key: KeyObject): Buffer {
  return (key.type === "private" ? createPublicKey(key) : key).export({ format: "der", type: "spki" });
}

// SHA-1 only names a key here, as RFC 5280 suggests; nothing is proven by it. The last 65 bytes are the point itself.
function keyIdentifier(key: KeyObject): Buffer {
  return createHash("sha1").update(spkiOf(key).subarray(-65)).digest();
}

function newKeyPair(): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function renderKey(key: KeyObject): string {
  return key.export({ format: "pem", type: "pkcs8" }).toString();
}
