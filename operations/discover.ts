/** Finds out what a running cluster holds, for a catalogue that takes it over. */
import type { ConnectionSpec } from "../core/connection.ts";
import { openStreamPort } from "../streams/nats-port.ts";
import { type DescribedBus, describeBus } from "./describe.ts";
import { observeBus } from "./live-bus.ts";

/**
 * Describes streams, durable consumers, key-value buckets and object stores of an account. Writes nothing.
 * @throws what connecting and listing throw
 */
export async function discoverBus(connection: ConnectionSpec): Promise<DescribedBus> {
  return describeBus(await observeBus(await openStreamPort(connection)));
}
