import { describe, expect, test } from "vitest";
import type { ClusterInputs } from "../../../../components/process/cluster-spec.ts";
import { refuseChange } from "../../../../components/process/refusals.ts";
import { CLUSTER_INPUTS, nodesOf } from "./inputs.ts";

const THREE = CLUSTER_INPUTS;

describe("a change of the cluster", () => {
  test.each<[string, Partial<ClusterInputs>, string[]]>([
    ["is free to touch nothing", {}, []],
    ["may add servers", { nodes: nodesOf(5) }, []],
    [
      "may move client and monitor ports",
      { nodes: nodesOf(3).map((node) => ({ ...node, ports: { ...node.ports, client: 1, monitor: 2 } })) },
      [],
    ],
    [
      "may not move route ports",
      { nodes: nodesOf(3).map((node, index) => ({ ...node, ports: { ...node.ports, route: index === 0 ? 3 : node.ports.route } })) },
      ["ERR_CLUSTER_IDENTITY"],
    ],
    ["may not take servers away", { nodes: nodesOf(2) }, ["ERR_SCALE_DOWN"]],
    ["may not rename the cluster", { settings: { ...THREE.settings, cluster: { name: "other" } } }, ["ERR_CLUSTER_IDENTITY"]],
    [
      "may not move its folders",
      { nodes: nodesOf(3).map((node) => ({ ...node, directory: `else/${node.name}` })) },
      ["ERR_CLUSTER_IDENTITY", "ERR_CLUSTER_IDENTITY", "ERR_CLUSTER_IDENTITY"],
    ],
    [
      "may not rename a server",
      { nodes: nodesOf(3).map((node, index) => (index === 1 ? { ...node, name: "x" } : node)) },
      ["ERR_CLUSTER_IDENTITY"],
    ],
  ])("%s", (_title, change, refused) => {
    const refusals = refuseChange(THREE, { ...THREE, ...change });
    expect(refusals.map(({ reason }) => /\[(\w+)\]$/.exec(reason)?.[1])).toEqual(refused);
  });

  test("may not make a lone server one of three: its streams would be removed", () => {
    const [refusal] = refuseChange({ ...THREE, nodes: nodesOf(1) }, THREE);
    expect(refusal?.reason).toContain("a lone server cannot become one of 3");
  });
});
