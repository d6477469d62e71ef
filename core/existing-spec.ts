/** A cluster that runs already: how it is reached, and what it lets natsbus do. */
import { z } from "zod";
import type { Problem } from "./errors.ts";
import { duration } from "./setting-kinds.ts";

const text = (description: string) =>
  z.string().min(1).meta({ description, title: "text", allowed: "a text; keep it as a secret" }).optional();
const file = (description: string) =>
  z.string().min(1).meta({ description, title: "file", allowed: "a path, relative to the project" }).optional();

const login = {
  creds: text("Text of a `.creds` file; a secret."),
  credsFile: file("Path of a `.creds` file."),
  nkeySeed: text("Seed of an nkey user (`SU…`); a secret."),
  nkeySeedFile: file("File with the seed of an nkey user."),
  user: text("User name."),
  password: text("Password of `user`; a secret."),
  passwordFile: file("File with the password of `user`."),
};

/** Schema of the stack file's block `existing`. */
export const existingSchema = z.strictObject({
  servers: z
    .array(z.string())
    .meta({
      description: "Client URLs; any one is enough.",
      title: "list of URLs",
      allowed: 'a list such as ["tls://nats.example.com:4222"]',
    })
    .default([]),
  ca: text("Certificate authorities to trust, PEM."),
  caFile: file("File with the certificate authorities to trust."),
  certificate: text("Own certificate with its chain, PEM."),
  certificateFile: file("File with the own certificate."),
  key: text("Private key of `certificate`, PEM; a secret."),
  keyFile: file("File with the private key."),
  serverName: text("Name the servers' certificates cover when it is not the URL's host."),
  tlsFirst: z.boolean().meta({ description: "Whether the TLS handshake comes before the server's greeting." }).default(false),
  ...login,
  token: text("Token that the servers know for everybody; a secret."),
  tokenFile: file("File with the token."),
  timeout: duration("Longest wait for one answer.", { min: "100ms", max: "10m" }).prefault("5s"),
  apiPrefix: text("Subject prefix of the JetStream API where it is imported; excludes `jetstream.domain`."),
  monitorUrls: z
    .array(z.url())
    .meta({
      description:
        "Monitor URLs of the servers, in any order, for what watches the bus; a server without one is asked over the system account.",
      title: "list of URLs",
      allowed: 'a list such as ["http://nats.example.com:8222"]',
    })
    .default([]),
  system: z
    .strictObject(login)
    .meta({
      description: "Login of a user of the system account: with it every server is seen, and with `operator` accounts are reconciled.",
    })
    .optional(),
  operator: z
    .strictObject({ signingSeed: text("Signing seed of the operator (`SO…`); a secret."), signingSeedFile: file("File with that seed.") })
    .meta({ description: "The operator the servers trust, as far as it signs accounts." })
    .optional(),
  accounts: z
    .record(
      z.string(),
      z.strictObject({
        seed: text("Seed of the account's own key (`SA…`); a secret."),
        seedFile: file("File with that seed."),
      }),
    )
    .meta({
      description:
        "Map keyed by account name: keys of accounts that the servers know already, which natsbus takes over. Others are made with new keys.",
      title: "map",
    })
    .default({}),
});

/** The block as the schema gives it. */
export type ExistingSpec = z.output<typeof existingSchema>;

const LOGINS = ["creds", "credsFile", "nkeySeed", "nkeySeedFile", "user", "token", "tokenFile"] as const;

/** Settings that may be given as a text or as a file. */
const EITHER = ["ca", "certificate", "key", "creds", "nkeySeed", "password", "token", "signingSeed", "seed"] as const;

/** What is wrong with the block before any file is read.
 * @param path where the block stands */
