import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { defineSubject, MessageBus } from "../../../client/index.ts";
import { startCluster, type TestCluster } from "../../support/cluster.ts";

const v1 = z.object({ host: z.string() });
const v2 = z.object({ host: z.string(), zone: z.string().optional() });
const subjectOf = (schema: z.ZodType, version: number, schemaId = "security.*.alert") =>
  defineSubject("security.*.alert", schema, { version, schemaId });

let cluster: TestCluster;
let bus: MessageBus;
beforeAll(async () => {
  cluster = await startCluster({ servers: 1 });
  bus = await MessageBus.connect({ servers: cluster.urls });
});
afterAll(async () => {
  await bus.close();
  await cluster[Symbol.asyncDispose]();
});

it("keeps each version once, refuses one that breaks another, and says what does not fit", async () => {
  await expect(bus.schemas()).rejects.toMatchObject({ code: "ERR_CLIENT_REGISTRY" });
  const registry = await bus.schemas({ create: true });
  expect(await registry.register(subjectOf(v1, 1))).toBe(true);
  expect(await registry.register(subjectOf(v1, 1))).toBe(false);
  await expect(registry.register(subjectOf(v2, 1))).rejects.toMatchObject({ code: "ERR_CLIENT_REGISTRY", path: "version" });
  const breaking = subjectOf(z.object({ host: z.string(), zone: z.string() }), 2);
  await expect(registry.register(breaking)).rejects.toMatchObject({
    code: "ERR_CLIENT_INCOMPATIBLE",
    message: expect.stringContaining("payload may come without zone, which is required"),
  });
  expect(await registry.check(breaking, { compatibility: "forward" })).toEqual([]);
  expect(await registry.register(subjectOf(v2, 2), { compatibility: "full" })).toBe(true);
  // A version between two others must fit both of its neighbours.
  expect(await registry.register(subjectOf(v2, 5))).toBe(true);
  await expect(registry.register(subjectOf(z.object({ host: z.number() }), 4))).rejects.toMatchObject({ code: "ERR_CLIENT_INCOMPATIBLE" });
});

it("is read by id and version, whatever characters the id has", async () => {
  const registry = await bus.schemas();
  await registry.register(defineSubject<unknown>("a.b", { type: "string" }, { schemaId: "Bestätigung: a>b.*" }));
  expect(await registry.ids()).toEqual(["Bestätigung: a>b.*", "security.*.alert"]);
  expect((await registry.versions("security.*.alert")).map((entry) => [entry.version, entry.compatibility])).toEqual([
    [1, "backward"],
    [2, "full"],
    [5, "backward"],
  ]);
  expect(await registry.get("security.*.alert", 1)).toMatchObject({
    schema: { type: "object", required: ["host"] },
    registeredAt: expect.any(Date),
  });
  expect(await registry.get("security.*.alert", 9)).toBeUndefined();
  expect(await registry.versions("nobody")).toEqual([]);
});

it("takes one of two different schemas that are registered at the same moment", async () => {
  const registry = await bus.schemas();
  const attempts = [v1, v2, v1, v2].map((schema) => registry.register(subjectOf(schema, 1, "race")));
  const results = await Promise.allSettled(attempts);
  expect(results.filter((result) => result.status === "fulfilled" && result.value)).toHaveLength(1);
  expect(results.filter((result) => result.status === "rejected").length).toBeGreaterThanOrEqual(1);
  expect(await registry.versions("race")).toHaveLength(1);
});
