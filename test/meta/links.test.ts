import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const pages = [
  "README.md",
  "CONTRIBUTING.md",
  ...(await readdir(join(ROOT, "docs"))).filter((name) => name.endsWith(".md")).map((name) => `docs/${name}`),
];

/** Text without code, in which brackets mean something else. */
async function proseOf(path: string): Promise<string> {
  return (await readFile(path, "utf8"))
    .replaceAll(/^```[\s\S]*?^```/gm, "")
    .replaceAll(/`[^`\n]*`(?!\])/g, (code) => code.replaceAll(/[[\]()]/g, ""));
}

/** The anchors of a page, as GitHub makes them. */
async function anchorsOf(path: string): Promise<readonly string[]> {
  const headings = [...(await readFile(path, "utf8")).replaceAll(/^```[\s\S]*?^```/gm, "").matchAll(/^#+ +(.+?) *$/gm)];
  return headings.map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
}

async function isDead(page: string, link: string): Promise<boolean> {
  const [path = "", anchor] = link.split("#");
  const target = path === "" ? page : resolve(dirname(page), path);
  if (!existsSync(target)) return true;
  return anchor !== undefined && target.endsWith(".md") && !(await anchorsOf(target)).includes(anchor);
}

async function linksOf(page: string): Promise<readonly string[]> {
  const links = [...(await proseOf(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
  return links.filter((link) => !/^[a-z]+:/.test(link));
}

describe("relative links", () => {
  test.each(pages)("of %s lead to a file or a heading", async (name) => {
    const page = join(ROOT, name);
    const links = await linksOf(page);
    const dead = await Promise.all(links.map((link) => isDead(page, link)));
    expect(links.filter((_link, index) => dead[index])).toEqual([]);
  });

  test("are found, and dead ones are told", async () => {
    expect(await linksOf(join(ROOT, "README.md"))).toContain("docs/configuration.md");
    expect(await isDead(join(ROOT, "README.md"), "docs/configuration.md")).toBe(false);
    expect(await isDead(join(ROOT, "README.md"), "docs/gone.md")).toBe(true);
    expect(await isDead(join(ROOT, "README.md"), "#start")).toBe(false);
    expect(await isDead(join(ROOT, "README.md"), "docs/engines.md#gone")).toBe(true);
  });

  test("of the README lead to every page of docs", async () => {
    const linked = new Set((await linksOf(join(ROOT, "README.md"))).map((link) => relative(ROOT, resolve(ROOT, link))));
    expect(pages.filter((page) => page.startsWith("docs/") && !linked.has(page))).toEqual([]);
  });
});
