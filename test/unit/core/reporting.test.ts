import { describe, expect, test } from "vitest";
import { BusError } from "../../../core/errors.ts";
import { reporting } from "../../../core/reporting.ts";

const failing = (error: unknown) => reporting({ run: () => Promise.reject(error) });
const caught = async (error: unknown): Promise<Error & Record<string, unknown>> => {
  try {
    await failing(error).run();
  } catch (told) {
    return told as Error & Record<string, unknown>;
  }
  throw new Error("nothing was thrown");
};

describe("an operation that fails", () => {
  test("tells message, remedy and code in its message, which is all that crosses to the engine", async () => {
    const told = await caught(new BusError("ERR_SERVER_BINARY", "there is no server", { remedy: "install one" }));
    expect(told.message).toBe("there is no server\n  install one\n  [ERR_SERVER_BINARY]");
  });

  test("is announced by the provider host in one progress line without a stack", async () => {
    const told = await caught(new BusError("ERR_SERVER_BINARY", "there is no server"));
    expect(`${told}: ${told.stack}`).toBe("natsbus-progress: ERR_SERVER_BINARY: reported by the engine");
  });

  test("keeps the state of a resource that exists but is not well, and tells the same reason", async () => {
    const error = Object.assign(new BusError("ERR_CLUSTER_NOT_READY", "no leader"), {
      id: "c",
      properties: { a: 1 },
      reasons: ["no leader"],
    });
    const told = await caught(error);
    expect(told).toMatchObject({ id: "c", properties: { a: 1 }, reasons: ["no leader\n  [ERR_CLUSTER_NOT_READY]"] });
  });

  test("keeps its stack when it is a bug", async () => {
    const bug = new TypeError("undefined is not a function");
    expect(await caught(bug)).toBe(bug);
  });

  test("answers what it answers when it works, also when it answers at once", async () => {
    expect(await reporting({ run: (a: number, b: number) => a + b }).run(1, 2)).toBe(3);
  });
});
