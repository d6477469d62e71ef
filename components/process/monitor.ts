/** What a server's monitor port says, over plain HTTP or HTTPS on loopback. */
import { request as requestTls } from "node:https";

// A plain import of this module reads all its names, among them those that load a second HTTP client: 11 MB for nothing.
const { request: requestPlain } = process.getBuiltinModule("node:http");

const TIMEOUT_MS = 2_000;

/** Where a server's monitor listens. */
export interface MonitorAddress {
  /** `http://127.0.0.1:8222` or `https://…`. */
  readonly url: string;
  /** Authorities to trust for HTTPS, a PEM bundle.
   * @default - the system's authorities */
  readonly ca?: string;
}

/**
 * Asks the monitor for a page and parses it; pages with an error status (a `/healthz` that is not ok) are parsed too.
 * @returns `undefined` when nobody answers, or not with JSON
 */
export function askMonitor<T>(address: MonitorAddress, page: string): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<T | undefined>();
  const url = new URL(page, address.url);
  const request = url.protocol === "https:" ? requestTls : requestPlain;
  // One connection a request: a kept one would meet a server that is restarted in between.
  const call = request(url, { agent: false, timeout: TIMEOUT_MS, ...(address.ca === undefined ? {} : { ca: address.ca }) }, (response) => {
    let text = "";
    response.setEncoding("utf8");
    response.on("data", (chunk: string) => {
      text += chunk;
    });
    response.once("error", () => resolve(undefined));
    response.once("end", () => resolve(parseOr<T>(text)));
  });
  call.once("timeout", () => call.destroy());
  call.once("close", () => resolve(undefined));
  call.once("error", () => resolve(undefined));
  call.end();
  return promise;
}

function parseOr<T>(text: string): T | undefined {
  try {
    return JSON.parse(text) as T;
  } catch {
    return undefined;
  }
}
