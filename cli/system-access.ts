/** Connects natsbus itself to a stack's system account, with keys out of the state: no user of a file may do what operations on servers need. */
import { PROVISIONER } from "../accounts/identity.ts";
import type { ConnectionSpec } from "../core/connection.ts";
import { BusError } from "../core/errors.ts";
import { parseLogin } from "../core/login.ts";
import { loadState } from "../engine/recorder.ts";
import { openStack } from "../engine/stack.ts";
import { isMap, unwrapSecrets } from "../engine/traversal.ts";
import type { PropertyMap } from "../engine/values.ts";
import { resolveReach } from "./bus-access.ts";
import type { BusPlace } from "./bus-state.ts";
import type { Terminal } from "./terminal.ts";

const OPERATOR_TYPE = "pulumi-nodejs:dynamic/natsbus/accounts:Operator";
const USERS_TYPE = "pulumi-nodejs:dynamic/natsbus/accounts:PlainUsers";

/**
 * How to connect to the system account.
 * @throws BusError ERR_AUTH_MODE when the stack has no system account, ERR_PASSPHRASE_MISSING, ERR_PASSPHRASE_WRONG, ERR_NOT_UP, and what reaching the servers throws
 */
export async function resolveSystem(place: BusPlace, terminal: Terminal): Promise<ConnectionSpec> {
  const { address, secrets } = await openStack({
    directory: place.root,
    stack: place.stack,
    onNotice: (text) => terminal.err(`note: ${text}\n`),
    ...(terminal.canAsk ? { askPassphrase: () => terminal.askSecret("Enter your passphrase to unlock config/secrets: ") } : {}),
  });
  const login = findLogin((loadState(address, secrets)?.resources ?? []).filter((entry) => entry.delete !== true));
  if (login === undefined) {
    throw new BusError(
      "ERR_AUTH_MODE",
      "with auth.mode none there is no system account, and only its users may move streams between servers",
      {
        remedy: "set auth.mode to jwt or config, and run up",
      },
    );
  }
  return { ...(await resolveReach(place)), ...parseLogin(login, PROVISIONER) };
}

function findLogin(entries: readonly { readonly type: string; readonly outputs?: PropertyMap }[]): string | undefined {
  const bags = (type: string) =>
    entries.filter((entry) => entry.type === type).map((entry) => unwrapSecrets<PropertyMap>(entry.outputs ?? {}));
  const [operator] = bags(OPERATOR_TYPE);
  const [users] = bags(USERS_TYPE);
  const credentials = users?.["credentials"];
  const found = operator?.["systemCredentials"] ?? (isMap(credentials) ? credentials[PROVISIONER] : undefined);
  return typeof found === "string" && found !== "" ? found : undefined;
}
