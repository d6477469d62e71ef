/** The faults that are brought into a live bus, with what must fire, and what people must be told. */
import { setTimeout as delay } from "node:timers/promises";
import { type JetStreamManager, jetstreamManager } from "@nats-io/jetstream";
import { connect } from "@nats-io/transport-node";
import { expect } from "vitest";
import { serverHosts } from "../../components/tls/hosts.ts";
import type { AuthorityState, ServerCertificatesState } from "../../components/tls/model.ts";
import { authority as authorityOperations, servers as serverOperations } from "../../components/tls/operations.ts";
import type { BusFacts } from "../../observability/facts.ts";
import { startCluster, type TestNode } from "./cluster.ts";
import { findFreePorts } from "./free-ports.ts";
import { tlsBlock } from "./operator-cluster.ts";
import { TcpProxy } from "./tcp-proxy.ts";
import { startWatchedBus, type WatchedBus } from "./watched-bus.ts";

const DAY_MS = 86_400_000;
const SERVERS = ["n1", "n2", "n3"];

/** A watched bus with what the faults need: certificates that can be exchanged, and a port for a distant server. */
export interface FaultyBus extends WatchedBus {
  /** Lets a server present a certificate that ends in so many days. */
  readonly certify: (server: string, days: number) => Promise<void>;
  /** Port of n1 for leaf nodes. */
  readonly leafPort: number;
}

/** Starts the bus that faults are brought into. */
export async function startFaultyBus(): Promise<FaultyBus> {
  const authority = authorityOperations.create({ name: "natsbus test", validityMs: 900 * DAY_MS, renewBeforeMs: DAY_MS }).outs;
  const certificates = new Map(SERVERS.map((name) => [name, certificatesFor(authority, 400)]));
  const leafPort = await findFreePorts(1);
  const configText = (node: TestNode): string => {
    const tls = tlsBlock(node, { authority, certificates: certificates.get(node.name) as ServerCertificatesState });
    return node.name === "n1" ? `${tls}\nleafnodes { listen: "127.0.0.1:${leafPort}", compression: off }` : tls;
  };
  const bus = await startWatchedBus({ facts: FAULTY_BUS, cluster: { configText }, ca: authority.bundle, declare: declareFaulty });
  const certify = (server: string, days: number): Promise<void> => {
    certificates.set(server, certificatesFor(authority, days));
    return bus.cluster.reload(server);
  };
  return { ...bus, certify, leafPort };
}

function certificatesFor(authority: AuthorityState, days: number): ServerCertificatesState {
  const nodes = Object.fromEntries(SERVERS.map((node) => [node, serverHosts({ node, address: "127.0.0.1", extra: [] })]));
  return serverOperations.create({ authority, nodes, validityMs: days * DAY_MS, renewBeforeMs: DAY_MS }).outs;
}

const FAULTY_BUS: BusFacts = {
  cluster: "test",
  servers: 3,
  tls: true,
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

async function declareFaulty(manager: JetStreamManager): Promise<void> {
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
  readonly begin: (bus: FaultyBus, traffic: Traffic) => Promise<() => Promise<void>>;
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
const KILL_TWO: Fault = {
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
    // Whoever asks the server that is left is refused, or gets no answer.
    "NatsApiErrorRatio/warning",
    "NatsMetaPeerNotCurrent/warning",
    "NatsStreamPeerNotCurrent/warning",
    "NatsAssetsNotCurrent/warning",
    "NatsConsumerStalled/warning",
  ],
  told: ["NatsQuorumLost/critical"],
};

/** A server stands still but is not gone: its ports take connections, and nothing answers. */
const FREEZE: Fault = {
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
const FILL: Fault = {
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
const STALL: Fault = {
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

const LETTERS = 400;
const LETTER = "x".repeat(64 * 1024);
/** A tenth of what is waiting; more than a minute passes before little enough is left. */
const THIN_LINE = 150_000;

/** A mirror of a distant stream falls behind, because the line to it is too thin for what is published there. */
const MIRROR: Fault = {
  name: "a mirror falls behind",
  async begin({ leafPort, manager }) {
    const stack = new AsyncDisposableStack();
    const line = stack.use(await TcpProxy.start(leafPort));
    // Left to themselves, servers compress what goes over a slow line.
    const remote = `leafnodes { remotes: [ { url: "nats-leaf://127.0.0.1:${line.port}", compression: off } ] }`;
    const distant = stack.use(
      await startCluster({ servers: 1, configText: () => remote, jetstreamText: "domain: distant, max_mem: 64MB, max_file: 256MB" }),
    );
    const connection = await connect({ servers: distant.urls });
    stack.defer(() => connection.close());
    const there = await jetstreamManager(connection);
    await there.streams.add({ name: "LETTERS", subjects: ["letters"] });
    const external = { api: "$JS.distant.API", deliver: "" };
    await manager.streams.add({ name: "LETTERS_HERE", mirror: { name: "LETTERS", external }, num_replicas: 3 });
    stack.defer(async () => void (await manager.streams.delete("LETTERS_HERE")));
    const arrived = async (): Promise<number> => (await manager.streams.info("LETTERS_HERE")).state.last_seq;
    await connection.request("letters", LETTER);
    await expect.poll(arrived, { timeout: 30_000 }).toBe(1);
    line.bytesPerSecond = THIN_LINE;
    for (let sent = 0; sent < LETTERS; sent += 1) await connection.request("letters", LETTER);
    return async () => {
      line.bytesPerSecond = undefined;
      await expect.poll(arrived, { timeout: 60_000 }).toBe(LETTERS + 1);
      await stack.disposeAsync();
    };
  },
  fires: ["NatsMirrorBehind/warning"],
  told: ["NatsMirrorBehind/warning"],
};

/** A server's certificate has two days left. */
const CERTIFICATE: Fault = {
  name: "a certificate is near its end",
  async begin({ certify }) {
    await certify("n2", 2);
    return () => certify("n2", 400);
  },
  fires: ["NatsCertExpiring/critical", "NatsCertExpiring/warning"],
  told: ["NatsCertExpiring/critical"],
};

/** Every fault, the mild ones first. */
export const FAULTS: readonly Fault[] = [CERTIFICATE, MIRROR, FILL, STALL, KILL_ONE, FREEZE, KILL_TWO];

/** Brings a fault in, and proves what fires, what is told, and that all of it is over after recovery. */
export async function prove(fault: Fault, bus: FaultyBus, traffic: Traffic): Promise<void> {
  const end = await fault.begin(bus, traffic);
  try {
    const fired = await bus.fires(fault.fires, 200_000);
    expect(fired.filter((name) => !(fault.mayFire ?? []).includes(name))).toEqual(fault.fires.toSorted());
    await expect.poll(() => bus.told(), { timeout: 30_000 }).toEqual(expect.arrayContaining([...fault.told]));
    expect(bus.told()).toEqual(fault.told.toSorted());
    expect(await bus.failedRules()).toEqual([]);
  } finally {
    await end();
  }
  await bus.clears(180_000);
}
