/** What watches an existing cluster, on the machine where `up` runs: the same processes as on the process target. */
import * as pulumi from "@pulumi/pulumi";
import { CANARY_USER } from "../monitoring-catalogue.ts";
import { Monitoring } from "../process/monitoring/resource.ts";
import { type ExistingWatched, planExistingWatch } from "./watch-plan.ts";

/** What is watched, and with what. */
interface ExistingWatch extends ExistingWatched {
  /** Map keyed by user name: path of its credentials file; without the canary's user the stack's own login publishes. */
  readonly credentials: pulumi.Input<Readonly<Record<string, string>>>;
}

/** Creates it. */
export function watchExisting(name: string, watch: ExistingWatch, options: pulumi.CustomResourceOptions): void {
  const probe = pulumi.output(watch.credentials).apply((files) => planExistingWatch(watch, files[CANARY_USER]).probe);
  const { directory, facts, choices, ports, access } = planExistingWatch(watch, undefined);
  // Only the probe is told the credentials: the rest is known in every preview.
  new Monitoring(name, { directory, facts, choices, ports, probe, access: pulumi.secret(access) }, options);
}
