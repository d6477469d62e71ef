import fc from "fast-check";
import { expect, test } from "vitest";
import { classifyChange, startSettings } from "../../../core/reload.ts";
import type { ServerConfigSpec } from "../../../core/server-config-spec.ts";
import { sampleServer } from "../../support/server-specs.ts";

const MIB = 1024 ** 2;

const specs: fc.Arbitrary<ServerConfigSpec> = fc
  .record({
    port: fc.constantFrom(4222, 4333),
    payload: fc.constantFrom(MIB, 2 * MIB),
    memory: fc.constantFrom(MIB, 2 * MIB),
    storage: fc.constantFrom(16 * MIB, 32 * MIB),
    level: fc.constantFrom("info" as const, "debug" as const),
    clustered: fc.boolean(),
    tls: fc.boolean(),
    extra: fc.constantFrom({}, { accounts: { A: {} } }, { accounts: { B: {} } }, { max_traced_msg_len: 7 }, { prof_port: 6060 }),
  })
  .map(({ port, payload, memory, storage, level, clustered, tls, extra }) => {
    const { cluster, ...base } = sampleServer("/tmp/x", port);
    const files = { certFile: "/c", keyFile: "/k", caFile: "/ca" };
    return {
      ...base,
      limits: { ...base.limits, maxPayloadBytes: payload },
      jetstream: { storeDirectory: "/s", maxMemoryBytes: memory, maxStorageBytes: storage },
      logging: { ...base.logging, level },
      ...(clustered && cluster !== undefined ? { cluster: { ...cluster, ...(tls ? { tls: files } : {}) } } : {}),
      extra,
    };
  });

test("start settings ask for a restart exactly when the classification does", () => {
  fc.assert(
    fc.property(specs, specs, (before, after) => {
      const was = startSettings(before);
      const now = startSettings(after);
      const shrinks = Object.entries(was.atLeast).some(([key, value]) => (now.atLeast[key] ?? 0) < value);
      expect(was.text !== now.text || shrinks).toBe(classifyChange(before, after).action === "restart");
    }),
    { numRuns: 500 },
  );
});
