/** A healthy bus as series of a promtool test, made from the recorded scrapes, and the faults that tests bring into it. */

import { metricRelabeling } from "../../../observability/relabeling.ts";
import { PROBE_METRICS } from "../../../observability/scrape-contract.ts";
import { EXAMPLE_BUS } from "../../unit/observability/example-bus.ts";
import { recorded, relabel, type Sample, seriesText } from "../../unit/observability/scrapes.ts";

/** A series with its values over time, in promtool's notation. */
export interface TestSeries extends Omit<Sample, "value"> {
  readonly values: string;
}

/** Labels by name. */
type Labels = Readonly<Record<string, string>>;

/** A change of a healthy bus. */
export type Fault = (series: readonly TestSeries[]) => TestSeries[];

/** Seconds between samples. */
export const STEP = 30;
/** Samples before a fault begins. */
export const LEAD = 10;
/** Seconds before a fault begins. */
export const BEGIN = LEAD * STEP;
// Stand for the number of samples until a test ends, which the test alone knows.
const REST = "$REST";
const ALL = "$ALL";

const SERVERS = ["bus-1", "bus-2", "bus-3"];
const BUS = { nats_cluster: "bus" };

/** The same value all the time. */
export const steady = (value: number | string): string => `${value}+0x${ALL}`;
/** One value before the fault, another from then on. */
export const jump = (before: number | string, after: number | string): string => `${before}+0x${LEAD - 1} ${after}+0x${REST}`;
/** Growing by `step` every sample from the start. */
export const growing = (first: number, step: number): string => `${first}+${step}x${ALL}`;
/** Growing until the fault, then standing still. */
export const halting = (first: number, step: number): string => `${first}+${step}x${LEAD - 1} ${first + step * (LEAD - 1)}+0x${REST}`;
/** Standing still until the fault, then growing. */
export const starting = (value: number, step: number): string => `${value}+0x${LEAD - 1} ${value}+${step}x${REST}`;
/** A fault of so many samples, then as before. */
export const blip = (before: number | string, after: number | string, samples: number): string =>
  `${before}+0x${LEAD - 1} ${after}+0x${samples - 1} ${before}+0x${REST}`;
/** Not there before the fault. */
const appearing = (value: number | string): string => `_x${LEAD} ${value}+0x${REST}`;

/** Gives series other values. Fails when there is no such series, so that a test cannot pass by a misspelt name. */
export function set(metric: string | RegExp, where: Labels, values: string | ((healthy: string) => string)): Fault {
  return (series) => {
    const hit = (candidate: TestSeries): boolean => matches(candidate, metric, where);
    if (!series.some(hit)) throw new Error(`no series ${String(metric)} ${JSON.stringify(where)}`);
    return series.map((one) => (hit(one) ? { ...one, values: typeof values === "string" ? values : values(one.values) } : one));
  };
}

/** Takes series out of the scrape when the fault begins. */
export function vanish(metric: string | RegExp, where: Labels = {}): Fault {
  return set(metric, where, (healthy) => `${untilFault(healthy)} stale`);
}

/** Brings a series that a healthy bus does not have. */
export function add(name: string, labels: Labels, values: string): Fault {
  return (series) => [...series, { name, labels: { ...BUS, ...labels }, values }];
}

/** Series go on under another label value, as when a leader changes. */
export function relabelled(metric: string | RegExp, where: Labels, labels: Labels): Fault {
  return (series) => [
    ...vanish(metric, where)(series),
    ...series
      .filter((one) => matches(one, metric, where))
      .map((one) => ({ ...one, labels: { ...one.labels, ...labels }, values: appearing(firstOf(one.values)) })),
  ];
}

/** Several faults at once. */
export function all(...faults: readonly Fault[]): Fault {
  return (series) => faults.reduce<readonly TestSeries[]>((changed, fault) => fault(changed), series) as TestSeries[];
}

const JSZ = /^nats_(server|account|stream|consumer)_/;

/** JetStream figures of a server disappear. */
export const withoutJsz = (server_id: string): Fault => vanish(JSZ, { server_id });

/** A server is killed; its exporter goes on serving the last varz, and the probe loses sight of it. */
export function killed(server_id: string): Fault {
  return all(
    vanish(/^nats_healthz_/, { server_id }),
    add("nats_healthz_status_value", { server_id, value: "unreachable", job: "nats" }, appearing(0)),
    add("nats_healthz_js_enabled_only_status_value", { server_id, value: "unreachable", job: "nats" }, appearing(0)),
    withoutJsz(server_id),
    vanish(/^natsbus_(meta_ready|meta_peer_lag|stream_peer_lag|server_config_current|certificate_)/, { server_id }),
    set(/^natsbus_(meta|stream)_peer_current$/, { server_id }, jump(1, 0)),
    ...SERVERS.filter((other) => other !== server_id).map((other) =>
      set("nats_varz_remotes", { server_id: other }, (healthy) => jump(firstOf(healthy), Number(firstOf(healthy)) - 1)),
    ),
  );
}

