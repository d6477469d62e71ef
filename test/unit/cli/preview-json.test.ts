import { describe, expect, test } from "vitest";
import { renderPreviewDocument } from "../../../cli/reporters/preview-json.ts";
import type { Json } from "../../../engine/events.ts";
import type { ResourceEntry } from "../../../engine/model.ts";
import type { RunStep } from "../../../engine/run-options.ts";
import { SIGNATURE_KEY, SIGNATURES, UNKNOWN } from "../../../engine/signatures.ts";
import { Asset, COMPUTED, OutputValue, ResourceReference, Secret } from "../../../engine/values.ts";
import { goldenNames, readGolden } from "../../support/golden-events.ts";

type GoldenStep = Record<string, Json> & { readonly oldState?: ResourceEntry; readonly newState?: ResourceEntry };

/** A recorded entry as the engine holds it: empty fields may be there. */
function entry(json: ResourceEntry | undefined): ResourceEntry | undefined {
  return json === undefined
    ? undefined
    : { dependencies: [], protect: false, ...json, inputs: json.inputs ?? {}, outputs: json.outputs ?? {} };
}

function runStep(step: GoldenStep): RunStep {
  const text = (key: string): string => (typeof step[key] === "string" ? (step[key] as string) : "");
  return {
    op: text("op") as RunStep["op"],
    urn: text("urn"),
    provider: text("provider"),
    oldState: entry(step.oldState),
    newState: entry(step.newState),
    diffReasons: (step["diffReasons"] ?? []) as readonly string[],
    replaceReasons: (step["replaceReasons"] ?? []) as readonly string[],
    detailedDiff: (step["detailedDiff"] ?? undefined) as RunStep["detailedDiff"],
    logical: true,
  };
}

const HIDDEN = [
  ["create-replacement", "urn:pulumi:dev::goldens::a:b:C::x"],
  ["delete-replaced", "urn:pulumi:dev::goldens::a:b:C::x"],
  ["same", "urn:pulumi:dev::goldens::a:b:C::leaf"],
  ["create", "urn:pulumi:dev::goldens::pulumi:providers:pulumi-nodejs::default"],
].map(([op, urn]) => runStep({ op: op as string, urn: urn as string }));

const recorded = goldenNames().flatMap((name) =>
  readGolden(name).flatMap((step, index) =>
    Array.isArray(step.preview?.["steps"]) ? [{ title: `${name}: ${index} ${step.step}`, preview: step.preview }] : [],
  ),
);

describe("preview documents of the recorded runs", () => {
  test.each(recorded)("$title", ({ preview }) => {
    const golden = preview as Record<string, Json>;
    const steps = (golden["steps"] as unknown as readonly GoldenStep[]).map(runStep);
    const result = { steps: [...HIDDEN, ...steps], resourceChanges: golden["changeSummary"] as Record<string, number>, durationMs: 2 };
    const diagnostics = (golden["diagnostics"] as unknown as { message: string; severity: "error"; urn?: string }[]).map((event) => ({
      ...event,
      color: "never" as const,
    }));
    const { duration, ...document } = renderPreviewDocument({
      config: (golden["config"] ?? {}) as Record<string, string>,
      result,
      diagnostics,
    });
    expect(duration).toBe(2_000_000);
    expect(document).toEqual(golden);
  });

  test("there are some", () => expect(recorded.length).toBeGreaterThan(20));
});

test("secrets, unknown values, assets and references in a document", () => {
  const inputs = {
    secret: new Secret({ deep: "hush" }),
    inside: { list: [new Secret("hush"), COMPUTED] },
    output: new OutputValue("hush", true, []),
    asset: new Asset("abc", { text: "content" }),
    reference: new ResourceReference("urn:x", COMPUTED),
  };
  const state: ResourceEntry = { urn: "urn:pulumi:dev::goldens::a:b:C::x", type: "a:b:C", custom: true, inputs, outputs: {} };
  const step: RunStep = { ...runStep({ op: "create", urn: state.urn }), newState: state };
  const document = renderPreviewDocument({ config: {}, result: { steps: [step], resourceChanges: {}, durationMs: 0 }, diagnostics: [] });
  expect(JSON.stringify(document)).not.toContain("hush");
  expect(document["steps"]).toMatchObject([
    {
      newState: {
        inputs: {
          secret: "[secret]",
          inside: { list: ["[secret]", UNKNOWN] },
          output: "[secret]",
          asset: { [SIGNATURE_KEY]: SIGNATURES.asset, hash: "abc", text: "content" },
          reference: { [SIGNATURE_KEY]: SIGNATURES.reference, urn: "urn:x", id: UNKNOWN },
        },
      },
    },
  ]);
});
