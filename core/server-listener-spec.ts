/** What a server listens on besides the cluster, and the forms all listeners share. */

/** An address to listen on. */
export interface Listener {
  /** Address to bind to. */
  readonly host: string;
  /** Port; -1 takes a free one. */
  readonly port: number;
  /** Address told to others when it differs, `host:port`. */
  readonly advertise?: string;
}

/** Certificate files of a listener. */
export interface TlsFiles {
  /** Certificate chain, PEM. */
  readonly certFile: string;
  /** Private key, PEM. */
  readonly keyFile: string;
  /** Authorities the other side's certificate is checked against, PEM; needed with `verify`. */
  readonly caFile?: string;
  /** Whether the other side must show a certificate. Routes always verify.
   * @default false */
  readonly verify?: boolean;
  /** Longest time for the handshake, in seconds.
   * @default 2, the server's own */
  readonly timeoutSeconds?: number;
  /** Whether the handshake comes before the server's greeting. Client listener only.
   * @default false */
  readonly handshakeFirst?: boolean;
}

/** Listener for browsers. */
export interface WebsocketSpec extends Listener {
  /** Certificates; absent: unencrypted, for use behind a proxy. */
  readonly tls?: TlsFiles;
  /** Whether the page must come from the same host.
   * @default false */
  readonly sameOrigin?: boolean;
  /** Hosts a page may come from; empty: any.
   * @default [] */
  readonly allowedOrigins?: readonly string[];
  /** Whether frames are compressed.
   * @default false */
  readonly compression?: boolean;
}

/** Listener for MQTT clients; needs JetStream. */
export interface MqttSpec extends Listener {
  /** Certificates; absent: unencrypted. */
  readonly tls?: TlsFiles;
}

/** Leaf nodes: this cluster as a hub, or as a leaf of another. */
export interface LeafNodesSpec {
  /** Where leaf nodes connect; absent: nowhere. */
  readonly listener?: Listener & { readonly tls?: TlsFiles };
  /** Hubs this server connects to. */
  readonly remotes?: readonly {
    /** URLs of the hub. */
    readonly urls: readonly string[];
    /** Local account that is joined with the hub; absent: the global one. */
    readonly account?: string;
    /** Path of the credentials file; absent: none. */
    readonly credentials?: string;
    /** Certificates; absent: those of the system for `tls://` URLs. */
    readonly tls?: TlsFiles;
  }[];
}

/** Gateway between clusters. */
export interface GatewaySpec extends Listener {
  /** Name of this cluster; must equal the cluster's. */
  readonly name: string;
  /** Certificates; absent: unencrypted. */
  readonly tls?: TlsFiles;
  /** The other clusters. */
  readonly gateways: readonly { readonly name: string; readonly urls: readonly string[] }[];
}
