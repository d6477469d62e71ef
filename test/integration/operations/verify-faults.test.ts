/** A check that cannot fail is worthless: each fault is planted, and the check must tell it; without it the check must pass. */
import { describe, expect, test } from "vitest";
import { FAULTS, runWithFault } from "../../support/verify-faults.ts";

describe("the suite tells", () => {
  test.each(FAULTS)("%s/%s: %s", { timeout: 120_000 }, async (...[section, name, , fault, words]) => {
    const outcome = await runWithFault(section, name, fault);
    expect(outcome.status, outcome.detail).toBe("failed");
    expect(outcome.detail).toMatch(words);
  });

  test.each(FAULTS)("no failure of %s/%s without a fault", { timeout: 120_000 }, async (...[section, name]) => {
    const { status, detail } = await runWithFault(section, name, {});
    expect(status, detail).not.toBe("failed");
  });
});
