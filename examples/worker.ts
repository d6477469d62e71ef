/** Handles alerts, with retries and dead letters: `node examples/worker.ts [STOP_AFTER]`. */
import { MessageBus, route } from "natsbus/client";
import { alert } from "./subjects.ts";

const stopAfter = Number(process.argv[2] ?? Number.POSITIVE_INFINITY);
const { promise: enough, resolve } = Promise.withResolvers<void>();
process.once("SIGTERM", () => resolve()).once("SIGINT", () => resolve());

await using bus = await MessageBus.connect({ stack: process.env["NATSBUS_STACK"] ?? "dev", user: "security" });
let handled = 0;
const onAlert = route(alert, async ({ value, subject, deliveries, id }) => {
  // A handler that throws gets its message again, after the waits below; here every third alert fails at first, as a flaky pager would.
  if (deliveries === 1 && id?.endsWith("3")) throw new Error("the pager is busy");
  console.log(`${subject} from ${value.host}: ${value.text} (delivery ${deliveries})`);
  handled += 1;
  if (handled >= stopAfter) resolve();
});

const worker = await bus.consume({
  stream: "SECURITY",
  consumer: "security-worker",
  routes: [onAlert],
  concurrency: 8,
  backOff: ["250ms", "1s", "5s"],
});
await enough;
// Handlers finish, what waits goes back to the stream; the end of an `await using` block does the same.
await worker.drain();
const { acknowledged, retried, deadLettered } = bus.metrics().consume;
console.log(`${acknowledged} acknowledged, ${retried} tried again, ${deadLettered} with the dead letters`);
