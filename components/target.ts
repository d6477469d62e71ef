/** What every target gets and gives. A target makes servers; accounts, users and streams come after it and do not know where they run. */
import type * as pulumi from "@pulumi/pulumi";
import type { BusSpec } from "../core/bus-spec.ts";
import type { ForwardSpec } from "../core/forward.ts";
import type { ResolvedBus } from "./resolved-bus.ts";
import type { ServerIdentity } from "./server-plan.ts";

/** What a target is given. */
export interface TargetArgs {
  /** The cluster and how it is reached. */
  readonly spec: BusSpec;
  /** The bus, complete and checked, for targets that declare what watches it together with the servers. */
  readonly bus: ResolvedBus;
  /** Who may connect. */
  readonly identity: pulumi.Input<ServerIdentity>;
  /** Certificate authorities to trust, a PEM bundle. */
  readonly authority: pulumi.Input<string>;
  /** Map keyed by server name: certificate chain, PEM. It covers what {@link Target.hosts} asks for. */
  readonly certificates: pulumi.Input<Readonly<Record<string, string>>>;
  /** Map keyed by server name: private key, PEM. A secret. */
  readonly keys: pulumi.Input<Readonly<Record<string, string>>>;
  /** Map keyed by user name: credentials, for what is set up beside the servers. Secrets. */
  readonly credentials: pulumi.Input<Readonly<Record<string, string>>>;
  /** Credentials of natsbus's own user of the system account, a secret; absent: the servers have none. */
  readonly system?: pulumi.Output<string> | undefined;
}

/** What watching a bus needs. */
export interface WatchArgs {
  /** The bus, complete and checked. */
  readonly bus: ResolvedBus;
  /** Map keyed by user name: path of its credentials file, relative to the project; empty without accounts. */
  readonly credentials: pulumi.Input<Readonly<Record<string, string>>>;
}

/** What a target gives. */
export interface TargetOutputs {
  /** Client URLs of all servers. */
  readonly servers: pulumi.Output<readonly string[]>;
  /** Monitor URLs of all servers, where they can be reached from here; empty when they cannot. */
  readonly monitorUrls: pulumi.Output<readonly string[]>;
  /** nats-server version that runs. */
  readonly serverVersion: pulumi.Output<string>;
  /** The resource that is done when the cluster is ready. Everything inside the cluster depends on it. */
  readonly ready: pulumi.Resource;
  /** Way to the servers when they cannot be dialled as `servers` names them.
   * @default - dialled */
  readonly forward?: ForwardSpec;
}

/** A place where servers can run. */
export interface Target {
  /** Map keyed by server name: host names and addresses its certificate must cover. */
  readonly hosts: (spec: BusSpec) => Readonly<Record<string, readonly string[]>>;
  /** Authorities that clients must trust where somebody else makes the servers' certificates, PEM; empty: those of the system; undefined: the bus's own.
   * @default - the bus's own */
  readonly foreignAuthority?: (spec: BusSpec) => string | undefined;
  /** Looks at the place before anything is made.
   * @default - nothing is looked at
   * @throws the code of a problem, or ERR_CONFIG with several */
  readonly check?: (bus: ResolvedBus) => Promise<void>;
  /** Makes the servers; `name` is the parent's name. */
  readonly create: (name: string, args: TargetArgs, options?: pulumi.CustomResourceOptions) => TargetOutputs;
  /** Starts what watches the bus, where `monitoring.enabled` asks for it.
   * @default - the target watches nothing by itself */
  readonly watch?: (name: string, args: WatchArgs, options?: pulumi.CustomResourceOptions) => void;
}
