/** Every fault on one live bus, one after the other: the right alerts fire, people are told once, and all is clear after recovery. A quarter of an hour. */
import { afterAll, beforeAll, describe, test } from "vitest";
import { FAULTS, type FaultyBus, prove, startFaultyBus, startTraffic, type Traffic } from "../support/faults.ts";
import { MISSING } from "../support/watched-bus.ts";

if (MISSING.length > 0) process.stderr.write(`SKIPPED: live faults are not tried; missing are the Debian packages ${MISSING.join(", ")}\n`);

describe.skipIf(MISSING.length > 0)("on a live bus", () => {
  let bus: FaultyBus;
  let traffic: Traffic;

  beforeAll(async () => {
    bus = await startFaultyBus();
    traffic = startTraffic(bus);
  });

  afterAll(async () => {
    await traffic?.[Symbol.asyncDispose]();
    await bus?.[Symbol.asyncDispose]();
  });

  test.each(FAULTS)("$name", async (fault) => {
    await prove(fault, bus, traffic);
  });
});