export function existingProblems(spec: ExistingSpec, authMode: string, path = "existing"): Problem[] {
  const found: Problem[] = [...eitherProblems(spec, path)];
  if (spec.servers.length === 0)
    found.push(
      problem(
        "ERR_CONFIG_MISSING",
        `${path}.servers`,
        "the target existing needs the servers' URLs",
        'name one, for instance ["tls://nats.example.com:4222"]',
      ),
    );
  for (const key of ["system", "operator"] as const)
    if (spec[key] !== undefined) found.push(...eitherProblems(spec[key], `${path}.${key}`));
  found.push(...accountProblems(spec, `${path}.accounts`));
  if (spec.operator !== undefined) found.push(...operatorProblems(spec, authMode, path));
  if (spec.operator !== undefined && spec.operator.signingSeed === undefined && spec.operator.signingSeedFile === undefined)
    found.push(
      problem(
        "ERR_CONFIG_MISSING",
        `${path}.operator.signingSeed`,
        "the operator's signing seed is missing",
        "give signingSeed or signingSeedFile",
      ),
    );
  if (authMode === "config")
    found.push(
      problem(
        "ERR_AUTH_MODE",
        "auth.mode",
        "users of a cluster that natsbus did not make cannot be written into its configuration",
        'use "jwt" with existing.system and existing.operator, or "none"',
      ),
    );
  return found;
}

/** What is missing for watching every server: its monitor port, or the system account.
 * @param servers number of servers */
export function watchingProblems({ monitorUrls, system }: ExistingSpec, servers: number, path = "existing"): Problem[] {
  if (system !== undefined || monitorUrls.length >= servers) return [];
  return [
    problem(
      "ERR_CONFIG_MISSING",
      `${path}.monitorUrls`,
      `monitoring is enabled, and ${monitorUrls.length} of ${servers} servers have a monitor URL; the others can be seen over the system account only`,
      `list the monitor URL of every server, or give the login of a user of the system account under ${path}.system`,
    ),
  ];
}

function accountProblems({ accounts, operator }: ExistingSpec, path: string): Problem[] {
  return Object.entries(accounts).flatMap(([name, block]) => {
    const found = eitherProblems(block, `${path}.${name}`);
    if (block.seed === undefined && block.seedFile === undefined)
      found.push(problem("ERR_CONFIG_MISSING", `${path}.${name}.seed`, `the seed of account ${name} is missing`, "give seed or seedFile"));
    if (operator === undefined)
      found.push(
        problem(
          "ERR_CONFIG_MISSING",
          "existing.operator",
          `account ${name} is to be taken over, and only the operator's signing key can sign it`,
          "give operator and system, or remove existing.accounts",
        ),
      );
    return found;
  });
}

/** With an operator natsbus makes accounts, over the system account, and connects as the admin that it makes itself. */
function operatorProblems(spec: ExistingSpec, authMode: string, path: string): Problem[] {
  const login = LOGINS.find((key) => spec[key] !== undefined);
  const found: Problem[] = [];
  if (spec.system === undefined)
    found.push(
      problem(
        "ERR_CONFIG_MISSING",
        `${path}.system`,
        "operator is given and system is not; accounts are brought to the servers by a user of the system account",
        "give the login of one, for instance system.credsFile",
      ),
    );
  if (login !== undefined)
    found.push(
      problem(
        "ERR_CONFIG_CONFLICT",
        `${path}.${login}`,
        `${login} and operator are given together; where natsbus makes accounts it connects as the admin it makes in them`,
        `remove ${login}, or remove operator to use that login and leave accounts alone`,
      ),
    );
  if (authMode === "none")
    found.push(
      problem(
        "ERR_AUTH_MODE",
        "auth.mode",
        'an operator is given, and auth.mode is "none"',
        'use "jwt", or remove operator to leave accounts alone',
      ),
    );
  return found;
}

function eitherProblems(block: object, path: string): Problem[] {
  const given = block as Readonly<Record<string, unknown>>;
  return EITHER.filter((key) => given[key] !== undefined && given[`${key}File`] !== undefined).map((key) =>
    problem("ERR_CONFIG_CONFLICT", `${path}.${key}File`, `${key} and ${key}File are given together`, "keep one of them"),
  );
}

function problem(code: Problem["code"], path: string, message: string, remedy: string): Problem {
  return { code, path, message, remedy };
}
