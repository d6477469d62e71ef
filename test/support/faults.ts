/** The faults that are brought into a live bus, with what must fire, and what people must be told. */
import { setTimeout as delay } from "node:timers/promises";
import type { JetStreamManager } from "@nats-io/jetstream";
import { expect } from "vitest";
import type { BusFacts } from "../../observability/facts.ts";
import type { WatchedBus } from "./watched-bus.ts";

/** The bus that faults are brought into. */
export const FAULTY_BUS: BusFacts = {
  cluster: "test",
  servers: 3,
  tls: false,
  streams: [
    stream("ORDERS", { consumers: [{ name: "worker", backlogLimit: 100, maxAckPending: 1000 }] }),
    stream("FULL", { refusesWhenFull: true }),
    stream("COPY", { mirror: true }),
    stream("CANARY", {}),
  ],
};

function stream(name: string, more: Partial<BusFacts["streams"][number]>): BusFacts["streams"][number] {
  return { account: "$G", name, replicas: 3, refusesWhenFull: false, consumers: [], ...more };
}

/** Makes what {@link FAULTY_BUS} declares. */
export async function declareFaulty(manager: JetStreamManager): Promise<void> {
  await manager.streams.add({ name: "ORDERS", subjects: ["orders.>"], num_replicas: 3, max_msgs: 1_000_000 });
  await manager.streams.add({ name: "FULL", subjects: ["full.>"], num_replicas: 3, discard: "new", max_msgs: 100 });
  await manager.streams.add({ name: "COPY", mirror: { name: "ORDERS" }, num_replicas: 3 });
  await manager.streams.add({ name: "CANARY", subjects: ["canary.>"], num_replicas: 3, max_msgs: 1000 });
  await manager.consumers.add("ORDERS", { durable_name: "worker", ack_policy: "explicit" });
}

/** Traffic that goes on through every fault: a publisher, and a worker that can be told to rest. */
export interface Traffic extends AsyncDisposable {
  rest: boolean;
}

/** Starts publishing and working until disposed. */
export function startTraffic({ client }: WatchedBus): Traffic {
  let isOver = false;
  const traffic = { rest: false };
  const publish = async (): Promise<void> => {
    while (!isOver) {
      await client.publish("orders.new", "order", { timeout: 2_000 }).catch(() => undefined);
      await delay(40);
    }
  };
  const work = async (): Promise<void> => {
    while (!isOver) {
      if (traffic.rest) await delay(100);
      else await fetchSome().catch(() => delay(200));
    }
  };
  const fetchSome = async (): Promise<void> => {
    const consumer = await client.consumers.get("ORDERS", "worker");
    for await (const message of await consumer.fetch({ max_messages: 100, expires: 1_000 })) message.ack();
  };
  const loops = Promise.all([publish(), work()]);
  return Object.assign(traffic, {
    [Symbol.asyncDispose]: async () => {
      isOver = true;
      await loops;
    },
  });
}

/** A fault, and what it must lead to. */
export interface Fault {
  readonly name: string;
  /** Brings it in; answers how to take it out again. */
  readonly begin: (bus: WatchedBus, traffic: Traffic) => Promise<() => Promise<void>>;
  /** All that fires, `alert/severity`. */
  readonly fires: readonly string[];
  /** What may fire as well, depending on who led what. */
  readonly mayFire?: readonly string[];
  /** What people are told of that; the rest is held back. */
  readonly told: readonly string[];
}

const ONE_SERVER_GONE = [
  "NatsClusterDegraded/warning",
  "NatsMetaPeerNotCurrent/warning",
  "NatsServerUnreachable/warning",
  "NatsStreamPeerNotCurrent/warning",
  "NatsStreamReplicasMissing/warning",
];

/** One server is killed. */
export const KILL_ONE: Fault = {
  name: "one server is killed",
  async begin({ cluster }) {
    await cluster.kill("n1");
    return async () => {
      await cluster.start("n1");
      await cluster.waitReady(60_000);
    };
  },
  fires: ONE_SERVER_GONE,
  told: ["NatsClusterDegraded/warning", "NatsServerUnreachable/warning"],
};

/** Two of three servers are killed: JetStream stands still. */
export const KILL_TWO: Fault = {
  name: "two servers are killed",
  async begin({ cluster }) {
    await Promise.all(["n1", "n2"].map((name) => cluster.kill(name)));
    return async () => {
      await cluster.startAll();
      await cluster.waitReady(60_000);
    };
  },
  fires: [
    "NatsClusterDegraded/warning",
    "NatsNoMetaLeader/critical",
    "NatsQuorumLost/critical",
    "NatsServerUnreachable/warning",
    "NatsStreamNoLeader/critical",
    "NatsStreamReplicasMissing/warning",
  ],
  mayFire: [
    "NatsMetaPeerNotCurrent/warning",
    "NatsStreamPeerNotCurrent/warning",
    "NatsAssetsNotCurrent/warning",
    "NatsConsumerStalled/warning",
  ],
  told: ["NatsQuorumLost/critical"],
};

/** A server stands still but is not gone: its ports take connections, and nothing answers. */
export const FREEZE: Fault = {
  name: "one server is frozen",
  async begin({ cluster }) {
    const pid = cluster.pid("n2");
    if (pid === undefined) throw new Error("n2 does not run");
    process.kill(pid, "SIGSTOP");
    return async () => {
      process.kill(pid, "SIGCONT");
      await cluster.waitReady(60_000);
    };
  },
  fires: ONE_SERVER_GONE,
  told: KILL_ONE.told,
};

/** A stream that refuses messages is filled up. */
export const FILL: Fault = {
  name: "a stream with discard new is filled",
  async begin({ client, manager }) {
    const refusals: unknown[] = [];
    for (let index = 0; index < 110; index += 1) await client.publish("full.x", "x").catch((error: unknown) => refusals.push(error));
    expect(refusals.length).toBe(10);
    return async () => {
      await manager.streams.purge("FULL");
    };
  },
  fires: ["NatsStreamNearLimit/critical", "NatsStreamNearLimit/warning"],
  told: ["NatsStreamNearLimit/critical"],
};

/** Nobody asks for a consumer's messages any more. */
export const STALL: Fault = {
  name: "a consumer's workers rest",
  async begin(_bus, traffic) {
    traffic.rest = true;
    return async () => {
      traffic.rest = false;
    };
  },
  fires: ["NatsConsumerBacklog/warning", "NatsConsumerStalled/warning"],
  told: ["NatsConsumerBacklog/warning", "NatsConsumerStalled/warning"],
};

/** Brings a fault in, and proves what fires, what is told, and that all of it is over after recovery. */
export async function prove(fault: Fault, bus: WatchedBus, traffic: Traffic): Promise<void> {
  const end = await fault.begin(bus, traffic);
  try {
    const fired = await bus.fires(fault.fires, 150_000);
    expect(fired.filter((name) => !(fault.mayFire ?? []).includes(name))).toEqual(fault.fires.toSorted());
    await expect.poll(() => bus.told(), { timeout: 30_000 }).toEqual(expect.arrayContaining([...fault.told]));
    expect(bus.told()).toEqual(fault.told.toSorted());
    expect(await bus.failedRules()).toEqual([]);
  } finally {
    await end();
  }
  await bus.clears(180_000);
}
