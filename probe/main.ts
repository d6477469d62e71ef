/** The process that the targets start: `node probe/main.ts FILE`. Ends in order at SIGTERM and SIGINT. */
import { loadProbeConfig } from "./config.ts";
import { startProbe } from "./probe.ts";

const probe = await startProbe(await loadProbeConfig(process.argv[2] ?? ""));
process.stdout.write(`listening on ${probe.url}\n`);
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => void probe[Symbol.asyncDispose]().then(() => process.exit(0)));
}
