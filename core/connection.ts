/** How resources reach a running bus: plain data, kept in resource outputs, so that a later delete or read connects as the last create did. */
import type { Problem } from "./errors.ts";
import { type ForwardSpec, forwardProblems } from "./forward.ts";
import { subjectProblem } from "./names.ts";

/**
 * Identity of one NATS connection; equal values share one connection in a process. At most one of `creds`, `nkeySeed`, `user` with `password`, and `token` is given;
 * all of them and `key` are secrets, which resources keep encrypted in the state.
 *
 * @example
 * const connection: ConnectionSpec = { servers: ["tls://nats.example.com:4222"], creds: readFileSync("admin.creds", "utf8") };
 */
export interface ConnectionSpec {
  /** Client URLs, `tls://host:port` or `nats://host:port`; any one of them is enough. With `tls://` anything but TLS is refused. */
  readonly servers: readonly string[];
  /** Certificate authorities to trust, a PEM bundle. With it anything but TLS is refused.
   * @default - the system's authorities */
  readonly ca?: string;
  /** Own certificate with its chain, PEM, for servers that ask clients for one; needs `key`.
   * @default - none */
  readonly certificate?: string;
  /** Private key of `certificate`, PEM. A secret.
   * @default - none */
  readonly key?: string;
  /** Name the servers' certificates must cover when it is not the host of the URL, for instance over a port-forward.
   * @default - the host of the URL */
  readonly serverName?: string;
  /** Whether the TLS handshake comes before the server's greeting, for servers with `handshake_first`; the server must be told as well.
   * @default false */
  readonly tlsFirst?: boolean;
  /** Text of a `.creds` file (user JWT and seed). A secret.
   * @default - no credentials */
  readonly creds?: string;
  /** Seed of an nkey user (`SU…`) of the servers' configuration. A secret.
   * @default - none */
  readonly nkeySeed?: string;
  /** User name; needs `password`.
   * @default - user and password of the first URL that has them */
  readonly user?: string;
  /** Password of `user`. A secret.
   * @default - none */
  readonly password?: string;
  /** Token, for servers that know one token for everybody. A secret.
   * @default - none */
  readonly token?: string;
  /** Way to servers inside a Kubernetes cluster: `servers` then names them as their certificates do, and the first one's host is the name that is verified.
   * @default - the servers are dialled as they are named */
  readonly forward?: ForwardSpec;
  /** Prefix of the subjects that answers come to, for users who may listen on no other.
   * @default "_INBOX" */
  readonly inboxPrefix?: string;
  /** Longest wait for one answer, and for the connection, in milliseconds.
   * @default 5000 */
  readonly timeoutMs?: number;
  /** JetStream domain to address.
   * @default - the domain of the server connected to */
  readonly domain?: string;
  /** Subject prefix of the JetStream API, for instance of an imported one; excludes `domain`.
   * @default "$JS.API" */
  readonly apiPrefix?: string;
}

/** {@link ConnectionSpec.timeoutMs} when it is not given. */
export const DEFAULT_TIMEOUT_MS = 5000;

const SERVER_URL = /^(nats|tls):\/\/(?:[^@/]*@)?(?:\[[0-9A-Fa-f:.]+\]|[0-9A-Za-z._-]+)(?::(\d{1,5}))?$/;
const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----/;
const PEM_KEY = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;

/** Everything wrong with a connection that can be told without dialling; no secret is quoted.
 * @param path where the connection stands in the user's input */
export function connectionProblems(spec: ConnectionSpec, path = "connection"): Problem[] {
  const forward = spec.forward === undefined ? [] : forwardProblems(spec.forward, `${path}.forward`);
  return [
    ...serverProblems(spec, path),
    ...loginProblems(spec, path),
    ...certificateProblems(spec, path),
    ...addressProblems(spec, path),
    ...forward,
  ];
}

function serverProblems({ servers }: ConnectionSpec, path: string): Problem[] {
  if (servers.length === 0)
    return [problem(`${path}.servers`, "no server is named", 'name one, for instance "tls://nats.example.com:4222"')];
  return servers.flatMap((server, index) => {
    const found = SERVER_URL.exec(server);
    if (found !== null && Number(found[2] ?? 4222) >= 1 && Number(found[2] ?? 4222) <= 65_535) return [];
    const shown = server.replace(/\/\/[^@/]*@/, "//");
    const message = `"${shown}" is not the URL of a NATS server; allowed is nats:// or tls:// with a host and a port`;
    return [problem(`${path}.servers.${index}`, message, 'write it as "tls://nats.example.com:4222"')];
  });
}

