/** A headless browser of this machine that talks to loopback alone. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const CANDIDATES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Path of an installed browser; `undefined` when there is none. */
export const BROWSER = CANDIDATES.find((path) => existsSync(path));

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** Starts it; it ends with its user. */
export async function startBrowser(): Promise<Browser> {
  return chromium.launch({ ...(BROWSER === undefined ? {} : { executablePath: BROWSER }), args: FLAGS });
}
