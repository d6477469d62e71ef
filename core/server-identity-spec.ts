/** Who may connect, as one server's configuration says it. */

/** Operator mode: accounts are signed documents that the servers keep and exchange. */
export interface OperatorConfigSpec {
  /** Tells the modes apart. */
  readonly kind: "operator";
  /** Operator JWT. */
  readonly operatorJwt: string;
  /** Public key of the system account. */
  readonly systemAccount: string;
  /** The account store. */
  readonly resolver: {
    /** Folder of the account documents. */
    readonly directory: string;
    /** How often servers compare their accounts, in milliseconds. */
    readonly intervalMs: number;
    /** Whether accounts may be deleted by a signed request. */
    readonly allowDelete: boolean;
    /** Most accounts; absent: the server's own. */
    readonly limit?: number;
    /** Account JWTs by public key that every server starts with; the system account at least. */
    readonly preload: Readonly<Record<string, string>>;
  };
}

/** Accounts and users written into the configuration, in NATS's own form. */
export interface AccountsConfigSpec {
  /** Tells the modes apart. */
  readonly kind: "accounts";
  /** `accounts` block. Holds secrets unless users are nkeys. */
  readonly accounts: Readonly<Record<string, unknown>>;
  /** Account whose users may see and steer the servers; absent: the server's `$SYS`. */
  readonly systemAccount?: string;
  /** User that clients without credentials become; absent: none. */
  readonly noAuthUser?: string;
}
