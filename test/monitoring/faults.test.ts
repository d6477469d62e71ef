/** Every fault on one live bus, one after the other: the right alerts fire, people are told once, and all is clear after recovery. About ten minutes. */
import { afterAll, beforeAll, describe, test } from "vitest";
import {
  declareFaulty,
  FAULTY_BUS,
  FILL,
  FREEZE,
  KILL_ONE,
  KILL_TWO,
  prove,
  STALL,
  startTraffic,
  type Traffic,
} from "../support/faults.ts";
import { MISSING, startWatchedBus, type WatchedBus } from "../support/watched-bus.ts";

if (MISSING.length > 0) process.stderr.write(`SKIPPED: live faults are not tried; missing are the Debian packages ${MISSING.join(", ")}\n`);

describe.skipIf(MISSING.length > 0)("on a live bus", () => {
  let bus: WatchedBus;
  let traffic: Traffic;

  beforeAll(async () => {
    bus = await startWatchedBus({ facts: FAULTY_BUS, declare: declareFaulty });
    traffic = startTraffic(bus);
  });

  afterAll(async () => {
    await traffic?.[Symbol.asyncDispose]();
    await bus?.[Symbol.asyncDispose]();
  });

  test.each([FILL, STALL, KILL_ONE, FREEZE, KILL_TWO])("$name", async (fault) => {
    await prove(fault, bus, traffic);
  });
});
