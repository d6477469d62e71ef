import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { overrideSettings } from "../../../cli/ephemeral-stack.ts";
import { findPortBlock, layPorts } from "../../../cli/port-block.ts";

describe("ports of an ephemeral cluster", () => {
  test("lie side by side below what systems give out by themselves", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 32 }), fc.double({ min: 0, max: 0.999_999, noNaN: true }), async (servers, random) => {
        const { client, monitor, route } = await findPortBlock(
          servers,
          () => random,
          async () => true,
        );
        expect([monitor - client, route - monitor]).toEqual([servers, servers]);
        expect(client).toBeGreaterThanOrEqual(20_000);
        expect(route + servers).toBeLessThanOrEqual(32_000);
      }),
    );
  });

  test("a block with one taken port is left out", async () => {
    const answers = [0, 0.5];
    const block = await findPortBlock(
      3,
      () => answers.shift() ?? 0,
      async (port) => port !== 20_004,
    );
    expect(block).not.toEqual(layPorts(20_000, 3));
  });

  test("gives up with an error", async () => {
    await expect(findPortBlock(3, Math.random, async () => false)).rejects.toMatchObject({ code: "ERR_PORTS_EXHAUSTED" });
  });
});

test("settings are taken over but for folder, host and ports", () => {
  const own = { directory: "/tmp/x/run", ports: layPorts(20_000, 3) };
  const expected = { directory: "/tmp/x/run", host: "127.0.0.1", ports: { client: 20_000, monitor: 20_003, route: 20_006 } };
  const settings = {
    "natsbus:logging": { level: "debug" },
    "natsbus:process": { ports: { client: 4222 }, host: "0.0.0.0", monitorTls: true },
  };
  expect(overrideSettings(settings, "natsbus", own)).toEqual({
    "natsbus:logging": { level: "debug" },
    "natsbus:process": { ...expected, monitorTls: true },
  });
  expect(overrideSettings({ "natsbus:process": '{"monitorTls":true}' }, "natsbus", own)["natsbus:process"]).toEqual({
    ...expected,
    monitorTls: true,
  });
  expect(overrideSettings({}, "other", own)).toEqual({ "other:process": expected });
});
