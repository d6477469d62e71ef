/** The three classes of prom-client that the probe needs. Its main file also loads a cluster of processes, a push gateway and OpenTelemetry: several MB. */
import { createRequire } from "node:module";
import type * as promClient from "prom-client";

const load = createRequire(import.meta.url);

/** A set of metrics and their text. */
export const Registry = load("prom-client/lib/registry.js") as typeof promClient.Registry;
/** A number that only grows. */
export const Counter = load("prom-client/lib/counter.js") as typeof promClient.Counter;
/** Durations by bucket. */
export const Histogram = load("prom-client/lib/histogram.js") as typeof promClient.Histogram;
