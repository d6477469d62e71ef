import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { alertCatalog } from "../../../observability/rules/plan.ts";

const text = readFileSync(new URL("../../../docs/runbooks.md", import.meta.url), "utf8");
const headings = [...text.matchAll(/^### (\S+)$/gm)].map(([, name = ""]) => name);

test("every alert has one section, and every section an alert", () => {
  expect([...headings].sort()).toEqual([...new Set(alertCatalog().map(({ alert }) => alert))].sort());
});

test("sections say something, and links lead to sections", () => {
  for (const section of text.split(/^### /m).slice(1)) expect(section.length, section.slice(0, 40)).toBeGreaterThan(150);
  const anchors = headings.map((name) => name.toLowerCase());
  const links = [...text.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor = ""]) => anchor);
  expect(links.filter((anchor) => !anchors.includes(anchor))).toEqual([]);
});
