import { runtime } from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import * as accounts from "../../../accounts/provider.ts";
import * as tls from "../../../components/tls/provider.ts";

describe("provider text, which is kept in every state", () => {
  it.each(Object.entries({ ...accounts, ...tls }))("%s only forwards", async (_name, provider) => {
    const { text } = await runtime.serializeFunction(() => provider);
    expect(text.length).toBeLessThan(3000);
    expect(text).not.toContain("require(");
    expect(text).toContain('import("natsbus/');
  });

  it("leads to operations that exist", async () => {
    const paths = ["natsbus/accounts/operations", "natsbus/accounts/account-operations", "natsbus/components/tls/operations"];
    for (const path of paths) expect(Object.keys((await import(path)) as object).length).toBeGreaterThan(0);
  });
});
