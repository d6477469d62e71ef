import { PROVISIONER } from "../accounts/identity.ts";
import { configModeIdentity, type Logins, withProvisioner } from "../components/config-accounts.ts";
import type { Material } from "../components/kubernetes/server-files.ts";
import type { ResolvedBus } from "../components/resolved-bus.ts";
import type { ServerIdentity } from "../components/server-plan.ts";
import { BusError } from "../core/errors.ts";
import type { Snapshot } from "../engine/model.ts";
import { isMap, unwrapSecrets } from "../engine/traversal.ts";
import type { PropertyMap, Value } from "../engine/values.ts";

const TYPES = {
  authority: "pulumi-nodejs:dynamic/natsbus/tls:CertificateAuthority",
  certificates: "pulumi-nodejs:dynamic/natsbus/tls:ServerCertificates",
  operator: "pulumi-nodejs:dynamic/natsbus/accounts:Operator",
  users: "pulumi-nodejs:dynamic/natsbus/accounts:Users",
  plainUsers: "pulumi-nodejs:dynamic/natsbus/accounts:PlainUsers",
} as const;

/** No key and no certificate, for files without Secrets. */
export const NO_MATERIAL: Material = { identity: { kind: "none" }, authority: "", certificates: {}, keys: {}, credentials: {} };

/**
 * Keys, certificates and credentials as they stand in a state whose secrets are open.
 * @throws BusError ERR_NOT_UP when the state holds no certificates, or nobody who may connect: files must never open a bus that is to be closed
 */
export function readMaterial(snapshot: Snapshot, bus: ResolvedBus): Material {
  const bags = (type: string): PropertyMap[] =>
    snapshot.resources
      .filter((entry) => entry.type === type && entry.delete !== true)
      .map((entry) => unwrapSecrets<PropertyMap>({ ...entry.outputs }));
  const [authority] = bags(TYPES.authority);
  const [certificates] = bags(TYPES.certificates);
  if (authority === undefined || certificates === undefined) throw missing("certificates");
  const users = [...bags(TYPES.users), ...bags(TYPES.plainUsers)];
  const { [PROVISIONER]: _own, ...credentials } = Object.assign({}, ...users.map((bag) => textsOf(bag["credentials"]))) as Record<
    string,
    string
  >;
  return {
    identity: readIdentity(bus, { operator: bags(TYPES.operator)[0], logins: bags(TYPES.plainUsers)[0] }),
    authority: textOf(authority["bundle"]),
    certificates: textsOf(certificates["certificates"]),
    keys: textsOf(certificates["keys"]),
    credentials,
  };
}

function readIdentity(
  { spec, accounts }: ResolvedBus,
  { operator, logins }: { readonly operator: PropertyMap | undefined; readonly logins: PropertyMap | undefined },
): ServerIdentity {
  if (spec.auth.mode === "none") return { kind: "none" };
  if (spec.auth.mode === "config") {
    if (logins === undefined) throw missing("logins");
    return configModeIdentity(withProvisioner(accounts), logins["logins"] as unknown as Logins);
  }
  if (operator === undefined) throw missing("operator");
  return {
    kind: "operator",
    operatorJwt: textOf(operator["token"]),
    systemAccount: textOf(operator["systemPublicKey"]),
    systemAccountJwt: textOf(operator["systemToken"]),
    resolverIntervalMs: spec.auth.resolverIntervalMs,
  };
}

function missing(what: string): BusError {
  return new BusError("ERR_NOT_UP", `the stack's state holds no ${what}`, { remedy: "run the command again" });
}

function textsOf(value: Value | undefined): Record<string, string> {
  return isMap(value) ? Object.fromEntries(Object.entries(value).map(([key, text]) => [key, textOf(text)])) : {};
}

function textOf(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}
