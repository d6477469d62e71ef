import { isPortFree } from "../components/process/port-owner.ts";
import { BusError } from "../core/errors.ts";

/** First ports of the three kinds; the servers get consecutive ones. */
export interface PortBlock {
  readonly client: number;
  readonly monitor: number;
  readonly route: number;
}

/** Below the range from which systems give out ports by themselves (32768 on Linux). */
const LOWEST = 20_000;
const HIGHEST = 32_000;
const ATTEMPTS = 100;

/** Where the ports of a block begin: all of them side by side from `base`. */
export function layPorts(base: number, servers: number): PortBlock {
  return { client: base, monitor: base + servers, route: base + 2 * servers };
}

/**
 * Finds consecutive free ports on loopback, three for each server. `random` answers a number from 0 up to 1.
 * @throws BusError ERR_PORTS_EXHAUSTED
 */
export async function findPortBlock(
  servers: number,
  random: () => number = Math.random,
  isFree: (port: number) => Promise<boolean> = isLoopbackFree,
): Promise<PortBlock> {
  const size = servers * 3;
  const slots = Math.floor((HIGHEST - LOWEST) / size);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const base = LOWEST + Math.floor(random() * slots) * size;
    const free = await Promise.all(Array.from({ length: size }, (_, index) => isFree(base + index)));
    if (free.every(Boolean)) return layPorts(base, servers);
  }
  throw new BusError(
    "ERR_PORTS_EXHAUSTED",
    `no ${size} consecutive free ports were found between ${LOWEST} and ${HIGHEST} in ${ATTEMPTS} tries`,
    {
      remedy: "end processes that hold ports there",
    },
  );
}

function isLoopbackFree(port: number): Promise<boolean> {
  return isPortFree("127.0.0.1", port);
}
