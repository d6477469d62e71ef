import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { planKubernetes } from "../../../../components/kubernetes/plan.ts";
import { FILE_MARK, renderKubernetes, type SecretsMode } from "../../../../components/kubernetes/render.ts";
import type { BusSpec } from "../../../../core/bus-spec.ts";
import { emptyBus } from "../../../support/host-bus.ts";
import { fakeMaterial, KITCHEN_SINK, kubernetesSpec, stackFile } from "../../../support/kubernetes-spec.ts";

function render(spec: BusSpec, secrets: SecretsMode = "plain") {
  return renderKubernetes(emptyBus(spec), planKubernetes(spec), { secrets, material: fakeMaterial(spec) });
}

describe("rendered files", () => {
  test.each([
    ["dev", kubernetesSpec({ ...stackFile("dev"), target: "kubernetes" }, "dev")],
    ["prod", kubernetesSpec(stackFile("prod"), "prod")],
    ["kitchen-sink", kubernetesSpec(KITCHEN_SINK, "sink")],
  ])("%s looks as it did", async (name, spec) => {
    const text = render(spec).map((file) => `# file: ${file.name}\n${file.text}`);
    await expect(text.join("---\n")).toMatchFileSnapshot(`../../../fixtures/kubernetes/${name}.yaml`);
  });

  test("hold one object each, in the order they can be applied", () => {
    const files = render(kubernetesSpec(KITCHEN_SINK));
    const kinds = files.map(({ text }) => (parse(text) as { kind: string }).kind);
    expect(kinds[0]).toBe("Namespace");
    expect(kinds.indexOf("StatefulSet")).toBeGreaterThan(kinds.lastIndexOf("Secret"));
    expect(kinds.lastIndexOf("ServiceAccount")).toBeLessThan(kinds.indexOf("Secret"));
    expect(new Set(files.map(({ name }) => name)).size).toBe(files.length);
    for (const { text } of files) expect(text.startsWith(`${FILE_MARK}\n`)).toBe(true);
  });

  test("are the same bytes each time, and without a time", () => {
    const [first, second] = [1, 2].map(() => render(kubernetesSpec(KITCHEN_SINK)));
    expect(first).toEqual(second);
    expect(JSON.stringify(first)).not.toMatch(/creationTimestamp|20\d\d-\d\d-\d\dT/);
  });

  test("quote words that old readers take for something else", () => {
    const scaler = render(kubernetesSpec(KITCHEN_SINK)).find(({ name }) => name.includes("verticalpodautoscaler"));
    expect(scaler?.text).toContain('updateMode: "Off"');
  });

  test("without Secrets hold no content of any", () => {
    const text = JSON.stringify(render(kubernetesSpec(KITCHEN_SINK), "none"));
    expect(text).not.toContain("kind: Secret\\n");
    expect(text).not.toContain(Buffer.from("SECRET").toString("base64"));
  });

  test("refer to a store instead, and change when the content does", () => {
    const spec = kubernetesSpec({ kubernetes: { secretStore: { name: "vault" } } });
    const digest = (material: ReturnType<typeof fakeMaterial>) => {
      const files = renderKubernetes(emptyBus(spec), planKubernetes(spec), { secrets: "sealed-reference", material });
      const file = files.find(({ name }) => name === "2-externalsecret-nats-tls.yaml");
      return parse(file?.text ?? "") as { metadata: { annotations: Record<string, string> }; spec: object };
    };
    const before = digest(fakeMaterial(spec));
    const after = digest({ ...fakeMaterial(spec), authority: "ANOTHER\n" });
    expect(before.spec).toEqual({
      refreshInterval: "1h",
      secretStoreRef: { name: "vault", kind: "ClusterSecretStore" },
      target: { name: "nats-tls", creationPolicy: "Owner" },
      dataFrom: [{ extract: { key: "natsbus-test/nats-tls" } }],
    });
    expect(before.metadata.annotations["natsbus/content-digest"]).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(after.metadata.annotations).not.toEqual(before.metadata.annotations);
  });

  test("need a store to refer to", () => {
    expect(() => render(kubernetesSpec(), "sealed-reference")).toThrow(/secretStore\.name/);
  });
});
