import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ERROR_CODES } from "../../core/errors.ts";

const ROOT = join(import.meta.dirname, "../..");
const SOURCES = ["core", "streams", "accounts", "connection", "components", "engine", "operations", "cli"];
const CODES = Object.keys(ERROR_CODES).sort();

test("docs/errors.md explains every code, in its own words of the situation, and no other", async () => {
  const text = await readFile(join(ROOT, "docs/errors.md"), "utf8");
  const rows = text.matchAll(/^\| `(ERR_\w+)` \| (.+?) \| (.+?) \|$/gm);
  const explained = Object.fromEntries([...rows].map(([, code, when, remedy]) => [code, { when, remedy }]));
  expect(Object.keys(explained).sort()).toEqual(CODES);
  for (const code of CODES) {
    expect(explained[code]?.when, code).toBe(ERROR_CODES[code as keyof typeof ERROR_CODES]);
    expect(explained[code]?.remedy?.length, code).toBeGreaterThan(10);
  }
});

test("every code is raised somewhere in the sources, and every code raised is known", async () => {
  const raised = new Set<string>();
  for (const file of await sourceFiles()) {
    const text = withoutComments(await readFile(file, "utf8")).replace(/ERROR_CODES = \{[\s\S]*?\} as const/, "");
    for (const [, code] of text.matchAll(/["'`](ERR_[A-Z_]+)["'`]/g)) if (code !== undefined) raised.add(code);
  }
  // Node's own codes, which the sources compare with.
  const foreign = [...raised].filter((code) => !(code in ERROR_CODES) && !code.startsWith("ERR_TLS_CERT") && !code.startsWith("ERR_SSL"));
  expect(foreign).toEqual([]);
  expect(CODES.filter((code) => !raised.has(code))).toEqual([]);
});

async function sourceFiles(): Promise<string[]> {
  const lists = await Promise.all(
    SOURCES.map(async (folder) => {
      const names = await readdir(join(ROOT, folder), { recursive: true }).catch(() => []);
      return names.filter((name) => /\.(ts|js)$/.test(name)).map((name) => join(ROOT, folder, name));
    }),
  );
  return lists.flat();
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
}
