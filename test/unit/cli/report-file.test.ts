import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { assertWritable, writeReport } from "../../../cli/report-file.ts";

const folder = mkdtempSync(join(tmpdir(), "natsbus-report-"));
const refused = expect.objectContaining({ code: "ERR_REPORT_FILE" });

afterAll(() => rmSync(folder, { recursive: true }));

describe("a file for a result", () => {
  it("is refused before the work when it cannot be written, and not made by asking", () => {
    expect(() => assertWritable(join(folder, "none", "a.xml"))).toThrow(refused);
    expect(() => assertWritable(undefined, folder)).toThrow(refused);
    assertWritable(undefined, join(folder, "a.xml"));
    expect(readdirSync(folder)).toEqual([]);
  });

  it("is written, also over an older one", () => {
    const file = join(folder, "b.xml");
    for (const text of ["one", "two"]) {
      assertWritable(file);
      writeReport(file, text);
      expect(readFileSync(file, "utf8")).toBe(text);
    }
    expect(() => writeReport(join(folder, "none", "a.xml"), "")).toThrow(refused);
  });
});
