/** Security: rights by role and subject, credentials that are over, and messages that are not what they claim to be. */
import { setTimeout as delay } from "node:timers/promises";
import { headers } from "@nats-io/transport-node";
import { userClaims } from "../../../accounts/claims.ts";
import { renderCredentials } from "../../../accounts/credentials.ts";
import { inboxPrefix, type Permissions } from "../../../accounts/roles.ts";
import { renderToken } from "../../../accounts/token.ts";
import { isBusError } from "../../../core/errors.ts";
import { createKey, type NatsKey } from "../../../core/nats-keys.ts";
import { connectAsUser } from "../../user-connection.ts";
import { type Check, failed, type Outcome, passed, type Section, skipped } from "../check.ts";
import { type AccountSigner, type Context, userConnection, type VerifyUser } from "../context.ts";
import { openProbe } from "../permission-probe.ts";
import { dangerousRequests, differences, examplesOf, isAllowed, wantedRights } from "../rights.ts";
import { until } from "../tools.ts";
import { integrity } from "./integrity.ts";

const NO_ROLES = "the cluster was named by its address, so its users and roles are not known";
const NO_USER_LIMITED = "no user with limited rights is declared";

interface DeclaredUser extends VerifyUser {
  readonly rights: Permissions;
}

function declaredUsers({ declared, users }: Context): readonly DeclaredUser[] {
  return users.flatMap((user) => {
    const rights = declared?.accounts.find(({ name }) => name === user.account)?.roles[user.role];
    return rights === undefined ? [] : [{ ...user, rights }];
  });
}

function limitedUsers(context: Context): readonly DeclaredUser[] {
  return declaredUsers(context).filter(({ rights }) => !rights.publish.allow.includes(">"));
}

const rightsInForce: Check = {
  name: "rights-in-force",
  title: "the servers give every user the rights of its declared role, no more and no less",
  async run(context) {
    const users = declaredUsers(context);
    if (users.length === 0) return skipped(NO_ROLES);
    const wrong: string[] = [];
    for (const user of users) {
      await using probe = await openProbe(userConnection(context, user));
      wrong.push(...differences(wantedRights(user.rights, user.name), await probe.rights()).map((text) => `${user.name}: ${text}`));
    }
    if (wrong.length > 0) return failed(wrong.join("; "), "push the accounts again with `natsbus up --refresh`");
    return passed(`${users.length} users`);
  },
};

const matrix: Check = {
  name: "role-subject-matrix",
  title: "every role reaches its own subjects and is refused at those of every other role",
  async run(context) {
    const users = limitedUsers(context);
    if (users.length === 0) return skipped(context.users.length === 0 ? NO_ROLES : NO_USER_LIMITED);
    const subjects = examplesOf(users.map(({ rights }) => rights));
    const wrong: string[] = [];
    for (const user of users) {
      await using probe = await openProbe(userConnection(context, user));
      const wanted = wantedRights(user.rights, user.name);
      const hears = await probe.subscribable(subjects);
      const shouldHear = subjects.filter((subject) => isAllowed(wanted.subscribe, subject));
      wrong.push(...hears.filter((subject) => !shouldHear.includes(subject)).map((subject) => `${user.name} may subscribe to ${subject}`));
      wrong.push(
        ...shouldHear.filter((subject) => !hears.includes(subject)).map((subject) => `${user.name} may not subscribe to ${subject}`),
      );
      // What is allowed would be sent and heard, so only what must be refused is tried; the rest the servers told before.
      const forbidden = subjects.filter((subject) => !isAllowed(wanted.publish, subject));
      wrong.push(...(await probe.publishable(forbidden)).map((subject) => `${user.name} may publish to ${subject}`));
    }
    if (wrong.length > 0)
      return failed(
        wrong.join("; "),
        "compare the roles of accounts/catalog.ts with `natsbus diff`, and push them with `natsbus up --refresh`",
      );
    return passed(`${users.length} users × ${subjects.length} subjects, both ways`);
  },
};

const administration: Check = {
  name: "administration",
  title: "no limited user may change streams, consumers, accounts or servers, or listen to another's answers",
  async run(context) {
    const users = limitedUsers(context);
    if (users.length === 0) return skipped(context.users.length === 0 ? NO_ROLES : NO_USER_LIMITED);
    const requests = dangerousRequests(`VERIFY_${context.scratch.run}_none`);
    const wrong: string[] = [];
    for (const user of users) {
      await using probe = await openProbe(userConnection(context, user));
      wrong.push(...(await probe.publishable(requests)).map((subject) => `${user.name} may publish to ${subject}`));
      const inboxes = ["_INBOX.>", ...context.users.filter(({ name }) => name !== user.name).map(({ name }) => `${inboxPrefix(name)}.>`)];
      wrong.push(...(await probe.subscribable(inboxes)).map((subject) => `${user.name} may subscribe to ${subject}`));
    }
    if (wrong.length > 0) return failed(wrong.join("; "), "take those rights out of the roles in accounts/catalog.ts");
    return passed(`${requests.length} requests, ${users.length} users`);
  },
};

