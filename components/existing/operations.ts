/** What the resource of an existing cluster does when Pulumi asks: it looks, and changes nothing. */
import { isDeepStrictEqual } from "node:util";
import type { ConnectionSpec } from "../../core/connection.ts";
import { reporting } from "../../core/reporting.ts";
import { isUnknown } from "../../core/unknown.ts";
import { lookAtCluster, type SeenCluster } from "./look.ts";

/** What the resource takes: how the cluster is reached, and what the program saw of it. */
export interface ExistingInputs extends SeenCluster {
  /** Connection of the user that makes the streams. A secret. */
  readonly connection: ConnectionSpec;
  /** Connection of a system account user. A secret.
   * @default - servers are not counted */
  readonly system?: ConnectionSpec;
  /** Whether natsbus makes accounts; the connection alone then has no login. */
  readonly signed: boolean;
}

/** What is known of the cluster. */
export interface ExistingState extends ExistingInputs {
  /** Client URLs as given, without user and password. */
  readonly urls: readonly string[];
}

function stateOf(inputs: ExistingInputs): ExistingState {
  return { ...inputs, urls: inputs.connection.servers.map((server) => server.replace(/\/\/[^@/]*@/, "//")) };
}

/** What is compared: a server that was updated is no other cluster, and of several any one may answer. */
function comparable({ connection, system, signed, clusterName, servers }: ExistingInputs): unknown {
  return [connection, system, signed, clusterName, servers];
}

/** Operations of the resource. */
export const existing = reporting({
  /** Whether it is another cluster, has other servers, or is reached in another way. */
  diff(olds: ExistingState, news: ExistingInputs): { changes: boolean } {
    return { changes: isUnknown(news) || !isDeepStrictEqual(comparable(olds), comparable(news)) };
  },
  /** Notes what the program saw. */
  create: async (inputs: ExistingInputs): Promise<{ id: string; outs: ExistingState }> => ({
    id: inputs.clusterName === "" ? "server" : inputs.clusterName,
    outs: stateOf(inputs),
  }),
  /** Looks again. */
  async read(id: string, state: ExistingState): Promise<{ id: string; props: ExistingState }> {
    const { connection, system, signed } = state;
    const ways = { ...(signed ? {} : { connection }), ...(system === undefined ? {} : { system }) };
    return { id, props: { ...state, ...(await lookAtCluster(ways, state.servers.length)) } };
  },
  /** Notes what the program saw. */
  update: async (inputs: ExistingInputs): Promise<{ outs: ExistingState }> => ({ outs: stateOf(inputs) }),
});
