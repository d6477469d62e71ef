/** Publishes alerts: `node examples/publisher.ts [COUNT]`, in a project whose dev stack is up. */
import { MessageBus, PRIORITIES } from "natsbus/client";
import { alert } from "./subjects.ts";

const count = Number(process.argv[2] ?? 10);
await using bus = await MessageBus.connect({ stack: process.env["NATSBUS_STACK"] ?? "dev", user: "security" });

for (let index = 0; index < count; index += 1) {
  const priority = PRIORITIES[index % PRIORITIES.length] ?? "normal";
  // The id makes it safe to publish the same alert again.
  const receipt = await bus.publish(alert, { host: `n${index % 3}`, text: `login ${index} refused` }, { priority, id: `login-${index}` });
  console.log(`${receipt.subject}: stored in ${receipt.stream} as message ${receipt.sequence}${receipt.duplicate ? " before" : ""}`);
}

// Several that belong together.
const batch = bus.batch();
for (const host of ["n1", "n2"]) batch.add(alert, { host, text: "is being restarted" }, { priority: "low" });
const { isAtomic, receipts } = await batch.send();
console.log(`a batch of ${receipts.length}, ${isAtomic ? "stored together" : "stored one by one"}`);
