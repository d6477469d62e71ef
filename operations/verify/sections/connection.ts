/** Connection and authentication: everybody who should gets in, nobody else does. */
import { renderCredentials } from "../../../accounts/credentials.ts";
import { parseCredentials, userOfCredentials } from "../../../connection/nonce-signer.ts";
import type { ConnectionSpec } from "../../../core/connection.ts";
import { BusError, type ErrorCode, isBusError } from "../../../core/errors.ts";
import { createKey } from "../../../core/nats-keys.ts";
import { drive, mean, percentile } from "../../bench/drive.ts";
import { connectAsUser } from "../../user-connection.ts";
import { type Check, failed, type Outcome, passed, type Section, skipped } from "../check.ts";
import { type Context, userConnection, type VerifyUser } from "../context.ts";
import { openProbe } from "../permission-probe.ts";
import { speakPlainly } from "../wire-probe.ts";

const NO_USERS = "the cluster was named by its address, so its users and their credentials are not known";
const ROUND_TRIPS = 50;

const everyUser: Check = {
  name: "every-user",
  title: "every user connects with its credentials and is in its account",
  async run(context) {
    if (context.users.length === 0) return skipped(NO_USERS);
    // The servers tell an account by its key: one key an account, and never the key of another one.
    const keys = new Map("missing" in context.signer ? [] : [[context.signer.account, context.signer.publicKey]]);
    const problems: string[] = [];
    for (const user of context.users) {
      try {
        problems.push(...(await userProblems(context, user, keys)));
      } catch (error) {
        problems.push(`${user.name}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    if (problems.length > 0)
      return failed(problems.join("; "), "push the accounts and write the credentials again with `natsbus up --refresh`");
    return passed(`${context.users.length} users: ${context.users.map(({ name }) => name).join(", ")}`);
  },
};

/** @param keys map keyed by account name: its public key as far as it is known; a new one is added */
async function userProblems(context: Context, user: VerifyUser, keys: Map<string, string>): Promise<readonly string[]> {
  await using probe = await openProbe(userConnection(context, user));
  const { account } = await probe.rights();
  const owner = user.creds === "" ? user.name : userOfCredentials(user.creds);
  const key = keys.get(user.account) ?? account;
  const other = [...keys].find(([name, known]) => known === account && name !== user.account)?.[0];
  keys.set(user.account, key);
  return [
    ...(owner === user.name ? [] : [`${user.name}: the file holds the credentials of ${owner ?? "nobody"}`]),
    ...(key === account && other === undefined ? [] : [`${user.name} is in account ${other ?? account}, not ${user.account}`]),
  ];
}

const everyServer: Check = {
  name: "every-server",
  title: "every server takes clients, and answers a ping",
  async run(context) {
    const urls = context.servers.length > 0 ? context.servers.map(({ clientUrl }) => clientUrl) : context.admin.servers;
    const problems: string[] = [];
    const trips: number[] = [];
    for (const url of urls) {
      const spec = { ...context.admin, servers: [url] };
      try {
        trips.push(...(await roundTrips(spec)));
      } catch (error) {
        problems.push(`${url}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    if (problems.length > 0) return failed(problems.join("; "), "look at `natsbus status`, and start what is down with `natsbus up`");
    const sorted = trips.sort((a, b) => a - b);
    return passed(`${urls.length} servers`, [
      { name: "round trip", value: mean(sorted), unit: "ms" },
      { name: "p99", value: percentile(sorted, 0.99), unit: "ms" },
    ]);
  },
};

async function roundTrips(spec: ConnectionSpec): Promise<readonly number[]> {
  const connection = await connectAsUser(spec);
  try {
    return (await drive({ count: ROUND_TRIPS, inFlight: 1 }, () => connection.flush())).latencies;
  } finally {
    await connection.close();
  }
}

const noCredentials: Check = {
  name: "no-credentials",
  title: "nobody gets in without credentials",
  run: ({ admin, declared }) => {
    if (admin.creds === undefined || declared?.spec.auth.mode === "none")
      return Promise.resolve(skipped("the bus does not ask for credentials"));
    const { creds: _, ...anonymous } = admin;
    return mustBeRefused(anonymous, ["ERR_CONNECT_CREDENTIALS"], "a client without credentials");
  },
};

const foreignKey: Check = {
  name: "foreign-key",
  title: "a user's token is worth nothing without the user's key",
  run: ({ admin }) => {
    const token = admin.creds === undefined ? "" : parseCredentials(admin.creds).jwt;
    if (token === "") return Promise.resolve(skipped("the bus does not use credentials with tokens"));
    const forged = renderCredentials(token, createKey("user").seed);
    return mustBeRefused({ ...admin, creds: forged }, ["ERR_CONNECT_CREDENTIALS"], "the admin's token with another key");
  },
};

const noTls: Check = {
  name: "no-tls",
  title: "nobody is served without encryption",
  async run(context) {
    const urls = context.admin.servers.filter((url) => url.startsWith("tls://"));
    if (urls.length === 0) return skipped("the bus is declared without TLS for its clients");
    const answers = await Promise.allSettled(urls.map(async (url) => ({ url, ...(await speakPlainly(url)) })));
    const served = answers.flatMap((answer) => (answer.status === "fulfilled" && answer.value.served ? [answer.value.url] : []));
    if (served.length > 0)
      return failed(`${served.join(", ")} serves clients in the clear`, "set `natsbus:tls.clients: true` and run `natsbus up`");
    const silent = answers.flatMap((answer, index) => (answer.status === "rejected" ? [urls[index] ?? ""] : []));
    if (silent.length > 0) return failed(`${silent.join(", ")} does not answer`, "look at `natsbus status`");
    return passed(`${urls.length} servers refuse a client that does not encrypt`);
  },
};

const noAuthority: Check = {
  name: "no-authority",
  title: "a client that does not trust the bus's own authority refuses the servers",
  run: ({ admin }) => {
    if (admin.ca === undefined) return Promise.resolve(skipped("the servers' certificates come from authorities that this machine trusts"));
    const { ca: _, ...distrustful } = admin;
    return mustBeRefused(distrustful, ["ERR_CONNECT_TLS"], "a client without the authority's certificate");
  },
};

const noRights: Check = {
  name: "no-rights",
  title: "a user is refused what its role does not give",
  async run(context) {
    const roles = new Map(
      context.declared?.accounts.flatMap(({ name, roles }) => Object.entries(roles).map(([role, rights]) => [`${name}/${role}`, rights])),
    );
    const limited = context.users.filter(({ account, role }) => roles.get(`${account}/${role}`)?.publish.allow.includes(">") === false);
    if (limited.length === 0) return skipped("no user with limited rights is known");
    const subject = `natsbus-verify.${context.scratch.run}.rights`;
    const open: string[] = [];
    for (const user of limited) {
      await using probe = await openProbe(userConnection(context, user));
      if ((await probe.publishable([subject])).length > 0) open.push(`${user.name} may publish to ${subject}`);
      if ((await probe.subscribable([subject])).length > 0) open.push(`${user.name} may subscribe to ${subject}`);
    }
    if (open.length > 0)
      return failed(open.join("; "), "compare the roles of accounts/catalog.ts, and push them with `natsbus up --refresh`");
    return passed(`${limited.length} users: ${limited.map(({ name }) => name).join(", ")}`);
  },
};

async function mustBeRefused(spec: ConnectionSpec, codes: readonly ErrorCode[], who: string): Promise<Outcome> {
  const refused: string[] = [];
  for (const server of spec.servers) {
    try {
      const connection = await connectAsUser({ ...spec, servers: [server] });
      await connection.close();
      return failed(`${server} let ${who} in`, "look at the server's configuration; `natsbus up --refresh` puts it right");
    } catch (error) {
      if (!isBusError(error)) throw error;
      if (!codes.includes(error.code)) throw new BusError(error.code, `${server}: ${error.message}`, { cause: error });
      refused.push(server);
    }
  }
  return passed(`${refused.length} servers refuse ${who}`);
}

/** Everything about who gets in. */
export const connectionSection: Section = {
  name: "connection",
  title: "Connection and authentication",
  checks: [everyUser, everyServer, noCredentials, foreignKey, noTls, noAuthority, noRights],
};
