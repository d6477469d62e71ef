/** The whole program of a bus under Pulumi's mocks: what it would ask of the engine, resource by resource. */
import * as pulumi from "@pulumi/pulumi";
import { MessageBus } from "../../components/message-bus.ts";
import type { ResolvedBus } from "../../components/resolve.ts";

type Bag = Readonly<Record<string, unknown>>;

/** One resource that the program registers. */
export interface MockedResource {
  /** Pulumi's type. */
  readonly type: string;
  /** Inputs with every output in them resolved, without the code of its provider. */
  readonly inputs: Bag;
}

// How Pulumi marks a secret on its way to the engine; the mocks hand it on as it is.
const MARK = "4dabf18193072939515e22adb298388d";
const SECRET_MARK = "1b47061264138c4ac30d75fd1eb44270";

const secret = (value: unknown) => ({ [MARK]: SECRET_MARK, value });

const each = (names: unknown, text: string) =>
  Object.fromEntries(Object.keys(names as object).map((name) => [name, `SECRET ${text} of ${name}`]));

/** Texts of a value that stand in no secret. */
export function openTexts(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || (value as Bag)[MARK] === SECRET_MARK) return [];
  return Object.values(value).flatMap(openTexts);
}

/** What natsbus's own resources would have made, so that what is declared from it can be told from anything else. */
const MADE: Readonly<Record<string, (inputs: Bag) => object>> = {
  "tls:CertificateAuthority": () => ({
    bundle: "AUTHORITY\n",
    certificate: "AUTHORITY\n",
    key: secret("SECRET authority key"),
    link: "",
    validity: {},
  }),
  "tls:ServerCertificates": ({ nodes }) => ({ certificates: each(nodes, "certificate"), keys: secret(each(nodes, "key")), validity: {} }),
  "accounts:Operator": () => ({
    publicKey: "OPERATOR",
    token: "operator.jwt",
    signingSeed: secret("SECRET signing seed"),
    systemPublicKey: "ASYSTEM",
    systemToken: "system.jwt",
    systemSeed: secret("SECRET system seed"),
    systemRoleKeys: {},
    systemRoleSeeds: {},
    systemCredentials: secret("SECRET system credentials"),
  }),
  "accounts:AccountKeys": ({ account }) => ({
    publicKey: `A${account}`,
    seed: secret("SECRET account seed"),
    roleKeys: {},
    roleSeeds: {},
    retiringRoleKeys: {},
  }),
  "accounts:Users": ({ users }) => ({
    credentials: secret(each(users, "credentials")),
    publicKeys: {},
    validity: {},
    retiring: {},
    revoked: {},
  }),
  "accounts:PlainUsers": ({ users }) => ({
    credentials: secret(each(users, "credentials")),
    logins: secret(Object.fromEntries(Object.keys(users as object).map((user) => [user, [{ user, password: "SECRET password" }]]))),
  }),
  "accounts:CredentialsFiles": () => ({ files: {}, caFile: "ca.pem" }),
};

/**
 * Runs the program.
 * @returns map keyed by name: every resource
 */
export async function declareMocked(bus: ResolvedBus): Promise<ReadonlyMap<string, MockedResource>> {
  const seen = new Map<string, MockedResource>();
  const newResource = ({ type, name, inputs }: pulumi.runtime.MockResourceArgs) => {
    const { __provider: _code, ...own } = inputs as Bag;
    seen.set(name, { type, inputs: own });
    return { id: `${name}-id`, state: { ...own, ...MADE[type.split("/").at(-1) ?? ""]?.(own) } };
  };
  await pulumi.runtime.setMocks({ newResource, call: () => ({}) }, "natsbus", "test", false);
  await MessageBus.create("bus", { bus });
  // Waits until everything is registered.
  await pulumi.runtime.disconnect();
  return seen;
}
