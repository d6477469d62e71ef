/** What the `ContainerGate` resource takes. */
import type { ConnectionSpec } from "../../../core/connection.ts";

/** Servers that must all be current before the next container is replaced. */
export interface ContainerGateInputs {
  /** How to reach a user of the system account. A secret. */
  readonly connection: ConnectionSpec;
  /** Names of all servers. */
  readonly servers: readonly string[];
  /** Server that is to lead the meta group from here on: the one that is replaced last, so that leadership moves as seldom as can be. Absent: whoever leads.
   * @default - nobody */
  readonly leader?: string;
  /** Changes with what was, or is going to be, replaced. */
  readonly revision: string;
  /** Longest wait in milliseconds.
   * @default 300000 */
  readonly timeoutMs?: number;
}
