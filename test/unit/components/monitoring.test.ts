import { describe, expect, test } from "vitest";
import { ACCOUNTS } from "../../../accounts/catalog.ts";
import { localExporters, monitoringFacts } from "../../../components/monitoring.ts";
import { resolveBus } from "../../../components/resolve.ts";
import { catalog } from "../../../streams/catalog.ts";

const shipped = (settings: Record<string, unknown> = {}) => {
  const raw = Object.entries(settings).map(([key, value]) => [`natsbus:${key}`, JSON.stringify(value)]);
  return resolveBus(Object.fromEntries(raw), { stack: "dev", project: "natsbus" }, { streams: catalog, accounts: ACCOUNTS });
};

describe("monitoring of the declared bus", () => {
  test("expects every stream, bucket and store with its copies, and the consumers where they belong", () => {
    const { cluster, servers, tls, streams } = monitoringFacts(shipped());
    expect({ cluster, servers, tls }).toEqual({ cluster: "natsbus-dev", servers: 3, tls: true });
    expect(streams.map(({ name, replicas, consumers }) => [name, replicas, consumers.map((consumer) => consumer.name)])).toEqual([
      ["CONSCIOUSNESS", 3, ["consciousness-worker"]],
      ["SECURITY", 3, ["security-worker"]],
      ["PERFORMANCE", 3, ["performance-worker"]],
      ["ORCHESTRATION", 3, ["orchestration-worker"]],
      ["KV_settings", 3, []],
      ["OBJ_artifacts", 3, []],
    ]);
  });

  test.each([
    ["discards old messages", {}, false],
    ["discards new ones", { discard: "new" }, true],
  ])("knows that a stream that %s may be full without a fault or not", (_how, settings, refuses) => {
    const { streams } = monitoringFacts(shipped({ streams: { SECURITY: settings } }));
    expect(streams.find(({ name }) => name === "SECURITY")?.refusesWhenFull).toBe(refuses);
  });

  test("takes limits from the stack file", () => {
    const facts = monitoringFacts(
      shipped({
        limits: { memory: "1GiB" },
        accounts: { BUS: { limits: { jetstream: { storage: "2GiB" } } } },
        streams: { SECURITY: { consumers: { "security-worker": { maxAckPending: 50 } } } },
      }),
    );
    expect(facts).toMatchObject({ memoryLimitBytes: 1024 ** 3, accountStorageLimits: true });
    expect(facts.streams.find(({ name }) => name === "SECURITY")?.consumers).toEqual([{ name: "security-worker", maxAckPending: 50 }]);
  });

  test("asks one exporter a server", () => {
    expect(localExporters(shipped({ cluster: { servers: 2 } }), 9000)).toEqual([
      { name: "n1", address: "127.0.0.1:9000" },
      { name: "n2", address: "127.0.0.1:9001" },
    ]);
  });
});
