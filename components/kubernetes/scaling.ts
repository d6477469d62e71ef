/** What may grow by itself: servers without streams, and workers by their backlog; and advice on resources. Pure. */
import type { types } from "@pulumi/kubernetes";
import type { BusSpec } from "../../core/bus-spec.ts";
import { objectNames } from "../../core/kubernetes-names.ts";
import { metadataOf } from "./labels.ts";
import type { Manifest } from "./manifest.ts";

/** Every autoscaler the stack file asks for. */
export function autoscalers(spec: BusSpec): Manifest[] {
  const { maxServers, recommend, workers } = spec.kubernetes.autoscaling;
  return [
    ...(maxServers === undefined ? [] : [serverAutoscaler(spec, maxServers)]),
    ...(recommend ? [recommender(spec)] : []),
    ...workers.map((worker) => workerScaler(spec, worker)),
  ];
}

function serverAutoscaler(spec: BusSpec, maxReplicas: number): Manifest {
  const body: types.input.autoscaling.v2.HorizontalPodAutoscalerSpec = {
    scaleTargetRef: setReference(spec),
    minReplicas: spec.cluster.servers,
    maxReplicas,
    metrics: [
      {
        type: "Resource",
        resource: { name: "cpu", target: { type: "Utilization", averageUtilization: spec.kubernetes.autoscaling.targetCpu } },
      },
    ],
    // Taking a server away is an operation of its own: clients would be cut, and with streams it would lose replicas.
    behavior: { scaleDown: { selectPolicy: "Disabled" } },
  };
  return { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", metadata: metadataOf(spec, objectNames(spec).set), spec: body };
}

function recommender(spec: BusSpec): Manifest {
  return {
    apiVersion: "autoscaling.k8s.io/v1",
    kind: "VerticalPodAutoscaler",
    metadata: metadataOf(spec, objectNames(spec).set),
    spec: { targetRef: setReference(spec), updatePolicy: { updateMode: "Off" } },
  };
}

function workerScaler(spec: BusSpec, worker: BusSpec["kubernetes"]["autoscaling"]["workers"][number]): Manifest {
  const { name, deployment, stream, consumer, backlog, min, max } = worker;
  const series = `nats_consumer_num_pending{nats_cluster=${JSON.stringify(spec.cluster.name)},stream_name=${JSON.stringify(stream)},consumer_name=${JSON.stringify(consumer)},is_consumer_leader="true"}`;
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: metadataOf(spec, `${spec.kubernetes.name}-${name}`),
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: deployment },
      minReplicaCount: min,
      maxReplicaCount: max,
      triggers: [
        {
          type: "prometheus",
          // Only the leader's count is real.
          metadata: { serverAddress: spec.kubernetes.autoscaling.prometheus, query: `max(${series})`, threshold: String(backlog) },
        },
      ],
    },
  };
}

function setReference(spec: BusSpec) {
  return { apiVersion: "apps/v1", kind: "StatefulSet", name: objectNames(spec).set };
}
