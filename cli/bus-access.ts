import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { kubernetesReach } from "../components/kubernetes/reach.ts";
import { reachableSpec } from "../connection/pool.ts";
import type { ConnectionSpec } from "../core/connection.ts";
import { BusError } from "../core/errors.ts";
import { parseLogin } from "../core/login.ts";
import { nearestWord } from "../core/nearest.ts";
import type { BusPlace, BusUser } from "./bus-state.ts";
import { loadDeclared } from "./declared.ts";
import { readAccess } from "./existing-access.ts";

/** User that a verb connects as when none is named: it may do everything. */
const DEFAULT_ROLE = "admin";

/**
 * Refuses to go on with a stack that has no servers.
 * @throws BusError ERR_NOT_UP
 */
export function assertUp({ bus, stack }: BusPlace): void {
  if (bus.urls.length > 0) return;
  throw new BusError("ERR_NOT_UP", `stack ${stack} is not up`, { remedy: `bring it up with \`natsbus up --stack ${stack}\`` });
}

/**
 * The user of that name; without a name one that may do everything, else the first.
 * @throws BusError ERR_USER_UNKNOWN
 */
export function findUser({ bus, stack }: BusPlace, name: string | undefined): BusUser | undefined {
  if (name === undefined) return bus.users.find((user) => user.role === DEFAULT_ROLE) ?? bus.users[0];
  const user = bus.users.find((one) => one.name === name);
  if (user !== undefined) return user;
  const names = bus.users.map((one) => one.name);
  const near = nearestWord(name, names);
  throw new BusError(
    "ERR_USER_UNKNOWN",
    `stack ${stack} has no user ${JSON.stringify(name)}${near === undefined ? "" : `; did you mean ${near}?`}`,
    {
      remedy: `it has ${names.join(", ") || "none"}`,
    },
  );
}

/**
 * How to connect as a user of the bus. The way to pods is a port-forward of this process, open from now on, so that whoever connects needs to know nothing of it.
 * @throws BusError ERR_NOT_UP, ERR_USER_UNKNOWN, ERR_CREDENTIALS when a file is missing, ERR_KUBECONFIG or ERR_CONNECT_FORWARD when the pods cannot be reached
 */
export async function resolveConnection(place: BusPlace, userName: string | undefined): Promise<ConnectionSpec> {
  assertUp(place);
  const user = findUser(place, userName);
  const login = user === undefined || user.file === "" ? {} : parseLogin(await readBusFile(place, user.file), user.name);
  return { ...(await resolveReach(place)), ...login };
}

/** As {@link resolveConnection}, for whoever has a login already. @throws BusError as it does */
export async function resolveReach(place: BusPlace): Promise<ConnectionSpec> {
  assertUp(place);
  if (place.bus.existing !== undefined) return (await readAccess(place)).connection;
  const ca = place.bus.caFile === "" ? {} : { ca: await readBusFile(place, place.bus.caFile) };
  if (!place.bus.onKubernetes) return { servers: place.bus.urls, ...ca };
  // Of pods the stack file knows the way; its kubeconfig may be a secret.
  const { spec } = await loadDeclared({ cwd: place.root, stack: place.stack }, () => undefined);
  return reachableSpec({ ...kubernetesReach(spec), ...(spec.tls.clients ? ca : {}) });
}

/**
 * Text of a file the bus wrote.
 * @throws BusError ERR_CREDENTIALS
 */
export async function readBusFile({ root, stack }: BusPlace, path: string): Promise<string> {
  try {
    return await readFile(resolve(root, path), "utf8");
  } catch (cause) {
    throw new BusError("ERR_CREDENTIALS", `${path} cannot be read`, {
      remedy: `write it again with \`natsbus up --stack ${stack}\``,
      cause,
    });
  }
}
