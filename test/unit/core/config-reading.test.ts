import fc from "fast-check";
import { expect, test } from "vitest";
import { serverConfig } from "../../../components/kubernetes/server-files.ts";
import { readConfigText } from "../../../core/config-reading.ts";
import { type ConfigBlock, ConfigVariable, renderConfigText } from "../../../core/config-text.ts";
import { serverConfigTree } from "../../../core/server-config.ts";
import { fakeMaterial, KITCHEN_SINK, kubernetesSpec } from "../../support/kubernetes-spec.ts";

const { block } = fc.letrec<{ value: unknown; block: ConfigBlock }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.string({ unit: "grapheme-ascii" }),
    fc.integer(),
    fc.boolean(),
    fc.constant(new ConfigVariable("NAME")),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("block"),
  ),
  block: fc.dictionary(fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 12 }), tie("value"), {
    maxKeys: 4,
  }) as fc.Arbitrary<ConfigBlock>,
}));

test("reads back whatever natsbus writes", () => {
  fc.assert(
    fc.property(block, (tree) => {
      expect(readConfigText(renderConfigText(tree))).toEqual({ ...tree });
    }),
    { numRuns: 300 },
  );
});

test("reads back a whole server configuration", () => {
  const spec = kubernetesSpec(KITCHEN_SINK);
  const tree = serverConfigTree(serverConfig(spec, "bus-0", fakeMaterial(spec)));
  expect(renderConfigText(readConfigText(renderConfigText(tree)))).toBe(renderConfigText(tree));
});

test("refuses a line that natsbus does not write", () => {
  expect(() => readConfigText("listen = 4222")).toThrow(/"listen = 4222" is no line that natsbus writes/);
});
