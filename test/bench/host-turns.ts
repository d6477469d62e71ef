import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import type { TestHost } from "../support/test-host.ts";

const run = promisify(execFile);
const ROUNDS = 4;
const MESSAGES = 300_000;

/** One way to run the same servers. */
export interface Side {
  /** Shell text that starts them. */
  readonly begin: string;
  /** Shell text that ends them. */
  readonly end: string;
  /** Shell text that prints the URL of the first server. */
  readonly url: string;
}

/** What the publisher needs. */
export interface Publisher {
  /** Files of the authority and the credentials. */
  readonly files: readonly [ca: string, credentials: string];
  /** Returns once the servers that were just started know the publisher's account. */
  readonly prepare: () => Promise<void>;
}

/** Messages a second each side takes, a figure a round; the sides take turns, so that what else the machine does falls on all of them. */
export async function byTurns(host: TestHost, sides: Readonly<Record<string, Side>>, publisher: Publisher) {
  const rates: Record<string, number[]> = Object.fromEntries(Object.keys(sides).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, side] of Object.entries(sides)) rates[name]?.push(await measure(host, side, publisher));
  }
  return rates;
}

/** Best round of one side over the best of another. */
export function ratioOf(rates: readonly number[] = [], others: readonly number[] = []): number {
  return Number((Math.max(...rates) / Math.max(...others)).toFixed(3));
}

async function measure(host: TestHost, { begin, end, url }: Side, { files, prepare }: Publisher): Promise<number> {
  await host.sh(begin);
  try {
    await prepare();
    const args = [process.execPath, join(import.meta.dirname, "publish-core.ts"), (await host.sh(url)).trim(), ...files, String(MESSAGES)];
    const { stdout } = await run("nsenter", ["-t", String(host.pid()), "-n", ...args]);
    return Number(stdout);
  } finally {
    await host.sh(end);
  }
}
