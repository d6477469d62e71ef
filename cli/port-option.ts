import { BusError } from "../core/errors.ts";

/** Port of a probe or of the first server's exporter when none is given. */
const EXPORTER_PORT = 7777;

/**
 * A port given on the command line.
 * @throws BusError ERR_USAGE
 */
export function parsePort(text: string | undefined, option: string): number {
  const port = text === undefined ? EXPORTER_PORT : Number(text);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new BusError("ERR_USAGE", `${option} ${text} is no port`, { remedy: "give a number from 1 to 65535" });
}
