/** What the checks of the acceptance suite work with. */
import type { ResolvedBus } from "../../components/resolve.ts";
import type { ConnectionSpec } from "../../core/connection.ts";
import type { Scratch } from "./scratch.ts";
import type { Thresholds } from "./thresholds.ts";

/** A user of the bus with its credentials. */
export interface VerifyUser {
  readonly name: string;
  readonly account: string;
  readonly role: string;
  /** Text of the credentials file. A secret. */
  readonly creds: string;
}

/** A server of the bus. */
export interface VerifyServer {
  readonly name: string;
  readonly clientUrl: string;
  /** Monitor URL; "" when it cannot be reached from here. */
  readonly monitorUrl: string;
  /** File with the authorities of an HTTPS monitor.
   * @default - the system's authorities */
  readonly monitorCaFile?: string;
}

/** A server that was stopped for a moment. */
interface StoppedServer {
  readonly name: string;
  /** Starts it as it was; does nothing when it runs. */
  restart(): Promise<void>;
}

/** Stops servers, where that may be done. */
export interface ServerControl {
  /** Stops one server in order (`stop`) or at once (`kill`). */
  stop(name: string, how: "stop" | "kill"): Promise<StoppedServer>;
}

/** What signs users of an account. Secrets. */
export interface AccountSigner {
  readonly account: string;
  /** Account's public key. */
  readonly publicKey: string;
  /** Map keyed by role: seed of its signing key. */
  readonly roleSeeds: Readonly<Record<string, string>>;
  /** Adds a revocation for a user's public key, issued up to now, and pushes the account; the result takes it back.
   * @default - revoking cannot be tried */
  readonly revoke?: (userKey: string) => Promise<() => Promise<void>>;
}

/** A bus to check, and what may be done to it. */
export interface Context {
  /** What the bus is called in reports, for instance `stack dev`. */
  readonly title: string;
  /** The bus as it is declared; absent for a cluster named by its address. */
  readonly declared?: ResolvedBus;
  /** A user that may do everything in the account with the streams. */
  readonly admin: ConnectionSpec;
  /** Users with their credentials; empty for a cluster named by its address. */
  readonly users: readonly VerifyUser[];
  /** Its servers; empty when they are not known one by one. */
  readonly servers: readonly VerifyServer[];
  /** What signs users; absent with the reason in words when it is not at hand. */
  readonly signer: AccountSigner | { readonly missing: string };
  /** What stops servers; absent with the reason in words where that may not be done. */
  readonly control: ServerControl | { readonly missing: string };
  readonly scratch: Scratch;
  readonly thresholds: Thresholds;
  /** Whether to try with few messages. */
  readonly quick: boolean;
  /** Aborts when the run is cancelled. */
  readonly signal: AbortSignal;
  /** Told what a long check is doing. */
  readonly note: (text: string) => void;
  /** Does `work` once in a run, and answers every later call of that key with its result. */
  readonly once: <T>(key: string, work: () => Promise<T>) => Promise<T>;
}

/** How to connect as one of the users. */
export function userConnection({ admin }: Pick<Context, "admin">, { creds }: Pick<VerifyUser, "creds">): ConnectionSpec {
  return { ...admin, creds };
}