function loginProblems(spec: ConnectionSpec, path: string): Problem[] {
  const { user, password } = spec;
  const given = (["creds", "nkeySeed", "user", "token"] as const).filter((key) => spec[key] !== undefined);
  const found: Problem[] = [];
  if (given.length > 1)
    found.push(conflict(`${path}.${given[1]}`, `${given.join(" and ")} are given together`, "keep the one way the servers know"));
  if ((user === undefined) !== (password === undefined)) {
    const absent = user === undefined ? "user" : "password";
    found.push(problem(`${path}.${absent}`, `${absent} is missing; user and password go together`, "give both, or neither"));
  }
  if (spec.nkeySeed !== undefined && !/^SU[A-Z2-7]{56}$/.test(spec.nkeySeed.trim()))
    found.push(
      problem(`${path}.nkeySeed`, "the text is not the seed of a user", 'give the whole seed: 58 characters that begin with "SU"'),
    );
  return found;
}

function certificateProblems({ ca, certificate, key, tlsFirst, servers }: ConnectionSpec, path: string): Problem[] {
  const found: Problem[] = [];
  if ((certificate === undefined) !== (key === undefined)) {
    const absent = certificate === undefined ? "certificate" : "key";
    found.push(problem(`${path}.${absent}`, `${absent} is missing; certificate and key go together`, "give both, or neither"));
  }
  for (const [name, text] of Object.entries({ ca, certificate })) {
    if (text !== undefined && !PEM_CERTIFICATE.test(text))
      found.push(
        problem(
          `${path}.${name}`,
          "the text holds no certificate in PEM form",
          'give the text that begins with "-----BEGIN CERTIFICATE-----"',
        ),
      );
  }
  if (key !== undefined && !PEM_KEY.test(key))
    found.push(
      problem(`${path}.key`, "the text holds no private key in PEM form", 'give the text that begins with "-----BEGIN PRIVATE KEY-----"'),
    );
  if (tlsFirst === true && ca === undefined && servers.every((server) => server.startsWith("nats://")))
    found.push(
      conflict(`${path}.tlsFirst`, "tlsFirst is on and no server is reached over TLS", 'write the servers as "tls://…", or give ca'),
    );
  return found;
}

function addressProblems({ domain, apiPrefix, inboxPrefix, timeoutMs }: ConnectionSpec, path: string): Problem[] {
  const found: Problem[] = [];
  if (domain !== undefined && apiPrefix !== undefined)
    found.push(conflict(`${path}.apiPrefix`, "domain and apiPrefix both say where the JetStream API is", "keep one of them"));
  if (domain !== undefined && !/^[A-Za-z0-9_-]+$/.test(domain))
    found.push(
      problem(
        `${path}.domain`,
        `"${domain}" is not a JetStream domain; allowed are letters, digits, - and _`,
        "name the domain of the servers",
      ),
    );
  for (const [name, prefix] of Object.entries({ apiPrefix, inboxPrefix })) {
    const example = name === "apiPrefix" ? "$JS.hub.API" : "_INBOX_admin";
    if (prefix !== undefined && subjectProblem(prefix, { wildcards: false }) !== undefined)
      found.push(
        problem(`${path}.${name}`, `"${prefix}" is not a subject without wildcards`, `write it as "${example}", without a dot at the end`),
      );
  }
  if (timeoutMs !== undefined && !(Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= 600_000))
    found.push(
      problem(`${path}.timeoutMs`, `${timeoutMs} is not a waiting time; allowed is 1 to 600000 milliseconds`, "give whole milliseconds"),
    );
  return found;
}

function conflict(path: string, message: string, remedy: string): Problem {
  return { code: "ERR_CONFIG_CONFLICT", path, message, remedy };
}

function problem(path: string, message: string, remedy: string): Problem {
  return { code: "ERR_CONNECT_OPTION", path, message, remedy };
}
