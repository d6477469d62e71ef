/** The part of a bus that decides who may connect, and how the wire is protected. */

/** How clients prove who they are. */
export interface AuthSpec {
  /** `jwt`: operator, accounts and users as signed documents. `config`: users in the server configuration. `none`: everybody may do everything. */
  readonly mode: "jwt" | "config" | "none";
  /** Name of the operator in `jwt` mode. */
  readonly operator: string;
  /** How often a server compares its accounts with the others', in milliseconds. */
  readonly resolverIntervalMs: number;
  /** How often keys and credentials are to have been rotated; a larger number than before rotates once. */
  readonly rotations: {
    readonly operator: number;
    /** Map keyed by account: its signing keys. */
    readonly accounts: Readonly<Record<string, number>>;
    /** Map keyed by user. */
    readonly users: Readonly<Record<string, number>>;
  };
}

/** Certificates and where they are used. Routes between servers are always encrypted. */
export interface TlsSpec {
  /** Whether client connections must be encrypted. */
  readonly clients: boolean;
  /** Whether a client starts with the handshake instead of waiting for the server's greeting. */
  readonly handshakeFirst: boolean;
  /** Lifetime of a server certificate, in milliseconds. */
  readonly validityMs: number;
  /** Time before its end at which a server certificate is renewed, in milliseconds. */
  readonly renewBeforeMs: number;
  /** Lifetime of the certificate authority, in milliseconds. */
  readonly authorityValidityMs: number;
  /** Time before its end at which the authority is succeeded by a new one; both are trusted meanwhile. In milliseconds. */
  readonly authorityRenewBeforeMs: number;
  /** Further host names and addresses for every server certificate. */
  readonly hosts: readonly string[];
}
