/** The process that the targets start: `node probe/main.ts FILE`. Ends in order at SIGTERM and SIGINT. */
import { createRequire } from "node:module";
import { loadProbeConfig } from "./config.ts";

const TIDY_MS = 5_000;
// Loaded before anybody imports it: an import takes the package's text apart once more to learn its names, 1.3 MB for nothing.
createRequire(import.meta.url)("@nats-io/transport-node");
const { startProbe } = await import("./probe.ts");
const probe = await startProbe(await loadProbeConfig(process.argv[2] ?? ""));
process.stdout.write(`listening on ${probe.url}\n`);
// Pages of servers are large and soon old; left alone, the heap grows to twice what is in use, and only the last resort gives freed pages back.
const { gc } = globalThis;
if (gc !== undefined) setInterval(() => void gc({ type: "major", execution: "sync", flavor: "last-resort" }), TIDY_MS).unref();
for (const signal of ["SIGTERM", "SIGINT"] as const) {
  process.once(signal, () => void probe[Symbol.asyncDispose]().then(() => process.exit(0)));
}