/** The healthy bus: what was recorded, relabelled as in production, with traffic, and the probe beside it. */
export function healthyBus(): TestSeries[] {
  const steps = metricRelabeling(EXAMPLE_BUS, "all");
  const scraped = recorded("healthy").flatMap((sample) => relabel(sample, steps) ?? []);
  const advisories = scraped
    .filter(({ name, labels }) => name.startsWith("nats_stream_") && labels["stream_name"] === "ORDERS")
    .map((sample) => ({ ...sample, labels: { ...sample.labels, stream_name: "ADVISORIES" } }));
  const lively = [...scraped, ...advisories].map((sample) => ({ name: sample.name, labels: sample.labels, values: healthyValues(sample) }));
  return [...lively, ...probeSeries(), ...volumeSeries()];
}

/** The series that `read` names, as promtool reads them, up to a number of seconds. */
export function inputSeries(
  series: readonly TestSeries[],
  read: ReadonlySet<string>,
  seconds: number,
): { series: string; values: string }[] {
  const samples = Math.ceil(seconds / STEP) + 1;
  const valuesOf = (values: string): string =>
    values.replaceAll(ALL, String(samples)).replaceAll(REST, String(Math.max(samples - LEAD, 1)));
  return series.filter(({ name }) => read.has(name)).map((one) => ({ series: seriesText(one), values: valuesOf(one.values) }));
}

function healthyValues({ name, labels, value }: Sample): string {
  // The recording stood still for want of clients: give the streams traffic and the consumers workers.
  if (name === "nats_stream_last_seq" && labels["stream_name"] !== "ADVISORIES") return growing(500, 30);
  if (/^nats_consumer_(delivered|ack_floor)_/.test(name)) return growing(100, 30);
  if (/^nats_consumer_num_(pending|ack_pending|redelivered)$/.test(name)) return steady(0);
  if (name === "nats_varz_jetstream_stats_api_total") return growing(0, 30);
  if (name === "nats_varz_connections") return steady(100);
  // promtool's notation has no exponents.
  return steady(String(Number(value)));
}

function probeSeries(): TestSeries[] {
  const probe = { ...BUS, job: "natsbus-probe" };
  const one = (name: string, labels: Labels, values: string): TestSeries => ({
    name,
    labels: { ...probe, ...labels },
    values,
  });
  const perServer = SERVERS.flatMap((server_id) => [
    one("nats_client_publish_total", { server_id, result: "ok" }, growing(0, STEP)),
    one("nats_client_publish_total", { server_id, result: "timeout" }, steady(0)),
    one("nats_client_publish_total", { server_id, result: "error" }, steady(0)),
    one("nats_client_publish_duration_seconds_bucket", { server_id, le: "0.05" }, growing(0, STEP)),
    one("nats_client_publish_duration_seconds_bucket", { server_id, le: "+Inf" }, growing(0, STEP)),
    one("nats_client_publish_duration_seconds_count", { server_id }, growing(0, STEP)),
    one("natsbus_meta_ready", { server_id }, steady(1)),
    one("natsbus_meta_peer_current", { server_id }, steady(1)),
    one("natsbus_meta_peer_lag", { server_id }, steady(0)),
    one("natsbus_server_config_current", { server_id }, steady(1)),
    one("natsbus_certificate_not_after_seconds", { server_id, listener: "client" }, steady(90 * 86_400)),
    ...["ORDERS", "AUDIT", "ADVISORIES"].flatMap((stream_name) => [
      one("natsbus_stream_peer_current", { account_name: "APP", stream_name, server_id }, steady(1)),
      one("natsbus_stream_peer_lag", { account_name: "APP", stream_name, server_id }, steady(0)),
    ]),
  ]);
  const ofStreams = EXAMPLE_BUS.streams.flatMap(({ account, name, replicas, refusesWhenFull, consumers }) => {
    const labels = { account_name: account, stream_name: name };
    return [
      one("natsbus_stream_replicas_wanted", labels, steady(replicas)),
      one("natsbus_stream_refuses_when_full", labels, steady(refusesWhenFull ? 1 : 0)),
      ...consumers.map((consumer) =>
        one("natsbus_consumer_max_ack_pending", { ...labels, consumer_name: consumer.name }, steady(consumer.maxAckPending ?? 0)),
      ),
    ];
  });
  const all = [...perServer, ...ofStreams];
  const served = new Set(all.map(({ name }) => name.replace(/_(bucket|count)$/, "")));
  const missing = PROBE_METRICS.filter(({ name }) => !served.has(name));
  if (missing.length > 0) throw new Error(`the healthy bus lacks ${missing.map(({ name }) => name).join(", ")}`);
  return [one("up", { instance: "probe:7778" }, steady(1)), ...all];
}

function volumeSeries(): TestSeries[] {
  const labels = { namespace: "nats", persistentvolumeclaim: "js-nats-0" };
  return [
    { name: "kubelet_volume_stats_available_bytes", labels, values: steady(80) },
    { name: "kubelet_volume_stats_capacity_bytes", labels, values: steady(100) },
  ];
}

function matches(series: TestSeries, metric: string | RegExp, where: Labels): boolean {
  const named = typeof metric === "string" ? series.name === metric : metric.test(series.name);
  return named && Object.entries(where).every(([label, value]) => series.labels[label] === value);
}

function untilFault(healthy: string): string {
  if (!healthy.endsWith(`x${ALL}`)) throw new Error(`a series can have one fault only: ${healthy}`);
  return healthy.replace(`x${ALL}`, `x${LEAD - 1}`);
}

function firstOf(values: string): string {
  return /^-?[\d.]+/.exec(values)?.[0] ?? "0";
}
