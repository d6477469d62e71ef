/** The short version of `npm run test:monitoring`: one server of a live, watched bus is killed, and comes back. */
import { expect, test } from "vitest";
import { planBoards } from "../../../observability/dashboards/plan.ts";
import { resolveMonitoringOptions } from "../../../observability/options.ts";
import { KILL_ONE, prove, startFaultyBus, startTraffic } from "../../support/faults.ts";
import { MISSING, type WatchedBus } from "../../support/watched-bus.ts";

if (MISSING.length > 0) process.stderr.write(`SKIPPED: live faults are not tried; missing are the Debian packages ${MISSING.join(", ")}\n`);

/** Panels whose queries have no data on the probe's own series, and give no reason for that. */
async function emptyPanels({ prometheus, facts }: WatchedBus): Promise<string[]> {
  const panels = planBoards(facts, resolveMonitoringOptions()).flatMap(({ rows }) => rows.flatMap((row) => row.panels));
  const queries = panels
    .filter(({ mayBeEmpty }) => mayBeEmpty === undefined)
    .flatMap(({ key, queries: all }) => all.map(({ expr }) => ({ key, expr })));
  const answers = await Promise.all(
    queries.map(async ({ key, expr }) => {
      const query = expr
        .replaceAll("$nats_cluster", facts.cluster)
        .replaceAll("$__rate_interval", "10s")
        .replaceAll(/\$(account|stream|consumer)/g, ".*");
      const { data } = (await (await fetch(`${prometheus.url}/api/v1/query?query=${encodeURIComponent(query)}`)).json()) as {
        data?: { result: unknown[] };
      };
      return data?.result.length === 0 ? [`${key}: ${query}`] : [];
    }),
  );
  return answers.flat();
}

test.skipIf(MISSING.length > 0)(
  "on a live bus the rules run without an error, every panel has data, and a killed server is told once",
  async () => {
    await using bus = await startFaultyBus();
    await using traffic = startTraffic(bus);
    expect(await bus.failedRules()).toEqual([]);
    await expect.poll(() => emptyPanels(bus), { timeout: 60_000, interval: 2_000 }).toEqual([]);
    await prove(KILL_ONE, bus, traffic);
  },
  400_000,
);
