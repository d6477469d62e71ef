/** How resources reach a running bus: plain data, kept in resource outputs, so that a later delete or read connects as the last create did. */

/** Identity of one NATS connection; equal values share one connection in a process. */
export interface ConnectionSpec {
  /** Client URLs, `tls://host:port` or `nats://host:port`; any one of them is enough. */
  readonly servers: readonly string[];
  /** Certificate authorities to trust, a PEM bundle.
   * @default - the system's authorities */
  readonly ca?: string;
  /** Text of a `.creds` file (user JWT and seed). A secret.
   * @default - no credentials */
  readonly creds?: string;
  /** Longest wait for one answer, in milliseconds.
   * @default 5000 */
  readonly timeoutMs?: number;
  /** JetStream domain to address.
   * @default - the domain of the server connected to */
  readonly domain?: string;
  /** Subject prefix of the JetStream API, for instance of an imported one; excludes `domain`.
   * @default "$JS.API" */
  readonly apiPrefix?: string;
}

/** {@link ConnectionSpec.timeoutMs} when it is not given. */
export const DEFAULT_TIMEOUT_MS = 5000;
