/** What is declared against what is there, without any state. */
import { partNames } from "../components/part-names.ts";
import type { ResolvedBus } from "../components/resolve.ts";
import type { ConnectionSpec } from "../core/connection.ts";
import { openStreamPort } from "../streams/nats-port.ts";
import { type Comparison, compareBus, type Owners } from "./compare.ts";
import { observeBus } from "./live-bus.ts";

/** What to compare with what. */
export interface DiffRequest {
  /** The bus as catalogues and stack file declare it. */
  readonly bus: Pick<ResolvedBus, "streams"> & { readonly spec: Pick<ResolvedBus["spec"], "project" | "stack"> };
  /** Name of the bus resource; the markers of its parts are made from it.
   * @default "bus" */
  readonly name?: string;
  /** A user that may use the JetStream API of the account. */
  readonly connection: ConnectionSpec;
}

/**
 * Compares streams, consumers, buckets and stores with those of a running cluster. Writes nothing.
 * @throws what connecting and listing throw
 */
export async function diffBus({ bus, name = "bus", connection }: DiffRequest): Promise<Comparison> {
  const consumers = bus.streams.consumers.map(({ args }) => args);
  const live = await observeBus(await openStreamPort(connection), consumers);
  return compareBus(bus.streams, live, ownersOf(`${bus.spec.project}/${bus.spec.stack}`, name));
}

function ownersOf(place: string, bus: string): Owners {
  const names = partNames(bus);
  return {
    stream: (args) => `${place}/${names.stream(args)}`,
    consumer: (args) => `${place}/${names.consumer(args)}`,
    keyValue: (args) => `${place}/${names.keyValue(args)}`,
    objectStore: (args) => `${place}/${names.objectStore(args)}`,
  };
}
