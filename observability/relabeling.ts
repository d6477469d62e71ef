/** What is dropped from the exporters' series before it is stored: labels that say a thing twice, and consumers nobody watches. */
import type { BusFacts } from "./facts.ts";
import { quoteRegex } from "./promql.ts";

/** One step of Prometheus's relabelling. */
export interface RelabelStep {
  /** What is done. */
  readonly action: "replace" | "drop" | "labeldrop";
  /** Labels whose values, joined by `;`, are compared.
   * @default - none */
  readonly sourceLabels?: readonly string[];
  /** Expression over the whole joined value, or over label names for `labeldrop`. */
  readonly regex: string;
  /** Label that is set by `replace`.
   * @default - none */
  readonly targetLabel?: string;
  /** Its new value; empty removes the label.
   * @default - none */
  readonly replacement?: string;
}

/** Which consumers keep their series: all but the ordered ones of client libraries, or the declared durable ones alone. */
export type ConsumerSelection = "all" | "declared";

// Names that nats.js and nats.go give to the consumers behind ordered readers: new ones all the time.
const ORDERED = "oc_.+|[A-Za-z0-9]{22}_[0-9]+";
const MARK = "__tmp_undeclared";

/** Steps for the series of the official exporter, in order. */
export function metricRelabeling(facts: BusFacts, consumers: ConsumerSelection): RelabelStep[] {
  return [
    ...(consumers === "declared" ? keepDeclared(facts) : [dropConsumers("consumer_name", ORDERED)]),
    { action: "labeldrop", regex: "account|account_id|server_name|consumer_desc|stream_raft_group" },
    // These change at every meta election and would begin each stream's and consumer's series anew.
    ...["meta_leader", "is_meta_leader"].map(
      (label): RelabelStep => ({
        action: "replace",
        sourceLabels: ["__name__"],
        regex: "nats_(stream|consumer|account)_.+",
        targetLabel: label,
        replacement: "",
      }),
    ),
  ];
}

function keepDeclared(facts: BusFacts): RelabelStep[] {
  const names = facts.streams.flatMap(({ account, name, consumers }) =>
    consumers.map((consumer) => [account, name, consumer.name].map(quoteRegex).join(";")),
  );
  return [
    { action: "replace", sourceLabels: ["__name__"], regex: "nats_consumer_.+", targetLabel: MARK, replacement: "yes" },
    ...(names.length === 0
      ? []
      : [
          {
            action: "replace" as const,
            sourceLabels: ["account_name", "stream_name", "consumer_name"],
            regex: names.join("|"),
            targetLabel: MARK,
            replacement: "",
          },
        ]),
    { action: "drop", sourceLabels: [MARK], regex: "yes" },
  ];
}

function dropConsumers(label: string, regex: string): RelabelStep {
  return { action: "drop", sourceLabels: ["__name__", label], regex: `nats_consumer_.+;(${regex})` };
}
