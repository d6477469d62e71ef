/** A worker of the delivery test in a process of its own, to be killed and stopped: `node delivery-worker.ts LEDGER URL…`. */
import { z } from "zod";
import { defineSubject, MessageBus, route } from "../../client/index.ts";
import { EffectLedger } from "./effect-ledger.ts";

const [file = "", ...servers] = process.argv.slice(2);
const ledger = new EffectLedger(file);
const job = defineSubject("work.*.job", z.object({ n: z.number() }));
const bus = await MessageBus.connect({ servers, name: "delivery-worker" });
await bus.consume({
  stream: "WORK",
  consumer: "w",
  routes: [route(job, ({ value }) => ledger.apply(`m${value.n}`))],
  concurrency: 32,
  maxAttempts: 1_000,
});
process.stdout.write("ready\n");
