/** The page of the probe in a real browser, over a real bus that loses a server. */
import { readFileSync } from "node:fs";
import { jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import { startProbe } from "../../../probe/probe.ts";
import { BROWSER, startBrowser } from "../../support/browser.ts";
import { startCluster } from "../../support/cluster.ts";

if (BROWSER === undefined) process.stderr.write("SKIPPED: the page is not opened, chromium is missing (Debian package chromium)\n");

const CONTRAST = readFileSync(new URL("../../support/contrast.js", import.meta.url), "utf8");

async function textOf(page: Page, selector: string): Promise<string> {
  // As the reader sees it: cells apart from each other.
  // biome-ignore lint/performance/useDomNodeTextContent: text content runs cells together
  return (await page.locator(selector).innerText()).replaceAll(/\s+/g, " ");
}

test.skipIf(BROWSER === undefined)("the page shows a bus live", async () => {
  await using cluster = await startCluster();
  const connection = await connect({ servers: cluster.urls });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: "ORDERS", subjects: ["orders"], num_replicas: 3, max_bytes: 1_048_576 });
  await manager.consumers.add("ORDERS", { durable_name: "worker", ack_policy: "explicit", max_ack_pending: 50 });
  for (let index = 0; index < 40; index += 1) await connection.request("orders", "x".repeat(1000));
  const facts = { cluster: "test", servers: 3, tls: false, streams: [] };
  await using probe = await startProbe({
    facts,
    listen: { host: "127.0.0.1", port: 0 },
    servers: cluster.nodes.map(({ name, url, monitorUrl }) => ({ name, clientUrl: url, monitorUrl })),
    ...{ pollMs: 500, exporter: false, latencySeconds: 0.05 },
  });
  const browser = await startBrowser();
  try {
    const page = await browser.newPage();
    const foreign: string[] = [];
    const complaints: string[] = [];
    page.on("request", (request) => {
      if (!request.url().startsWith(probe.url) && !request.url().startsWith("data:")) foreign.push(request.url());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error") complaints.push(message.text());
    });
    await page.goto(probe.url);

    await expect.poll(() => textOf(page, "#health"), { timeout: 20_000 }).toContain("healthy");
    expect(await page.title()).toBe("test: healthy");
    expect(await textOf(page, "#facts")).toContain("3 of 3, 2 needed");
    expect(await textOf(page, "#servers")).toMatch(/n1 .*n2 .*n3 /);
    expect(await textOf(page, "#servers")).toContain("meta leader");
    expect(await textOf(page, "#stream-rows")).toMatch(/ORDERS \$G n\d 3 of 3 40 .* of 1.0 MiB/);
    expect(await textOf(page, "#consumer-rows")).toMatch(/worker ORDERS n\d 40 .*0 of 50/);
    expect(await textOf(page, "#alerts")).toContain("No Prometheus answers");

    // Live: what is published shows up, and so does a server that goes and comes back.
    for (let index = 0; index < 10; index += 1) await connection.request("orders", "x");
    await expect.poll(() => textOf(page, "#stream-rows"), { timeout: 15_000 }).toContain(" 50 ");
    await cluster.kill("n2");
    await expect.poll(() => textOf(page, "#health"), { timeout: 30_000 }).toContain("degraded");
    await expect.poll(() => textOf(page, "#servers"), { timeout: 15_000 }).toMatch(/n2 ■ no answer/i);
    await cluster.start("n2");
    await expect.poll(() => textOf(page, "#health"), { timeout: 60_000 }).toContain("healthy");

    // For everybody: named meters and curves, headings in order, enough contrast in both schemes.
    expect(await page.getByRole("meter", { name: "bytes of ORDERS" }).getAttribute("aria-valuemax")).toBe("1048576");
    expect(await page.getByRole("img", { name: "rate of ORDERS" }).count()).toBe(1);
    expect(await page.getByRole("heading").allInnerTexts()).toEqual(
      ["test", "SERVERS", "n1", "n2", "n3", "ALERTS", "STREAMS", "CONSUMERS"].map(expectText),
    );
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await lowestContrast(page), colorScheme).toBeGreaterThanOrEqual(4.5);
    }
    expect(foreign).toEqual([]);
    expect(complaints).toEqual([]);
  } finally {
    await browser.close();
    await connection.close();
  }
});

function expectText(text: string): unknown {
  return expect.stringContaining(text);
}

/** The lowest contrast of any text with what it stands on, as WCAG measures it. */
async function lowestContrast(page: Page): Promise<number> {
  return (await page.evaluate(CONTRAST)) as number;
}
