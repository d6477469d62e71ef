import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isBusError } from "../../../core/errors.ts";
import { type Asset, consumerAsset, type Observed, observedConsumer, observedStream, streamAsset } from "../../../streams/asset.ts";
import { CONSUMER_FIELDS } from "../../../streams/consumer-fields.ts";
import { diffSpecs } from "../../../streams/diff.ts";
import type { FieldTable } from "../../../streams/field.ts";
import { STREAM_FIELDS } from "../../../streams/fields.ts";
import type { Policy } from "../../../streams/policy.ts";
import { nextStep, type Step } from "../../../streams/reconcile.ts";
import { consumerDialect, type Dialect, streamDialect } from "../../../streams/spec.ts";
import { writeConfig } from "../../../streams/wire.ts";
import { FakeStreamPort } from "../../contract/stream-port-fake.ts";
import { consumerArgs, streamArgs } from "./arbitrary.ts";

const owner = "p/s/x";
const PEERS = { clustered: false, replicas: [] };
const policies = fc.record<Policy>({
  deletionPolicy: fc.constantFrom("retain", "delete"),
  replacePolicy: fc.constantFrom("refuse", "migrate", "recreate"),
  adoptionPolicy: fc.constantFrom("never", "adopt"),
});
const streamState = {
  bytes: 100,
  firstSeq: 1,
  lastSeq: 9,
  firstTime: "2026-01-01T00:00:00Z",
  lastTime: "2026-01-02T00:00:00Z",
  created: "",
};
/** Fields of a server that is newer than this code; nothing about them is known. */
const future = fc.dictionary(fc.stringMatching(/^future_[a-z]{1,6}$/), fc.jsonValue(), { minKeys: 1, maxKeys: 3 });

interface Kind {
  readonly asset: Asset<object>;
  readonly fields: FieldTable;
  readonly dialect: Dialect<object, object>;
  readonly args: fc.Arbitrary<object>;
  /** The object of this value as servers would show it; it holds data when `isFilled`. */
  readonly observe: (spec: object, isFilled: boolean, extra?: object) => Observed<object>;
}

const KINDS = [
  [
    "stream",
    {
      asset: streamAsset,
      fields: STREAM_FIELDS,
      dialect: streamDialect,
      args: streamArgs,
      observe: (spec: object, isFilled: boolean, extra: object = {}) => {
        const config = { ...writeConfig(STREAM_FIELDS, spec as never, { owner }), ...extra };
        return observedStream({ ...streamState, config, messages: isFilled ? 9 : 0, consumers: 0, peers: PEERS });
      },
    },
  ],
  [
    "consumer",
    {
      asset: consumerAsset,
      fields: CONSUMER_FIELDS,
      dialect: consumerDialect,
      args: consumerArgs,
      observe: (spec: object, isFilled: boolean, extra: object = {}) => {
        const config = { ...writeConfig(CONSUMER_FIELDS, spec as never, { owner }), ...extra };
        const place = isFilled ? { delivered: 9, ackFloor: 7, pending: 3 } : { delivered: 0, ackFloor: 0, pending: 0 };
        return observedConsumer({ config, ...place, peers: PEERS }, (spec as { stream: string }).stream);
      },
    },
  ],
] as unknown as [string, Kind][];

/** The step, or that it was refused. */
function planned(kind: Kind, seen: Observed<object>, spec: object, policy: Policy): Step<object> | "refused" {
  try {
    return nextStep(kind.asset, seen, { spec, owner, policy, known: true });
  } catch (error) {
    if (isBusError(error) && error.code === "ERR_STREAM_IMMUTABLE") return "refused";
    throw error;
  }
}

describe.each(KINDS)("a plan for a %s", (_name, kind) => {
  const specs = kind.args.map((written) => kind.dialect.parse(written as Record<string, unknown>, "x").value);

  test("never loses what the policies protect, and never asks a server for what it refuses", () => {
    fc.assert(
      fc.property(specs, specs, policies, fc.boolean(), (was, want, policy, isFilled) => {
        const seen = kind.observe(was, isFilled);
        const step = planned(kind, seen, want, policy);
        if (step === "refused") return void expect(policy.replacePolicy).not.toBe("recreate");
        const change = diffSpecs(kind.fields, seen.spec, want);
        if (step.kind === "recreate") expect(policy.replacePolicy === "recreate" || seen.stake(want).loss === undefined).toBe(true);
        if (step.kind === "migrate") expect(policy.replacePolicy).toBe("migrate");
        if (step.kind !== "update") return;
        expect(diffSpecs(kind.fields, seen.spec, step.write?.spec ?? {}).kind).not.toBe("replace");
        const destroys = seen.stake(want).costs.some((cost) => cost.destroys && change.fields.some(({ key }) => key === cost.key));
        expect(destroys && policy.replacePolicy !== "recreate").toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  test("comes to its end: after its steps nothing is left to do", () => {
    fc.assert(
      fc.property(specs, specs, (was, want) => {
        const policy: Policy = { deletionPolicy: "retain", replacePolicy: "recreate", adoptionPolicy: "never" };
        let seen = kind.observe(was, true);
        for (let steps = 0; steps < 5; steps++) {
          const step = planned(kind, seen, want, policy);
          if (step === "refused") throw new Error("refused");
          if (step.kind === "none") return;
          seen = kind.observe(step.write?.spec ?? {}, false);
        }
        throw new Error("it does not end");
      }),
    );
  });

  test("an update keeps every field that only a newer server knows", () => {
    fc.assert(
      fc.property(specs, specs, future, (was, want, unknown) => {
        const step = planned(kind, kind.observe(was, false, unknown), want, {
          deletionPolicy: "retain",
          replacePolicy: "refuse",
          adoptionPolicy: "never",
        });
        if (step !== "refused" && step.kind === "update") expect(step.write?.unknown).toEqual(unknown);
      }),
    );
  });
});

test("an update keeps parts of placements, sources and the like that only a newer server knows", async () => {
  const port = new FakeStreamPort();
  const sources = [{ name: "A", future_part: { deep: [1] } }];
  await port.createStream({
    config: { name: "S", subjects: ["s"], num_replicas: 1, duplicate_window: 120e9, sources, placement: { tags: ["x"], future: 1 } },
    level: 0,
  });
  const { value } = streamDialect.parse(
    { name: "S", subjects: ["s"], replicas: 1, sources: [{ name: "A" }], placement: { tags: ["x"] }, description: "new" },
    "S",
  );
  const seen = await streamAsset.observe(port, value);
  const step = nextStep(streamAsset, seen, {
    spec: value,
    owner,
    policy: { deletionPolicy: "retain", replacePolicy: "refuse", adoptionPolicy: "adopt" },
    known: true,
  });
  expect(step.kind).toBe("update");
  await streamAsset.update(port, step.write!);
  expect(port.streams.get("S")?.config).toMatchObject({ description: "new", sources, placement: { tags: ["x"], future: 1 } });
});
