/** The process that the targets start: `node probe/main.ts FILE`. Ends in order at SIGTERM and SIGINT. */
import { loadProbeConfig } from "./config.ts";
import { startProbe } from "./probe.ts";

const TIDY_MS = 5_000;
const probe = await startProbe(await loadProbeConfig(process.argv[2] ?? ""));
process.stdout.write(`listening on ${probe.url}\n`);
// Pages of servers are large and soon old; left alone, the heap grows to twice what is in use before they are taken away.
const { gc } = globalThis;
if (gc !== undefined) setInterval(() => void gc(), TIDY_MS).unref();
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => void probe[Symbol.asyncDispose]().then(() => process.exit(0)));
}
