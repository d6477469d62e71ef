/** What the answer of a host to a login means. Pure. */
import { BusError } from "../../core/errors.ts";
import type { SystemdHost } from "../../core/systemd-spec.ts";

/** Exit code of a host whose user may not set up services. */
export const NO_RIGHT = 71;

/** Exit code of a host without systemd. */
export const NO_SYSTEMD = 72;

/** How a login ended. */
export interface ReachAnswer {
  /** Exit code; 255 is SSH's own. */
  readonly code: number;
  /** What was said on standard error. */
  readonly said: string;
}

const OTHER_KEY = /HOST IDENTIFICATION HAS CHANGED|Host key verification failed|host key type|no matching host key/i;
const DENIED = /Permission denied|Too many authentication failures/;
const BAD_KEY_FILE = /Load key|UNPROTECTED PRIVATE KEY|not accessible/;

/**
 * Does nothing when the answer is a good one.
 * @param path path of the host in the stack file
 * @throws ERR_HOST_ACCESS, ERR_HOST_TOOL
 */
export function explainReach(
  host: Pick<SystemdHost, "address" | "port" | "user" | "sudo" | "privateKeyFile">,
  path: string,
  { code, said }: ReachAnswer,
): void {
  if (code === 0) return;
  const { address, port, user } = host;
  const place = `${address}, port ${port},`;
  if (code === NO_SYSTEMD)
    throw new BusError("ERR_HOST_TOOL", `${address} has no systemd`, { path: `${path}.address`, remedy: "choose another host or target" });
  if (code === NO_RIGHT) throw noRight(host, path);
  if (OTHER_KEY.test(said))
    throw refusal(
      `${place} shows another key than the pinned one, so nothing was sent`,
      `${path}.hostKey`,
      "find out on the host itself why; correct hostKey only when the host was set up anew",
    );
  if (BAD_KEY_FILE.test(said) && DENIED.test(said))
    throw refusal(
      `the private key ${host.privateKeyFile ?? ""} cannot be used`,
      `${path}.privateKeyFile`,
      "correct its path; it must be readable by you only",
    );
  if (DENIED.test(said))
    throw refusal(
      `${place} does not let the user ${user} in`,
      `${path}.user`,
      "add the public key to the user's authorized_keys there, or correct user and privateKeyFile",
    );
  throw refusal(
    `${place} cannot be reached: ${lastLine(said)}`,
    `${path}.address`,
    "start the host's SSH server, or correct address, port and bastion",
  );
}

function noRight({ address, user, sudo }: Pick<SystemdHost, "address" | "user" | "sudo">, path: string): BusError {
  if (sudo)
    return refusal(
      `${user} may not run sudo without a password on ${address}`,
      `${path}.sudo`,
      "allow it in /etc/sudoers.d, or log in as root",
    );
  return refusal(`${user} may not set up services on ${address}`, `${path}.sudo`, "set sudo: true, or log in as root");
}

function refusal(message: string, path: string, remedy: string): BusError {
  return new BusError("ERR_HOST_ACCESS", message, { path, remedy });
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1)?.trim() ?? "";
}
