/** Makes docs/dashboard.png: a real bus under real watch, with a consumer that falls behind. `npm run docs:screenshot` */
import { setTimeout as delay } from "node:timers/promises";
import { startBrowser } from "../support/browser.ts";
import { startShownBus } from "./shown-bus.ts";

const OUTPUT = process.argv[2] ?? "docs/dashboard.png";

await using shown = await startShownBus();
const browser = await startBrowser();
try {
  const page = await browser.newPage({
    viewport: { width: 1280, height: 900 },
    colorScheme: process.argv[3] === "dark" ? "dark" : "light",
  });
  await page.goto(shown.bus.probe.url);
  await delay(100_000);
  await page.screenshot({ path: OUTPUT, fullPage: true });
} finally {
  await browser.close();
}
