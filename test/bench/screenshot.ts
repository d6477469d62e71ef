/** Makes docs/dashboard.png: a real bus under real watch, with a consumer that falls behind. `npm run docs:screenshot` */
import { setTimeout as delay } from "node:timers/promises";
import type { BusFacts } from "../../observability/facts.ts";
import { startBrowser } from "../support/browser.ts";
import { startWatchedBus } from "../support/watched-bus.ts";

const FAMILIES = ["consciousness", "security", "performance", "orchestration"] as const;
const OUTPUT = process.argv[2] ?? "docs/dashboard.png";

const FACTS: BusFacts = {
  cluster: "natsbus-dev",
  servers: 3,
  tls: false,
  streams: FAMILIES.map((family) => ({
    ...{ account: "$G", name: family.toUpperCase(), replicas: 3, refusesWhenFull: false },
    consumers: [{ name: `${family}-worker`, backlogLimit: 100, maxAckPending: 1000 }],
  })),
};

await using bus = await startWatchedBus({
  facts: FACTS,
  cluster: { name: "natsbus-dev" },
  async declare(manager) {
    for (const family of FAMILIES) {
      const name = family.toUpperCase();
      await manager.streams.add({ name, subjects: [`${family}.>`], num_replicas: 3, max_bytes: 4 * 1024 * 1024 });
      await manager.consumers.add(name, { durable_name: `${family}-worker`, ack_policy: "explicit" });
    }
    await manager.streams.add({ name: "NATSBUS_CANARY", subjects: ["canary.>"], num_replicas: 3, max_msgs: 1000 });
  },
});

let isOver = false;

async function publish(family: string, index: number): Promise<void> {
  const payload = "x".repeat(300 * (index + 1));
  for (let round = 0; !isOver; round += 1) {
    const burst = 1 + index + Math.round(4 * (1 + Math.sin(round / 25 + 2 * index)));
    for (let sent = 0; sent < burst; sent += 1) await bus.client.publish(`${family}.normal.event`, payload);
    await delay(150);
  }
}

async function work(family: string): Promise<void> {
  const consumer = await bus.client.consumers.get(family.toUpperCase(), `${family}-worker`);
  for await (const message of await consumer.consume({ max_messages: 40 })) {
    if (isOver) return;
    // One worker is too slow.
    if (family === "performance") await delay(120);
    message.ack();
  }
}

const loops = FAMILIES.flatMap((family, index) => [publish(family, index), work(family)]);
const browser = await startBrowser();
try {
  const page = await browser.newPage({
    viewport: { width: 1280, height: 900 },
    colorScheme: process.argv[3] === "dark" ? "dark" : "light",
  });
  await page.goto(bus.probe.url);
  await delay(100_000);
  await page.screenshot({ path: OUTPUT, fullPage: true });
} finally {
  await browser.close();
  isOver = true;
  await Promise.race([Promise.allSettled(loops), delay(3_000)]);
}
