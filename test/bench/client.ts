/**
 * Measures what the client costs above the library it is built on, in one run: `npm run bench:client -- [--messages 5000] [--rounds 5] [--only publish,consume,lanes,memory] [--million 1000000]`.
 * Nothing here is a test: figures go into docs/performance.md.
 */
import { cpus, loadavg } from "node:os";
import { parseArgs } from "node:util";
import { startCluster } from "../support/cluster.ts";
import { measureLanes, measureMemory } from "./client/steady.ts";
import { type Load, measureConsume, measurePublish, type Speeds } from "./client/throughput.ts";

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "5000" },
    rounds: { type: "string", default: "5" },
    only: { type: "string", default: "publish,consume,lanes,memory" },
    million: { type: "string", default: "1000000" },
  },
});
const parts = values.only.split(",");
const load = { messages: Number(values.messages), rounds: Number(values.rounds), inFlight: 256 };

function median(list: readonly number[]): number {
  return [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN;
}

/** Ratios are taken round by round, so that a slow moment of the machine weighs on both sides. */
function print(title: string, speeds: Speeds): void {
  console.log(`\n${title}\n| | messages/s | time against raw | range | client CPU, µs a message |\n| --- | --- | --- | --- | --- |`);
  const floor = speeds["raw"]?.perSecond ?? [];
  for (const [name, { perSecond, cpuUs }] of Object.entries(speeds)) {
    const ratios = perSecond.map((speed, round) => (floor[round] ?? Number.NaN) / speed);
    const range = `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
    console.log(`| ${name} | ${median(perSecond).toFixed(0)} | ${median(ratios).toFixed(2)} | ${range} | ${median(cpuUs).toFixed(1)} |`);
  }
}

console.log(
  `${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Node ${process.version}, ${load.messages} messages, ${load.rounds} rounds`,
);
{
  await using cluster = await startCluster({ servers: 3 });
  for (const place of [
    { storage: "file", replicas: 3 },
    { storage: "memory", replicas: 1 },
  ] as const) {
    const here: Load = { cluster, ...place, ...load };
    const title = `three servers, ${place.storage}, R${place.replicas}`;
    if (parts.includes("publish")) print(`Publishing: ${title}, ${load.inFlight} in flight`, await measurePublish(here));
    if (parts.includes("consume")) print(`Consuming: ${title}`, await measureConsume(here));
  }
  if (parts.includes("lanes")) {
    console.log(
      "\nFrom publishing a critical message until its handler runs, ms\n| | p50 | p95 | p99 | max |\n| --- | --- | --- | --- | --- |",
    );
    for (const { title, p50, p95, p99, max } of await measureLanes(cluster)) {
      console.log(`| ${title} | ${[p50, p95, p99, max].map((ms) => ms.toFixed(1)).join(" | ")} |`);
    }
  }
  if (parts.includes("memory")) {
    console.log(
      "\nMemory over a million messages, published, signed, consumed and verified\n| messages | heap, MB | resident, MB |\n| --- | --- | --- |",
    );
    for await (const { count, heapMb, residentMb } of measureMemory(cluster, Number(values.million))) {
      console.log(`| ${count} | ${heapMb.toFixed(1)} | ${residentMb.toFixed(0)} |`);
    }
  }
}
