import { isIP } from "node:net";

const ANY_ADDRESS = ["0.0.0.0", "::"];
const LOOPBACK = ["localhost", "127.0.0.1", "::1"];
const HOST_NAME = /^(\*\.)?([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;

/**
 * The names and addresses a server's certificate must cover, without repeats: its node name, this machine's loopback names, the address it listens on and what
 * the user adds.
 */
export function serverHosts(server: { readonly node: string; readonly address: string; readonly extra: readonly string[] }): string[] {
  const listens = ANY_ADDRESS.includes(server.address) ? [] : [server.address];
  return [...new Set([server.node, ...LOOPBACK, ...listens, ...server.extra])];
}

/** What is wrong with a name or address for a certificate; `undefined` when it is fine. */
export function hostProblem(host: string): string | undefined {
  if (isIP(host) !== 0 || (host.length <= 253 && HOST_NAME.test(host))) return undefined;
  return `"${host}" is neither an IP address nor a host name; a certificate can name hosts like nats.example.org or *.example.org, and addresses`;
}
