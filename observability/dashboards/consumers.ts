/** The board for consumers: who is behind, who is stuck. */
import { CONSUMER } from "../rules/labels.ts";
import type { BoardSpec, PanelSpec } from "./board.ts";
import { CONSUMERS } from "./filters.ts";

const LEGEND = "{{stream_name}} {{consumer_name}}";
const NO_CONSUMER = "no durable consumer exists";

const PANELS: readonly PanelSpec[] = [
  {
    key: "consumers/pending",
    title: "Waiting messages",
    description: "Messages not delivered yet, and the limit after which a consumer counts as behind.",
    kind: "lines",
    unit: "short",
    width: 12,
    queries: [
      { expr: `nats_consumer:pending:max{${CONSUMERS}}`, legend: LEGEND },
      { expr: `max by (${CONSUMER}) (nats_consumer:backlog_limit:count{${CONSUMERS}})`, legend: `${LEGEND} limit` },
    ],
    mayBeEmpty: NO_CONSUMER,
  },
  {
    key: "consumers/drain",
    title: "Time to catch up",
    description: "Waiting messages divided by the pace of delivery; no line where nothing is delivered.",
    kind: "lines",
    unit: "s",
    width: 12,
    queries: [
      {
        expr: `nats_consumer:pending:max{${CONSUMERS}} / on (${CONSUMER}) (rate(nats_consumer:delivered_seq:max{${CONSUMERS}}[$__rate_interval]) > 0)`,
        legend: LEGEND,
      },
    ],
    mayBeEmpty: "no consumer delivers anything",
  },
  {
    key: "consumers/delivered",
    title: "Delivered",
    description: "Deliveries a second, repeated ones included.",
    kind: "lines",
    unit: "mps",
    width: 12,
    queries: [{ expr: `rate(nats_consumer:delivered_seq:max{${CONSUMERS}}[$__rate_interval])`, legend: LEGEND }],
    mayBeEmpty: NO_CONSUMER,
  },
  {
    key: "consumers/ack-pending",
    title: "Unacknowledged",
    description: "Messages in the hands of workers, and the number at which delivery stops.",
    kind: "lines",
    unit: "short",
    width: 12,
    queries: [
      { expr: `nats_consumer:ack_pending:max{${CONSUMERS}}`, legend: LEGEND },
      { expr: `max by (${CONSUMER}) (nats_consumer:max_ack_pending:count{${CONSUMERS}})`, legend: `${LEGEND} limit` },
    ],
    mayBeEmpty: NO_CONSUMER,
  },
  {
    key: "consumers/redelivered",
    title: "In redelivery",
    description: "Unacknowledged messages that were delivered before.",
    kind: "lines",
    unit: "short",
    width: 8,
    queries: [{ expr: `nats_consumer:redelivered:max{${CONSUMERS}}`, legend: LEGEND }],
    mayBeEmpty: NO_CONSUMER,
  },
  {
    key: "consumers/last-ack",
    title: "Last acknowledgement",
    description: "Time since a worker last acknowledged anything.",
    kind: "lines",
    unit: "s",
    width: 8,
    queries: [
      {
        expr: `min by (${CONSUMER}) (nats_consumer_last_ack_seconds{is_consumer_leader="true", ${CONSUMERS}})`,
        legend: LEGEND,
      },
    ],
    mayBeEmpty: "nothing was ever acknowledged",
  },
  {
    key: "consumers/waiting",
    title: "Waiting pulls",
    description: "Requests of workers that wait for messages; none means nobody is there to work.",
    kind: "lines",
    unit: "short",
    width: 8,
    queries: [{ expr: `nats_consumer:waiting:max{${CONSUMERS}}`, legend: LEGEND }],
    mayBeEmpty: NO_CONSUMER,
  },
];

/** Consumers: backlog, delivery, acknowledgement. */
export const CONSUMERS_BOARD: BoardSpec = {
  name: "consumers",
  title: "NATS / Consumers",
  description: "Consumers: who is behind, who is stuck, who fails.",
  variables: ["account", "stream", "consumer"],
  rows: [{ title: "Consumers", panels: PANELS }],
};
