/** Inputs and outputs of the certificate resources, as plain values. */
import type { Validity } from "../../core/validity.ts";

/** What an authority is made from. */
export interface AuthorityInputs {
  /** Name in the authority's certificate, for instance `natsbus dev`. */
  readonly name: string;
  /** Lifetime in milliseconds. */
  readonly validityMs: number;
  /** Time before its end at which a new authority succeeds it, in milliseconds; longer than a server certificate lives. */
  readonly renewBeforeMs: number;
  /** Planned by `check`, so that a preview shows a renewal. */
  readonly validity?: Required<Validity>;
  /** Time until which the authority before this one stays in the bundle: its end. Planned by `check`; absent when there is none. */
  readonly overlapUntil?: string;
}

/** An authority with its key. */
export interface AuthorityState extends AuthorityInputs {
  readonly validity: Required<Validity>;
  /** Certificate, PEM. */
  readonly certificate: string;
  /** Private key, PEM. A secret. */
  readonly key: string;
  /** Everything to trust, PEM: this authority, and the one before it during the overlap. */
  readonly bundle: string;
  /** Certificate of this authority's key by the one before it, PEM, so that clients with the old bundle still get on; empty when there is none. */
  readonly link: string;
}

/** What server certificates are made from. */
export interface ServerCertificatesInputs {
  /** Who signs. Holds a secret. */
  readonly authority: { readonly certificate: string; readonly key: string; readonly link: string };
  /** Map keyed by node: names and addresses its certificate covers. */
  readonly nodes: Readonly<Record<string, readonly string[]>>;
  /** Lifetime in milliseconds; a certificate never outlives its authority. */
  readonly validityMs: number;
  /** Time before its end at which a certificate is renewed, in milliseconds. */
  readonly renewBeforeMs: number;
  /** Map keyed by node; planned by `check`, so that a preview shows renewals. */
  readonly validity?: Readonly<Record<string, Required<Validity>>>;
}

/** The server certificates of a cluster. */
export interface ServerCertificatesState extends ServerCertificatesInputs {
  readonly validity: Readonly<Record<string, Required<Validity>>>;
  /** Map keyed by node: certificate chain, PEM. */
  readonly certificates: Readonly<Record<string, string>>;
  /** Map keyed by node: private key, PEM. A secret. */
  readonly keys: Readonly<Record<string, string>>;
}
