import { expect, test } from "vitest";
import { assertApplicable } from "../../../cli/kubernetes-apply.ts";
import { readMaterial } from "../../../cli/kubernetes-material.ts";
import type { Snapshot } from "../../../engine/model.ts";
import { kubernetesBus } from "../../support/kubernetes-spec.ts";

const REQUEST = { kind: "up", contentsOnly: true, previewOnly: false, stack: "prod" } as const;

function snapshot(...types: readonly string[]): Snapshot {
  return { resources: types.map((type) => ({ urn: `urn:pulumi:prod::natsbus::${type}::x`, type, outputs: {} })) } as unknown as Snapshot;
}

function stackOn(target: string, ...types: readonly string[]) {
  return { project: "natsbus", config: { "natsbus:target": target }, snapshot: () => snapshot(...types) };
}

test.each([
  ["a target whose servers natsbus makes", "process", [], "ERR_USAGE", /leave it out/],
  ["objects in the state", "kubernetes", ["kubernetes:apps/v1:StatefulSet"], "ERR_SERVERS_APPLIED", /pulumi state delete/],
  ["a provider alone in the state", "kubernetes", ["pulumi:providers:kubernetes"], "ERR_SERVERS_APPLIED", /pulumi state delete/],
  ["containers in the state", "docker", ["docker:index/container:Container"], "ERR_SERVERS_APPLIED", /pulumi state delete/],
] as const)("--contents-only refuses %s", (...row) => {
  const [, target, types, code, remedy] = row;
  expect(() => assertApplicable(REQUEST, stackOn(target, ...types), true)).toThrow(
    expect.objectContaining({ code, remedy: expect.stringMatching(remedy) }),
  );
});

test("--contents-only takes a state that holds what lives inside the bus alone, and nothing else is looked at for other verbs", () => {
  expect(() => assertApplicable(REQUEST, stackOn("kubernetes", "pulumi-nodejs:dynamic/natsbus/streams:Stream"), true)).not.toThrow();
  expect(() => assertApplicable({ ...REQUEST, kind: "destroy" }, stackOn("kubernetes", "kubernetes:core/v1:Secret"), true)).not.toThrow();
});

test.each(["jwt", "config"])("files are never rendered open because the state lacks the users of auth.mode %s", (mode) => {
  const certificates = ["CertificateAuthority", "ServerCertificates"].map((name) => `pulumi-nodejs:dynamic/natsbus/tls:${name}`);
  const bus = kubernetesBus({ auth: { mode } });
  expect(() => readMaterial(snapshot(...certificates), bus)).toThrow(expect.objectContaining({ code: "ERR_NOT_UP" }));
  expect(readMaterial(snapshot(...certificates), kubernetesBus({ auth: { mode: "none" } })).identity).toEqual({ kind: "none" });
});
