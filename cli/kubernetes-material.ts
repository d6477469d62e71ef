import type { Material } from "../components/kubernetes/server-files.ts";
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
} as const;

/** No key and no certificate, for files without Secrets. */
export const NO_MATERIAL: Material = { identity: { kind: "none" }, authority: "", certificates: {}, keys: {}, credentials: {} };

/**
 * Keys, certificates and credentials as they stand in a state whose secrets are open.
 * @param resolverIntervalMs how often servers compare their accounts; the state does not hold it
 * @throws BusError ERR_NOT_UP when the state holds no certificates
 */
export function readMaterial(snapshot: Snapshot, resolverIntervalMs: number): Material {
  const bags = (type: string): PropertyMap[] =>
    snapshot.resources
      .filter((entry) => entry.type === type && entry.delete !== true)
      .map((entry) => unwrapSecrets<PropertyMap>({ ...entry.outputs }));
  const [authority] = bags(TYPES.authority);
  const [certificates] = bags(TYPES.certificates);
  const [operator] = bags(TYPES.operator);
  if (authority === undefined || certificates === undefined) {
    throw new BusError("ERR_NOT_UP", "the stack's state holds no certificates", { remedy: "run the command again" });
  }
  return {
    identity: operator === undefined ? { kind: "none" } : readIdentity(operator, resolverIntervalMs),
    authority: textOf(authority["bundle"]),
    certificates: textsOf(certificates["certificates"]),
    keys: textsOf(certificates["keys"]),
    credentials: Object.assign({}, ...bags(TYPES.users).map((bag) => textsOf(bag["credentials"]))) as Record<string, string>,
  };
}

function readIdentity(operator: PropertyMap, resolverIntervalMs: number): ServerIdentity {
  return {
    kind: "operator",
    operatorJwt: textOf(operator["token"]),
    systemAccount: textOf(operator["systemPublicKey"]),
    systemAccountJwt: textOf(operator["systemToken"]),
    resolverIntervalMs,
  };
}

function textsOf(value: Value | undefined): Record<string, string> {
  return isMap(value) ? Object.fromEntries(Object.entries(value).map(([key, text]) => [key, textOf(text)])) : {};
}

function textOf(value: Value | undefined): string {
  return typeof value === "string" ? value : "";
}
