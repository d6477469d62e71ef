import { describe, expect, test } from "vitest";
import { compareFiles } from "../../../../components/kubernetes/compare.ts";
import { leafChanges } from "../../../../components/kubernetes/leaf-changes.ts";
import { planKubernetes } from "../../../../components/kubernetes/plan.ts";
import { renderKubernetes } from "../../../../components/kubernetes/render.ts";
import { changeRisks } from "../../../../components/kubernetes/risk.ts";
import { fakeMaterial, kubernetesSpec, type StackBlocks } from "../../../support/kubernetes-spec.ts";

function files(blocks: StackBlocks = {}, secrets: "plain" | "none" = "none") {
  const spec = kubernetesSpec(blocks);
  return renderKubernetes(spec, planKubernetes(spec), { secrets, material: fakeMaterial(spec) });
}

describe("leaves that differ", () => {
  test("are named by the names of list entries, and by number where there are none", () => {
    const before = {
      a: [
        { name: "x", v: 1 },
        { name: "y", v: 2 },
      ],
      b: [1, 2],
      c: { d: "e" },
    };
    const after = { a: [{ name: "y", v: 2 }, { name: "x", v: 3 }, { name: "z" }], b: [1], c: { d: "e" }, f: true };
    expect(leafChanges(before, after)).toEqual([
      { path: "a[x].v", before: 1, after: 3 },
      { path: "a[z].name", before: undefined, after: "z" },
      { path: "b[1]", before: 2, after: undefined },
      { path: "f", before: undefined, after: true },
    ]);
  });

  test("are none between equal values", () => {
    expect(leafChanges({ a: [{ b: {} }] }, { a: [{ b: {} }] })).toEqual([]);
  });
});

describe("compared files", () => {
  test("of the same bus do not differ, with Secrets or without", () => {
    expect(compareFiles(files(), files())).toEqual({ objects: [], settings: [] });
    expect(compareFiles(files({}, "plain"), files())).toEqual({ objects: [], settings: [] });
  });

  test("tell objects that come and go", () => {
    const { objects } = compareFiles(files(), files({ kubernetes: { toolbox: { enabled: true }, disruptionBudget: false } }));
    expect(objects.map(({ op, kind, name }) => `${op} ${kind} ${name}`)).toEqual([
      "create Deployment nats-box",
      "create NetworkPolicy nats-toolbox",
      "delete PodDisruptionBudget nats",
    ]);
  });

  test("tell what a changed setting asks of the servers", () => {
    const { settings } = compareFiles(files(), files({ logging: { level: "debug" }, jetstream: { domain: "hub" } }));
    expect(settings.map(({ path, action, before, after }) => [path, action, before, after])).toEqual([
      ["jetstream.domain", "restart", undefined, "hub"],
      ["debug", "reload", false, true],
    ]);
  });

  test("never show a password of the server configuration", () => {
    const accounts = { APP: { users: [{ user: "u", password: "hush" }] } };
    const text = JSON.stringify(files({ auth: { mode: "none" }, serverConfig: { accounts } }));
    expect(text).not.toContain("hush");
    expect(text).toContain("(hidden)");
  });
});

describe("what is at stake", () => {
  const leaf = (path: string, before: unknown, after: unknown) => [{ path, before, after }];
  test.each([
    ["StatefulSet", "update", leaf("spec.replicas", 3, 2), "data"],
    ["StatefulSet", "update", leaf("spec.replicas", 3, 5), "service"],
    ["StatefulSet", "update", leaf("spec.template.spec.containers[nats].image", "a", "b"), "service"],
    ["StatefulSet", "update", leaf("spec.serviceName", "a", "b"), "service"],
    ["StatefulSet", "update", leaf("spec.persistentVolumeClaimRetentionPolicy.whenDeleted", "Retain", "Delete"), "data"],
    ["StatefulSet", "update", leaf("spec.persistentVolumeClaimRetentionPolicy.whenDeleted", "Delete", "Retain"), "none"],
    ["StatefulSet", "delete", [], "data"],
    ["Namespace", "delete", [], "data"],
    ["Service", "update", leaf("spec.type", "ClusterIP", "LoadBalancer"), "service"],
    ["NetworkPolicy", "delete", [], "service"],
    ["Secret", "update", leaf("data.x", "a", "b"), "none"],
  ] as const)("%s %s %j: %s", (...row) => {
    const [kind, op, leaves, level] = row;
    expect(changeRisks({ kind, op, leaves })[0]?.level).toBe(level);
  });

  test("is nothing for a label", () => {
    expect(changeRisks({ kind: "StatefulSet", op: "update", leaves: leaf("metadata.labels.team", "a", "b") })).toEqual([]);
  });

  test("is told worst first and once", () => {
    const leaves = [...leaf("spec.template.a", 1, 2), ...leaf("spec.template.b", 1, 2), ...leaf("spec.replicas", 3, 1)];
    expect(changeRisks({ kind: "StatefulSet", op: "update", leaves }).map(({ level }) => level)).toEqual(["data", "service"]);
  });
});
