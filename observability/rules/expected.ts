/** Series that say what should be: no exporter knows the declared bus, so the rules carry it. */
import { type BusFacts, type ConsumerFacts, quorumOf, type StreamFacts } from "../facts.ts";
import type { RecordingSpec } from "../model.ts";

/** One constant record for each declared fact that an alert or board compares with. */
export function expectedRecords(facts: BusFacts): RecordingSpec[] {
  return [
    constant("nats_cluster:servers_expected:count", facts.servers, {}),
    constant("nats_cluster:quorum_needed:count", quorumOf(facts), {}),
    ...facts.streams.flatMap((stream) => [
      ...streamRecords(stream, facts),
      ...stream.consumers.flatMap((consumer) => consumerRecords(stream, consumer)),
    ]),
  ];
}

function streamRecords(stream: StreamFacts, facts: BusFacts): RecordingSpec[] {
  const labels = { account_name: stream.account, stream_name: stream.name };
  const withTeams = facts.streams.some((other) => other.team !== undefined);
  return [
    constant("nats_stream:replicas_expected:count", stream.replicas, labels),
    ...flag("nats_stream:refuses_when_full:bool", stream.refusesWhenFull, labels),
    ...flag("nats_stream:traffic_expected:bool", stream.expectTraffic, labels),
    ...flag("nats_stream:team:info", withTeams, {
      ...labels,
      declared: "true",
      ...(stream.team === undefined ? {} : { team: stream.team }),
    }),
  ];
}

function consumerRecords(stream: StreamFacts, consumer: ConsumerFacts): RecordingSpec[] {
  const labels = { account_name: stream.account, stream_name: stream.name, consumer_name: consumer.name };
  return [
    constant("nats_consumer:expected:bool", 1, labels),
    ...(consumer.backlogLimit === undefined ? [] : [constant("nats_consumer:backlog_limit:count", consumer.backlogLimit, labels)]),
    ...(consumer.maxAckPending === undefined ? [] : [constant("nats_consumer:max_ack_pending:count", consumer.maxAckPending, labels)]),
  ];
}

function flag(record: string, on: boolean | undefined, labels: Readonly<Record<string, string>>): RecordingSpec[] {
  return on === true ? [constant(record, 1, labels)] : [];
}

function constant(record: string, value: number, labels: Readonly<Record<string, string>>): RecordingSpec {
  return { record, expr: `vector(${value})`, labels };
}
