import { expect, test } from "vitest";
import { renderComparisonMarkdown, renderPreviewMarkdown } from "../../../cli/reporters/preview-markdown.ts";

const URN = "urn:pulumi:prod::natsbus::kubernetes:apps/v1:StatefulSet::bus-statefulset-nats";
const state = (inputs: object) => ({ type: "kubernetes:apps/v1:StatefulSet", inputs: inputs as never });

test("a preview tells counts, what is at stake, and every field", () => {
  const text = renderPreviewMarkdown("prod", {
    changeSummary: { update: 1, same: 9 },
    steps: [
      { op: "same", urn: "urn:pulumi:prod::natsbus::pulumi:pulumi:Stack::natsbus-prod", newState: { type: "pulumi:pulumi:Stack" } },
      {
        op: "update",
        urn: URN,
        oldState: state({ spec: { replicas: 3 } }),
        newState: state({ spec: { replicas: 5 } }),
        notes: ["start of 2 servers"],
      },
    ],
    diagnostics: [
      { severity: "warning", message: "cluster.servers: use an odd number\n" },
      { severity: "info", message: "hello" },
    ],
  });
  expect(text).toContain("### Preview of `prod`: 1 to update");
  expect(text).toContain(
    "- **service**: servers are added; streams do not move to them by themselves (`kubernetes:apps/v1:StatefulSet bus-statefulset-nats`)",
  );
  expect(text).toContain("- start of 2 servers");
  expect(text).toContain("```diff\n- spec.replicas: 3\n+ spec.replicas: 5\n```");
  expect(text).toContain("warning: cluster.servers: use an odd number");
  expect(text).not.toContain("hello");
});

test("a preview without changes says so", () => {
  expect(renderPreviewMarkdown("dev", { changeSummary: { same: 3 }, steps: [] })).toBe("### Preview of `dev`: no changes\n");
});

test("values cannot break out of their fence, and names not out of their summary", () => {
  const text = renderPreviewMarkdown("dev", {
    changeSummary: { update: 1 },
    steps: [{ op: "update", urn: "a::b::c::x<img>", oldState: state({ a: "x" }), newState: state({ a: "```\n<script>" }) }],
  });
  expect(text).toContain("````diff");
  expect(text).not.toContain("<img>");
});

test("a comment never grows beyond what GitHub takes", () => {
  const steps = Array.from({ length: 3000 }, (_, index) => ({ op: "create", urn: `a::b::c::resource-${index}`, newState: state({}) }));
  const text = renderPreviewMarkdown("dev", { changeSummary: { create: 3000 }, steps });
  expect(text.length).toBeLessThan(65_536);
  expect(text).toContain("more sections do not fit");
});

test("a comparison tells settings with what they ask of the servers", () => {
  const text = renderComparisonMarkdown("prod", {
    objects: [{ kind: "Namespace", name: "a", op: "delete", leaves: [], risks: [{ level: "data", text: "all gone" }] }],
    settings: [{ path: "jetstream.domain", action: "restart", why: "read at start", before: undefined, after: "hub|1" }],
  });
  expect(text).toContain("### Rendered files of `prod`: 1 objects and 1 server settings change");
  expect(text).toContain("#### Server configuration: a rolling restart, one server at a time");
  expect(text).toContain('| `jetstream.domain` |  | `"hub\\|1"` | read at start |');
  expect(text).toContain("- **data**: all gone (`Namespace a`)");
  expect(renderComparisonMarkdown("prod", { objects: [], settings: [] })).toBe("### Rendered files of `prod`: no changes\n");
});
