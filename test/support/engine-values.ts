import fc from "fast-check";
import { setKey } from "../../engine/traversal.ts";
import { Archive, Asset, COMPUTED, OutputValue, type PropertyMap, ResourceReference, Secret, type Value } from "../../engine/values.ts";

/** Which special values an arbitrary may make, besides plain JSON. */
export interface ValueShape {
  readonly secrets: boolean;
  readonly unknowns: boolean;
  readonly outputs: boolean;
  /** Keys named `__proto__`; google-protobuf's maps cannot hold one.
   * @default false */
  readonly prototypeKeys?: boolean;
}

/** Arbitrary property bags, nested up to depth 4, with awkward keys and numbers. */
export function propertyMaps(shape: ValueShape = { secrets: true, unknowns: true, outputs: true }): fc.Arbitrary<PropertyMap> {
  const key = fc.oneof(
    fc.string({ maxLength: 8 }).filter((text) => text !== "__proto__"),
    fc.constantFrom("constructor", "value", "__provider", ...(shape.prototypeKeys === true ? ["__proto__"] : [])),
  );
  const { value } = fc.letrec<{ value: Value; map: PropertyMap }>((tie) => ({
    map: fc.array(fc.tuple(key, tie("value")), { maxLength: 5 }).map(fromEntries),
    value: fc.oneof(
      { maxDepth: 4, withCrossShrink: true },
      ...leaves(shape),
      fc.array(tie("value"), { maxLength: 4 }),
      tie("map"),
      ...wrappers(shape, tie("value")),
    ),
  }));
  return fc.array(fc.tuple(key, value), { maxLength: 6 }).map(fromEntries);
}

function fromEntries(entries: readonly (readonly [string, Value])[]): PropertyMap {
  const map: Record<string, Value> = {};
  for (const [key, value] of entries) setKey(map, key, value);
  return map;
}

function leaves(shape: ValueShape): fc.Arbitrary<Value>[] {
  const text = fc.string({ maxLength: 12 });
  return [
    text,
    fc.constant(null),
    fc.boolean(),
    fc.double({ noNaN: true }).map((number) => (number === 0 ? 0 : number)),
    fc.tuple(text, text).map(([hash, content]) => new Asset(hash, { text: content })),
    fc.tuple(text, text).map(([hash, path]) => new Archive(hash, { path })),
    fc.tuple(text, fc.option(fc.string({ minLength: 1 }), { nil: undefined })).map(([urn, id]) => new ResourceReference(urn, id)),
    ...(shape.unknowns ? [fc.constant(COMPUTED), text.map((urn) => new ResourceReference(urn, COMPUTED))] : []),
  ];
}

function wrappers(shape: ValueShape, inner: fc.Arbitrary<Value>): fc.Arbitrary<Value>[] {
  const outputs = fc
    .tuple(inner, fc.boolean(), fc.array(fc.string({ maxLength: 5 }), { maxLength: 2 }))
    .filter(([element]) => element !== COMPUTED)
    .map(([element, secret, dependencies]) => new OutputValue(element, secret, dependencies));
  return [...(shape.secrets ? [inner.map((element) => new Secret(element))] : []), ...(shape.outputs ? [outputs] : [])];
}
