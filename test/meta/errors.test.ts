import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ERROR_CODES } from "../../core/errors.ts";

const ROOT = join(import.meta.dirname, "../..");
const SOURCES = ["core", "streams", "accounts", "connection", "components", "engine", "operations", "client", "cli", "probe"];
// Codes of Node's TLS layer, or the beginnings of them, that the sources compare with.
const NODE_CODES = /^ERR_(TLS|SSL|OSSL)(_CERT\w*)?_?$/;
const CODES = Object.keys(ERROR_CODES).sort();

test("docs/errors.md explains every code, in its own words of the situation, and no other", async () => {
  const text = await readFile(join(ROOT, "docs/errors.md"), "utf8");
  const rows = text.matchAll(/^\| `(ERR_\w+)` +\| (.+?) +\| (.+?) +\|$/gm);
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
    // A key of a table only speaks about a code.
    for (const [code] of text.matchAll(/\bERR_[A-Z_]+\b(?!:)/g)) raised.add(code);
  }
  const foreign = [...raised].filter((code) => !(code in ERROR_CODES) && !NODE_CODES.test(code));
  expect(foreign).toEqual([]);
  expect(CODES.filter((code) => !raised.has(code))).toEqual([]);
});

async function sourceFiles(): Promise<string[]> {
  const lists = await Promise.all(
    SOURCES.map(async (folder) => {
      const names = await readdir(join(ROOT, folder), { recursive: true }).catch(() => []);
      return names.filter((name) => /\.(ts|js|sh)$/.test(name)).map((name) => join(ROOT, folder, name));
    }),
  );
  return lists.flat();
}

function withoutComments(text: string): string {
  return text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "");
}
