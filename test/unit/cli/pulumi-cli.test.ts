import { describe, expect, test } from "vitest";
import type { DeployRequest } from "../../../cli/deploy-request.ts";
import { pulumiArguments, pulumiEnvironment } from "../../../cli/pulumi-cli.ts";

const BASE: DeployRequest = {
  ...{ kind: "up", previewOnly: false, stack: "dev", yes: false, skipPreview: false, diff: false, json: false, refresh: false },
  ...{ continueOnError: false, expectNoChanges: false, clearPendingCreates: false, color: "auto" },
};
const ALL: Partial<DeployRequest> = {
  ...{ yes: true, skipPreview: true, diff: true, json: true, refresh: true, parallel: 3, continueOnError: true, expectNoChanges: true },
  ...{ clearPendingCreates: true, message: "why", color: "never" },
};

describe("pulumiArguments", () => {
  test.each<[string, Partial<DeployRequest>]>([
    ["up --stack dev --color auto", {}],
    ["up --stack dev --yes --color auto", { yes: true }],
    [
      "up --stack dev --yes --skip-preview --diff --json --refresh --expect-no-changes --continue-on-error --parallel 3 --message why --color never",
      ALL,
    ],
    [
      "preview --stack dev --diff --json --refresh --expect-no-changes --parallel 3 --message why --color never",
      { ...ALL, previewOnly: true },
    ],
    [
      "refresh --stack dev --yes --skip-preview --diff --json --expect-no-changes --clear-pending-creates --parallel 3 --message why --color never",
      { ...ALL, kind: "refresh" },
    ],
    [
      "destroy --stack dev --yes --skip-preview --diff --json --refresh --continue-on-error --parallel 3 --message why --color never",
      { ...ALL, kind: "destroy" },
    ],
    ["destroy --stack dev --preview-only --color auto", { kind: "destroy", previewOnly: true }],
  ])("%s", (line, change) => {
    expect(pulumiArguments({ ...BASE, ...change }).join(" ")).toBe(line);
  });
});

describe("pulumiEnvironment", () => {
  const place = { projectRoot: "/p", backendUrl: "file:///p/.natsbus/state", passphraseFile: "/p/.natsbus/passphrase" };

  test("names the backend, the passphrase file and our own Node", () => {
    const env = pulumiEnvironment(place, { PATH: "/bin" });
    expect(env).toMatchObject({ PULUMI_BACKEND_URL: "file:///p/.natsbus/state", PULUMI_CONFIG_PASSPHRASE_FILE: "/p/.natsbus/passphrase" });
    expect(env["PATH"]?.split(":")).toEqual([process.execPath.replace(/\/[^/]+$/, ""), "/bin"]);
  });

  test.each([{ PULUMI_CONFIG_PASSPHRASE: "" }, { PULUMI_CONFIG_PASSPHRASE_FILE: "/own" }])(
    "leaves the user's own passphrase alone: %j",
    (own) => {
      const env = pulumiEnvironment(place, own);
      expect({ ...env, ...own }).toEqual(env);
      expect("PULUMI_CONFIG_PASSPHRASE_FILE" in env).toBe("PULUMI_CONFIG_PASSPHRASE_FILE" in own);
    },
  );
});
