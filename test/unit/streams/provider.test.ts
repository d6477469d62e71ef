import { describe, expect, test } from "vitest";
import * as providers from "../../../streams/provider.ts";

const CALLS = ["check", "diff", "create", "read", "update", "delete"];

describe("providers of streams", () => {
  test.each(Object.entries(providers))(
    "%s is short, offers every call, and forwards to operations that exist",
    async (name, { type, text }) => {
      const host: { handler?: () => Record<string, (...values: unknown[]) => Promise<unknown>> } = {};
      new Function("exports", text)(host);
      expect(Object.keys(host.handler?.() ?? {})).toEqual(CALLS);
      expect(text.length).toBeLessThan(500);
      expect(name).toBe(`${type[0]?.toLowerCase()}${type.slice(1)}Provider`);
      const [, module = "", operations = ""] = /import\("natsbus\/(.+?)"\).*\(\)\)\.(\w+)\[name\]/s.exec(text) ?? [];
      const loaded = (await import(`../../../${module}.ts`)) as Record<string, Record<string, unknown>>;
      expect(CALLS.map((call) => typeof loaded[operations]?.[call])).toEqual(CALLS.map(() => "function"));
    },
  );
});
