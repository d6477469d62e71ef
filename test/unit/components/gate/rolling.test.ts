import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { restartOrder } from "../../../../components/gate/blockers.ts";
import { restartOneByOne } from "../../../../components/gate/rolling.ts";

describe("the order of a rolling restart", () => {
  test("keeps every server and puts the meta leader last", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), fc.string(), (names, leader) => {
        const order = restartOrder(names, leader);
        expect(order.toSorted()).toEqual(names.toSorted());
        if (names.includes(leader)) expect(order.at(-1)).toBe(leader);
        else expect(order).toEqual(names);
      }),
    );
  });
});

describe("a rolling restart", () => {
  test("waits before each server and after the last, and follows the meta leader as it moves", async () => {
    const seen: string[] = [];
    const leaders = ["n1", "n1", "n3", "n3"];
    await restartOneByOne({
      names: ["n1", "n2", "n3"],
      waitCurrent: async () => {
        seen.push("wait");
        return leaders.shift() ?? "";
      },
      restart: async (name, left) => void seen.push(`${name}, ${left} to go`),
    });
    expect(seen).toEqual(["wait", "n2, 3 to go", "wait", "n3, 2 to go", "wait", "n1, 1 to go", "wait"]);
  });

  test("touches no further server once the gate stays shut", async () => {
    const restarted: string[] = [];
    let rounds = 0;
    const rolling = restartOneByOne({
      names: ["n1", "n2", "n3"],
      waitCurrent: async () => {
        rounds += 1;
        if (rounds === 2) throw new Error("stream S is not current on n1");
        return "n3";
      },
      restart: async (name) => void restarted.push(name),
    });
    await expect(rolling).rejects.toThrow("stream S is not current on n1");
    expect(restarted).toEqual(["n1"]);
  });
});
