/** Alerts on consumers: backlog, delivery, acknowledgement. */
import { hasConsumer } from "../facts.ts";
import type { AlertSpec } from "../model.ts";
import { CONSUMER, STREAM } from "./labels.ts";

const OF_CONSUMER = "Consumer {{ $labels.consumer_name }} of stream {{ $labels.stream_name }}";
const anyConsumer: AlertSpec["applies"] = (facts) => hasConsumer(facts, () => true);

/** Whether consumers keep up. */
export const CONSUMER_ALERTS: readonly AlertSpec[] = [
  {
    alert: "NatsConsumerAbsent",
    severity: "warning",
    for: "5m",
    // Only where the stream itself is there: its absence has its own alert.
    expr: `nats_consumer:expected:bool unless on (${CONSUMER}) nats_consumer:ack_pending:max and on (${STREAM}) nats_stream:replicas:count`,
    summary: `${OF_CONSUMER} is declared ({{ $value }}) and no server holds it`,
    description:
      "The consumer was deleted or expired. Its position is lost; on interest and work-queue streams messages may be kept or dropped wrongly.",
    panel: "consumers/pending",
    ofStream: true,
    applies: anyConsumer,
  },
  {
    alert: "NatsConsumerBacklog",
    severity: "warning",
    for: "15m",
    expr: `nats_consumer:pending:max > on (${CONSUMER}) nats_consumer:backlog_limit:count and on (${CONSUMER}) deriv(nats_consumer:pending:max[15m]) > 0`,
    summary: `${OF_CONSUMER} is {{ printf "%.0f" $value }} messages behind, over its limit and growing`,
    description: "The workers are too few or too slow for the traffic.",
    panel: "consumers/pending",
    ofStream: true,
    applies: (facts) => hasConsumer(facts, (consumer) => consumer.backlogLimit !== undefined),
  },
  {
    alert: "NatsConsumerStalled",
    severity: "warning",
    for: "10m",
    expr: `nats_consumer:pending:max > 0 and on (${CONSUMER}) increase(nats_consumer:delivered_seq:max[10m]) == 0`,
    summary: `${OF_CONSUMER} has {{ printf "%.0f" $value }} messages waiting and delivers none`,
    description: "Nobody asks for messages, or delivery is held up by unacknowledged ones.",
    panel: "consumers/delivered",
    ofStream: true,
  },
  {
    alert: "NatsConsumerAckStalled",
    severity: "warning",
    for: "15m",
    expr: `nats_consumer:ack_pending:max > 0 and on (${CONSUMER}) changes(nats_consumer:ack_floor_seq:max[15m]) == 0`,
    summary: `${OF_CONSUMER} has {{ printf "%.0f" $value }} unacknowledged messages, and the oldest does not get done`,
    description: "A worker died with messages in hand, or one message fails again and again.",
    panel: "consumers/ack-pending",
    ofStream: true,
  },
  {
    alert: "NatsConsumerAckSaturated",
    severity: "warning",
    for: "5m",
    // The probe also knows the limits of consumers that nobody declared.
    expr: (_facts, { probe }) => {
      const seen = probe ? ` or max by (${CONSUMER}) (natsbus_consumer_max_ack_pending)` : "";
      return `nats_consumer:ack_pending:max >= on (${CONSUMER}) 0.95 * (nats_consumer:max_ack_pending:count${seen})`;
    },
    summary: `${OF_CONSUMER} has {{ printf "%.0f" $value }} unacknowledged messages, as many as it may`,
    description: "Delivery stops until workers acknowledge.",
    panel: "consumers/ack-pending",
    ofStream: true,
    applies: (facts) => hasConsumer(facts, (consumer) => consumer.maxAckPending !== undefined),
  },
  {
    alert: "NatsConsumerRedeliveries",
    severity: "warning",
    for: "15m",
    expr: `nats_consumer:redelivered:max > on (${CONSUMER}) 0.2 * clamp_min(nats_consumer:ack_pending:max, 1)`,
    summary: `${OF_CONSUMER} has {{ printf "%.0f" $value }} messages in redelivery`,
    description:
      "Over a fifth of the messages in work were delivered before: the handler fails or is slower than the acknowledgement time.",
    panel: "consumers/redelivered",
    ofStream: true,
  },
];
