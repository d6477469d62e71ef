/** What a stack's configuration and the catalogues come to. */
import type { AccountSpec } from "../accounts/spec.ts";
import type { BusSpec } from "../core/bus-spec.ts";
import type { ResolvedCatalog } from "../streams/resolve.ts";

/** A whole bus, complete and checked. */
export interface ResolvedBus {
  /** The cluster and how it is reached. */
  readonly spec: BusSpec;
  /** Accounts in the order of their names; none with `auth.mode: none`. */
  readonly accounts: readonly AccountSpec[];
  /** Everything JetStream holds. */
  readonly streams: ResolvedCatalog;
  /** Advice that stops nothing. */
  readonly warnings: readonly string[];
}
