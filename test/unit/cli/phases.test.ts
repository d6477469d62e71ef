import { expect, test } from "vitest";
import { createPhaseClock, phaseOf } from "../../../cli/phases.ts";
import type { EngineEvent, StepOp } from "../../../engine/events.ts";

const PREFIX = "urn:pulumi:dev::natsbus::";

function event(kind: "resourcePreEvent" | "resOutputsEvent", type: string, op: StepOp = "create"): EngineEvent {
  const metadata = {
    op,
    urn: `${PREFIX}${type}::x`,
    type,
    old: null,
    new: null,
    keys: null,
    diffs: null,
    detailedDiff: null,
    provider: "",
  };
  return { sequence: 0, timestamp: 0, [kind]: { metadata } } as unknown as EngineEvent;
}

test("a phase is the time in which at least one of its resources is worked on", () => {
  let now = 0;
  const clock = createPhaseClock(() => now);
  const at = (ms: number, action: () => void): void => {
    now = ms;
    action();
  };
  const dynamic = "pulumi-nodejs:dynamic/natsbus/";
  at(5, () => clock.mark("provider host", "begin"));
  at(600, () => clock.onEvent(event("resourcePreEvent", "pulumi:pulumi:Stack")));
  at(900, () => clock.mark("provider host", "end"));
  at(950, () => clock.onEvent(event("resourcePreEvent", `${dynamic}accounts:Operator`)));
  at(960, () => clock.onEvent(event("resourcePreEvent", `${dynamic}tls:CertificateAuthority`)));
  at(990, () => clock.onEvent(event("resOutputsEvent", `${dynamic}accounts:Operator`)));
  at(1000, () => clock.onEvent(event("resOutputsEvent", `${dynamic}tls:CertificateAuthority`)));
  at(1010, () => clock.onEvent(event("resourcePreEvent", `${dynamic}process:Cluster`)));
  at(1500, () => clock.onEvent(event("resOutputsEvent", `${dynamic}process:Cluster`)));
  at(1600, () => clock.onEvent(event("resourcePreEvent", `${dynamic}streams:Stream`, "same")));
  at(1700, () => clock.onEvent(event("resourcePreEvent", `${dynamic}accounts:Account`)));
  at(1710, () => clock.onEvent(event("resOutputsEvent", `${dynamic}accounts:Account`)));
  expect(clock.phases()).toEqual([
    { name: "program start", fromMs: 0, busyMs: 600 },
    { name: "provider host", fromMs: 5, busyMs: 895 },
    { name: "identity", fromMs: 950, busyMs: 60 },
    { name: "servers", fromMs: 1010, busyMs: 490 },
  ]);
});

test("only natsbus resources have a phase", () => {
  expect(phaseOf("pulumi-nodejs:dynamic/natsbus/streams:KeyValue")).toBe("streams");
  expect(phaseOf("pulumi-nodejs:dynamic/other:Stream")).toBeUndefined();
  expect(phaseOf("natsbus:components:MessageBus")).toBeUndefined();
});
