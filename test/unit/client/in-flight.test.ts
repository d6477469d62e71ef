import { expect, test } from "vitest";
import { InFlightWindow } from "../../../client/in-flight.ts";

test("a lane lets so many in, the next in order of arrival, and refuses what is too much", async () => {
  const window = new InFlightWindow({ maxInFlight: 2, maxQueued: 2 });
  const order: string[] = [];
  const take = async (name: string) => {
    await window.acquire("low");
    order.push(name);
  };
  await Promise.all([take("a"), take("b")]);
  const waiting = [take("c"), take("d")];
  await expect(take("e")).rejects.toMatchObject({ code: "ERR_CLIENT_BACKPRESSURE" });
  expect([window.inFlight, window.queued, order]).toEqual([2, 2, ["a", "b"]]);
  window.release("low");
  window.release("low");
  await Promise.all(waiting);
  expect([window.inFlight, window.queued, order]).toEqual([2, 0, ["a", "b", "c", "d"]]);
});

test("a full lane does not hold up another, and idle waits for all", async () => {
  const window = new InFlightWindow({ maxInFlight: 1, maxQueued: 10 });
  await window.acquire("low");
  void window.acquire("low");
  await window.acquire("critical");
  let idle = false;
  const waited = window.idle().then(() => {
    idle = true;
  });
  window.release("critical");
  window.release("low");
  await Promise.resolve();
  expect(idle).toBe(false);
  window.release("low");
  await waited;
  expect([window.inFlight, window.queued]).toEqual([0, 0]);
});
