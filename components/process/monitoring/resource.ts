/** What watches a bus on this machine, as one Pulumi resource. */
import * as pulumi from "@pulumi/pulumi";
import { monitoringProvider } from "./provider.ts";
import type { MonitoringInputs, WatcherName } from "./spec.ts";

/** Arguments of {@link Monitoring}; see {@link MonitoringInputs} for their meaning. */
export type MonitoringArgs = { readonly [Key in keyof MonitoringInputs]: pulumi.Input<MonitoringInputs[Key]> };

/**
 * The probe of a bus, and Prometheus and Alertmanager where they are installed, wired to each other: started, reloaded when their files change, and found again
 * after a crash of whatever started them. Deleting it ends the processes and removes what was collected.
 *
 * @example
 * const watchers = new Monitoring("bus-monitoring", planMonitoring(bus, credentials), { dependsOn: [cluster] });
 */
export class Monitoring extends pulumi.dynamic.Resource {
  /** Map keyed by process: where it is asked. */
  declare readonly urls: pulumi.Output<Readonly<Record<WatcherName, string>>>;
  /** Processes that ran when last looked at. */
  declare readonly running: pulumi.Output<readonly WatcherName[]>;

  constructor(name: string, args: MonitoringArgs, options: pulumi.CustomResourceOptions = {}) {
    const secretly = pulumi.mergeOptions(options, { additionalSecretOutputs: ["access"] });
    super(monitoringProvider, name, { urls: undefined, running: undefined, ...args }, secretly, "natsbus/process", "Monitoring");
  }
}
