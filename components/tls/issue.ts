/** Which certificates to keep and which to make, by comparing with what was made before. */
import { X509Certificate } from "node:crypto";
import { nextValidity, type Validity } from "../../core/validity.ts";
import { type CertificateAndKey, createAuthority, createServerCertificate, crossSign } from "./certificate.ts";
import type { AuthorityInputs, AuthorityState, ServerCertificatesInputs, ServerCertificatesState } from "./model.ts";

type PlannedAuthority = AuthorityInputs & { readonly validity: Required<Validity> };
type PlannedServers = ServerCertificatesInputs & { readonly validity: Readonly<Record<string, Required<Validity>>> };

/** Inputs with their validity planned: kept while it holds, begun anew within the renewal window; then the old authority is trusted until its end. */
export function planAuthority(before: AuthorityInputs | undefined, inputs: AuthorityInputs, now: Date): PlannedAuthority {
  const validity = plan(before?.validity, inputs, now);
  const succeeds = before?.validity !== undefined && before.validity.issuedAt !== validity.issuedAt;
  const overlapUntil = succeeds ? before.validity?.expiresAt : before?.overlapUntil;
  const overlaps = overlapUntil !== undefined && Date.parse(overlapUntil) > now.getTime();
  const { name, validityMs, renewBeforeMs } = inputs;
  return { name, validityMs, renewBeforeMs, validity, ...(overlaps ? { overlapUntil } : {}) };
}

/** The authority that planned inputs ask for: the one before while its validity stands, else a new one that the one before vouches for. */
export function issueAuthority(before: AuthorityState | undefined, inputs: PlannedAuthority): AuthorityState {
  const { overlapUntil } = inputs;
  if (before !== undefined && before.validity.issuedAt === inputs.validity.issuedAt) {
    const { certificate, key, bundle, link } = before;
    return { ...inputs, certificate, key, ...(overlapUntil === undefined ? { bundle: certificate, link: "" } : { bundle, link }) };
  }
  const made = createAuthority({ commonName: `${inputs.name} ${inputs.validity.issuedAt}`, validity: inputs.validity });
  if (before === undefined || overlapUntil === undefined) return { ...inputs, ...made, bundle: made.certificate, link: "" };
  return { ...inputs, ...made, bundle: made.certificate + before.certificate, link: crossSign(made.certificate, before) };
}

/** Inputs with the validity of every node's certificate planned. */
export function planServers(before: ServerCertificatesInputs | undefined, inputs: ServerCertificatesInputs, now: Date): PlannedServers {
  const nodes = Object.keys(inputs.nodes).map((node) => [node, plan(before?.validity?.[node], inputs, now)] as const);
  const { authority, validityMs, renewBeforeMs } = inputs;
  return { authority, nodes: inputs.nodes, validityMs, renewBeforeMs, validity: Object.fromEntries(nodes) };
}

/** A certificate for every node: the one before where nothing about it changed, else a new one with a new key. */
export function issueServers(before: ServerCertificatesState | undefined, inputs: PlannedServers): ServerCertificatesState {
  const issued = Object.keys(inputs.nodes).map((node) => [node, keepServer(before, inputs, node) ?? issueServer(inputs, node)] as const);
  return {
    ...inputs,
    certificates: Object.fromEntries(issued.map(([node, { certificate }]) => [node, certificate])),
    keys: Object.fromEntries(issued.map(([node, { key }]) => [node, key])),
  };
}

function keepServer(before: ServerCertificatesState | undefined, inputs: PlannedServers, node: string): CertificateAndKey | undefined {
  const certificate = before?.certificates[node];
  const key = before?.keys[node];
  if (before === undefined || certificate === undefined || key === undefined) return undefined;
  return origin(before, node) === origin(inputs, node) ? { certificate, key } : undefined;
}

/** Everything a node's certificate depends on, as one text for comparison. */
function origin(set: PlannedServers, node: string): string {
  const { certificate, link } = set.authority;
  return JSON.stringify([certificate, link, set.nodes[node], set.validity[node]?.issuedAt, set.validity[node]?.expiresAt]);
}

function issueServer(inputs: PlannedServers, node: string): CertificateAndKey {
  const { issuedAt, expiresAt } = inputs.validity[node] ?? { issuedAt: "", expiresAt: "" };
  const authorityEnd = new Date(new X509Certificate(inputs.authority.certificate).validTo).toISOString();
  const validity = { issuedAt, expiresAt: Date.parse(authorityEnd) < Date.parse(expiresAt) ? authorityEnd : expiresAt };
  const made = createServerCertificate({ commonName: node, validity, hosts: inputs.nodes[node] ?? [] }, inputs.authority);
  return { certificate: made.certificate + inputs.authority.link, key: made.key };
}

function plan(before: Validity | undefined, inputs: { validityMs: number; renewBeforeMs: number }, now: Date): Required<Validity> {
  const { issuedAt, expiresAt } = nextValidity(before, { lifetimeMs: inputs.validityMs, renewBeforeMs: inputs.renewBeforeMs }, now);
  return { issuedAt, expiresAt: expiresAt ?? issuedAt };
}