const expired: Check = {
  name: "expired",
  title: "credentials that are over are refused, and a connection ends with its credentials",
  async run(context) {
    const { signer } = context;
    if ("missing" in signer) return skipped(signer.missing);
    const now = Math.floor(Date.now() / 1000);
    const old = await tryConnect(context, issue(signer, { iat: now - 100, exp: now - 10 }).creds);
    if (old !== "ERR_CONNECT_CREDENTIALS") return failed(`credentials that ended 10 s ago: ${old ?? "the server let them in"}`);
    const brief = issue(signer, { iat: now, exp: now + 3 });
    const connection = await connectAsUser({ ...context.admin, creds: brief.creds });
    const isCut = await until(() => connection.isClosed(), 15_000, context.signal);
    await connection.close().catch(() => undefined);
    return isCut
      ? passed("refused after their end; a connection that was open was closed")
      : failed("a connection stayed open after its credentials had ended");
  },
};

const revoked: Check = {
  name: "revoked",
  title: "revoked credentials are refused, and their connections are closed",
  async run(context) {
    const { signer, control } = context;
    if ("missing" in signer) return skipped(signer.missing);
    if (signer.revoke === undefined) return skipped("the account was not pushed by this stack");
    if ("missing" in control)
      return skipped("revoking pushes the account to the servers twice, which is done only where servers may be stopped, too");
    const user = issue(signer, { iat: Math.floor(Date.now() / 1000) });
    const connection = await connectAsUser({ ...context.admin, creds: user.creds });
    const restore = await signer.revoke(user.key.publicKey);
    try {
      const isCut = await until(() => connection.isClosed(), 15_000, context.signal);
      const code = await tryConnect(context, user.creds);
      if (!isCut) return failed("the connection of a revoked user stayed open");
      return code === "ERR_CONNECT_CREDENTIALS"
        ? passed("connection closed, credentials refused; the revocation was taken back")
        : failed(`revoked credentials: ${code ?? "the server let them in"}`);
    } finally {
      await connection.close().catch(() => undefined);
      await restore();
    }
  },
};

const foreignSigner: Check = {
  name: "foreign-signer",
  title: "a user signed by an unknown key is refused",
  async run(context) {
    const { signer, admin } = context;
    if ("missing" in signer) return skipped(signer.missing);
    if (admin.creds === undefined) return skipped("the bus does not ask for credentials");
    const { creds } = issue({ ...signer, roleSeeds: { own: createKey("account").seed } }, { iat: Math.floor(Date.now() / 1000) });
    const code = await tryConnect(context, creds);
    return code === "ERR_CONNECT_CREDENTIALS" ? passed("refused") : failed(code ?? "the server let it in");
  },
};

/** A user of one of the account's roles, made for this run. */
function issue(
  signer: AccountSigner,
  times: { readonly iat: number; readonly exp?: number },
): { readonly key: NatsKey; readonly creds: string } {
  const key = createKey("user");
  const role = "admin" in signer.roleSeeds ? "admin" : (Object.keys(signer.roleSeeds)[0] ?? "");
  const claims = userClaims({ name: "natsbus-verify", publicKey: key.publicKey, account: signer.publicKey, ...times });
  return { key, creds: renderCredentials(renderToken(claims, signer.roleSeeds[role] ?? ""), key.seed) };
}

/** Code of the refusal; `undefined` when the servers let it in. */
async function tryConnect({ admin }: Context, creds: string): Promise<string | undefined> {
  try {
    await (await connectAsUser({ ...admin, creds })).close();
    return undefined;
  } catch (error) {
    if (isBusError(error)) return error.code;
    throw error;
  }
}

const reservedSubjects: Check = {
  name: "no-core-leak",
  title: "a message that a stream refuses is not stored under another name",
  async run(context): Promise<Outcome> {
    const stream = await context.scratch.stream("leak");
    const connection = await connectAsUser(context.admin);
    try {
      const lines = headers();
      lines.set("Nats-Expected-Stream", "natsbus-verify-none");
      const answer = await connection.request(`${stream.subject}.x`, "", { headers: lines, timeout: 5000 });
      await delay(50);
      const { error } = answer.json<{ readonly error?: { readonly err_code?: number } }>();
      return error?.err_code === 10060
        ? passed("refused with 10060")
        : failed(`a message for another stream was answered with ${JSON.stringify(error ?? "success")}`);
    } finally {
      await connection.close();
    }
  },
};

/** Everything about who may do what, and what may be believed. */
export const securitySection: Section = {
  name: "security",
  title: "Security",
  checks: [rightsInForce, matrix, administration, expired, revoked, foreignSigner, reservedSubjects, ...integrity],
};
