import { SECRET_TEXT } from "../engine/masking.ts";
import type { ResourceEntry, Snapshot } from "../engine/model.ts";
import type { SecretsCodec } from "../engine/secrets.ts";
import { isMap, unwrapSecrets } from "../engine/traversal.ts";
import { parseUrn, STACK_TYPE } from "../engine/urn.ts";
import type { PropertyMap, Value } from "../engine/values.ts";
import type { PushedAccount } from "../operations/account-drift.ts";

/** A user of the bus and where its credentials lie. */
export interface BusUser {
  readonly name: string;
  readonly account: string;
  readonly role: string;
  /** Credentials file, relative to the project; "" when none was written. */
  readonly file: string;
}

/** A stream as it stands in the state. */
interface BusStream {
  readonly name: string;
  readonly subjects: readonly string[];
}

/** A server as it stands in the state. */
export interface BusServer {
  readonly name: string;
  /** Runtime folder, relative to the project or absolute. */
  readonly directory: string;
  readonly clientUrl: string;
  readonly monitorUrl: string;
  /** Listening ports. */
  readonly ports: { readonly client: number; readonly monitor: number; readonly route: number };
}

/** A bus whose files lie below a project folder. */
export interface BusPlace {
  /** Absolute folder of Pulumi.yaml. */
  readonly root: string;
  readonly stack: string;
  readonly bus: BusState;
}

/** What the state tells about a bus: how to reach it and what it holds. */
export interface BusState {
  /** Client URLs. */
  readonly urls: readonly string[];
  readonly servers: readonly BusServer[];
  readonly users: readonly BusUser[];
  /** By name. */
  readonly streams: readonly BusStream[];
  /** Accounts that were brought to the servers, as they were last pushed or seen. */
  readonly accounts: readonly PushedAccount[];
  /** A cluster that natsbus did not make, with the servers that were seen; absent: natsbus made it. */
  readonly existing?: { readonly servers: readonly string[] };
  /** Certificate bundle, relative to the project; "" without one. */
  readonly caFile: string;
  /** Whether the servers are pods, to which the stack file knows the way. */
  readonly onKubernetes: boolean;
}

const TYPES = {
  cluster: "pulumi-nodejs:dynamic/natsbus/process:Cluster",
  rollout: "pulumi-nodejs:dynamic/natsbus/kubernetes:Rollout",
  existing: "pulumi-nodejs:dynamic/natsbus/existing:ExistingCluster",
  files: "pulumi-nodejs:dynamic/natsbus/accounts:CredentialsFiles",
  account: "pulumi-nodejs:dynamic/natsbus/accounts:Account",
  users: "pulumi-nodejs:dynamic/natsbus/accounts:Users",
  plainUsers: "pulumi-nodejs:dynamic/natsbus/accounts:PlainUsers",
  stream: "pulumi-nodejs:dynamic/natsbus/streams:Stream",
} as const;

/** Reads a state without its passphrase: what is secret stays hidden. */
export const HIDDEN_SECRETS: SecretsCodec = { encrypt: (text) => text, decrypt: () => JSON.stringify(SECRET_TEXT) };

/** Reads the bus out of a state; everything is empty when nothing was made yet. */
export function readBusState(snapshot: Snapshot | undefined): BusState {
  const entries = (snapshot?.resources ?? []).filter((entry) => entry.delete !== true);
  const ofType = (type: string): PropertyMap[] => entries.filter((entry) => entry.type === type).map(properties);
  const clusters = ofType(TYPES.cluster);
  const existing = ofType(TYPES.existing);
  const files = ofType(TYPES.files);
  const paths = new Map(files.flatMap((bag) => Object.entries(mapOf(bag["files"])).map(([user, path]) => [user, textOf(path)] as const)));
  const urls = [...clusters, ...existing].flatMap((bag) => listOf(bag["urls"]).map(textOf));
  // Servers that others set up stand in the stack's outputs alone, from the first try on; what was made inside them tells that they were reached.
  const isReached = [TYPES.rollout, TYPES.account, TYPES.stream].some((type) => ofType(type).length > 0);
  return {
    urls: urls.length > 0 || !isReached ? urls : ofType(STACK_TYPE).flatMap((bag) => listOf(bag["servers"]).map(textOf)),
    ...(existing.length === 0 ? {} : { existing: { servers: existing.flatMap((bag) => listOf(bag["servers"]).map(textOf)) } }),
    servers: clusters.flatMap((bag) => listOf(bag["nodes"]).map(mapOf).map(readServer)),
    users: [
      ...ofType(TYPES.users).flatMap((bag) =>
        Object.entries(mapOf(bag["users"])).map(([name, user]) => readUser(name, mapOf(user), paths)),
      ),
      ...ofType(TYPES.plainUsers).flatMap((bag) =>
        Object.entries(mapOf(bag["places"])).map(([name, user]) => readUser(name, mapOf(user), paths)),
      ),
    ],
    accounts: ofType(TYPES.account).map(readAccount),
    streams: entries
      .filter((entry) => entry.type === TYPES.stream)
      .map(readStream)
      .sort((a, b) => (a.name < b.name ? -1 : 1)),
    caFile: files.map((bag) => textOf(bag["caFile"])).find((path) => path !== "") ?? "",
    onKubernetes: ofType(TYPES.rollout).length > 0,
  };
}

function readServer(node: PropertyMap): BusServer {
  const ports = mapOf(node["ports"]);
  return {
    name: textOf(node["name"]),
    directory: textOf(node["directory"]),
    clientUrl: textOf(node["clientUrl"]),
    monitorUrl: textOf(node["monitorUrl"]),
    ports: { client: Number(ports["client"]), monitor: Number(ports["monitor"]), route: Number(ports["route"]) },
  };
}

function readUser(name: string, user: PropertyMap, paths: ReadonlyMap<string, string>): BusUser {
  return { name, account: textOf(user["account"]), role: textOf(user["role"]), file: paths.get(name) ?? "" };
}

function readAccount(bag: PropertyMap): PushedAccount {
  return {
    name: textOf(bag["name"]),
    publicKey: textOf(bag["publicKey"]),
    servers: listOf(bag["servers"]).map(textOf),
    issuedAt: Number(bag["issuedAt"]),
    inForce: mapOf(bag["inForce"]) as PushedAccount["inForce"],
  };
}

function readStream(entry: ResourceEntry): BusStream {
  const bag = properties(entry);
  return { name: textOf(bag["name"]) || parseUrn(entry.urn).name, subjects: listOf(bag["subjects"]).map(textOf) };
}

function properties(entry: ResourceEntry): PropertyMap {
  return unwrapSecrets<PropertyMap>({ ...entry.inputs, ...entry.outputs });
}

function mapOf(value: Value | undefined): PropertyMap {
  return isMap(value) ? value : {};
}

function listOf(value: Value | undefined): readonly Value[] {
  return Array.isArray(value) ? value : [];
}

function textOf(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}
