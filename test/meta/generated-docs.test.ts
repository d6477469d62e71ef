import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { parseStackConfig } from "../../core/stack-config.ts";
import { undocumentedExports } from "../../docs/client-reference.ts";
import { findStalePages } from "../../docs/generate.ts";

const ROOT = join(import.meta.dirname, "../..");

test("the generated pages are up to date (npm run docs:generate)", async () => {
  expect(await findStalePages()).toEqual([]);
});

test("every export of natsbus/client has a docstring, and so has every field and method of them", () => {
  expect(undocumentedExports()).toEqual([]);
});

test("every export of the program, which is an output of the stack, is described", async () => {
  const program = await readFile(join(ROOT, "index.ts"), "utf8");
  const undescribed = [...program.matchAll(/(\*\/\n)?export const (\w+)/g)]
    .filter(([, comment]) => comment === undefined)
    .map(([, , name]) => name);
  expect(program).toMatch(/export const /);
  expect(undescribed).toEqual([]);
});

test.each(["dev", "prod"])("Pulumi.%s.yaml is a valid stack file that names the editor schema", async (stack) => {
  const text = await readFile(join(ROOT, `Pulumi.${stack}.yaml`), "utf8");
  expect(text).toMatch(/^# yaml-language-server: \$schema=\.\/docs\/reference\/stack-config\.schema\.json\n/);
  const { config } = parse(text) as { config: Record<string, unknown> };
  const raw = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );
  const spec = parseStackConfig(raw, { stack, project: "natsbus" });
  expect(spec.cluster.name).toBe(`natsbus-${stack}`);
});
