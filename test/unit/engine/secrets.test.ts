import { describe, expect, it } from "vitest";
import { createSecrets, openSecrets } from "../../../engine/secrets.ts";

// Published with Pulumi's own tests of its passphrase secrets.
const KNOWN = {
  salt: "v1:fozI5u6B030=:v1:F+6ZduKKd8G0/V7L:PGMFeIzwobWRKmEAzUdaQHqC5mMRIQ==",
  passphrase: "password",
};

describe("secrets kept with a passphrase", () => {
  it("opens a stack that Pulumi made", async () => {
    const secrets = await openSecrets(KNOWN.salt, KNOWN.passphrase);
    expect(secrets.decrypt(KNOWN.salt.split(":").slice(2).join(":"))).toBe("pulumi");
  });

  it("gives back what it encrypted, also in a later run", async () => {
    const made = await createSecrets("");
    const ciphertext = made.encrypt("héllo");
    expect(ciphertext).toMatch(/^v1:[\w+/=]{16}:[\w+/=]+$/);
    const opened = await openSecrets(made.salt, "");
    expect(opened.decrypt(ciphertext)).toBe("héllo");
    expect(opened.encrypt("héllo")).toBe(ciphertext);
    expect(opened.encrypt("other")).not.toBe(opened.encrypt("another"));
  });

  it("refuses a wrong passphrase, a damaged salt and a changed ciphertext, each with its code", async () => {
    await expect(openSecrets(KNOWN.salt, "wrong")).rejects.toMatchObject({ code: "ERR_PASSPHRASE_WRONG" });
    await expect(openSecrets("v2:x", "password")).rejects.toMatchObject({ code: "ERR_SECRETS_PROVIDER" });
    const secrets = await createSecrets("x");
    const ciphertext = secrets.encrypt("text");
    const changed = `${ciphertext.slice(0, -6)}${ciphertext.at(-6) === "A" ? "B" : "A"}${ciphertext.slice(-5)}`;
    for (const bad of [changed, "text", "v1:AAAA:AAAA", ""]) {
      expect(() => secrets.decrypt(bad)).toThrow(expect.objectContaining({ code: "ERR_STATE_CORRUPT" }));
    }
  });
});
