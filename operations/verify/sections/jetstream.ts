/** JetStream configuration: the cluster holds what is declared, and every replica is current. */
import { jetstreamManager, type StreamInfo } from "@nats-io/jetstream";
import { closeConnections } from "../../../connection/pool.ts";
import { diffBus } from "../../diff.ts";
import { connectAsUser } from "../../user-connection.ts";
import { type Check, failed, judged, measured, passed, type Section, skipped } from "../check.ts";
import type { Context } from "../context.ts";
import { askServers, type ServerAnswer } from "../monitor-answers.ts";
import { SCRATCH_PREFIX } from "../scratch.ts";

const NOT_DECLARED = "the cluster was named by its address, and nothing says what it should hold";

const declaredEqualsLive: Check = {
  name: "declared-equals-live",
  title: "every declared stream, consumer, bucket and store is there, as declared",
  async run({ declared, admin }) {
    if (declared === undefined) return skipped(NOT_DECLARED);
    try {
      const { equal, differences } = await diffBus({ bus: declared, connection: admin });
      const wrong = differences.filter(({ kind }) => kind !== "extra");
      const extra = differences.filter(({ kind, name }) => kind === "extra" && !name.startsWith(SCRATCH_PREFIX));
      if (wrong.length > 0) {
        const words = wrong.map(
          ({ kind, noun, name, fields }) =>
            `${noun} ${name} ${kind}${fields.length === 0 ? "" : ` (${fields.map(({ key }) => key).join(", ")})`}`,
        );
        return failed(words.join("; "), "look with `natsbus diff`, and put it right with `natsbus up --refresh`");
      }
      return passed(
        `${equal} objects as declared${extra.length === 0 ? "" : `; not declared and left alone: ${extra.map(({ name }) => name).join(", ")}`}`,
      );
    } finally {
      await closeConnections();
    }
  },
};

const replicasCurrent: Check = {
  name: "replicas-current",
  title: "every stream has its leader and all its replicas, and they are current",
  async run(context) {
    const streams = await listStreams(context);
    const behind = streams.flatMap(({ config, cluster }) => {
      if (cluster === undefined) return [];
      const replicas = cluster.replicas ?? [];
      const current = replicas.filter((replica) => replica.current && replica.offline !== true).length + (cluster.leader ? 1 : 0);
      return current >= config.num_replicas ? [] : [`${config.name} has ${current} of ${config.num_replicas}`];
    });
    if (behind.length > 0) return failed(behind.join("; "), "look at `natsbus status`; a server may be down or still catching up");
    return passed(`${streams.length} streams`);
  },
};

const metaLeader: Check = {
  name: "meta-leader",
  title: "the servers agree on one meta leader and know every server",
  async run(context) {
    const answers = await askServers<MetaAnswer>(context, "/jsz");
    if ("missing" in answers) return skipped(answers.missing);
    const silent = answers.flatMap(({ server, body }) => (body === undefined ? [server.name] : []));
    if (silent.length > 0) return failed(`${silent.join(", ")} does not answer`, "start it with `natsbus up`");
    if (answers.length === 1) return passed("a lone server leads itself");
    const leaders = new Set(answers.map(({ body }) => body?.meta_cluster?.leader ?? ""));
    const sizes = answers.filter(({ body }) => body?.meta_cluster?.cluster_size !== answers.length).map(sizeText);
    if (leaders.size !== 1 || leaders.has(""))
      return failed(
        `the servers name ${[...leaders].map((name) => name || "nobody").join(" and ")} as the leader`,
        "look into the servers' logs",
      );
    if (sizes.length > 0) return failed(sizes.join("; "), "a server that left for good has to be removed from the meta group");
    return passed(`${[...leaders][0]} leads ${answers.length} servers`);
  },
};

interface MetaAnswer {
  readonly meta_cluster?: { readonly leader?: string; readonly cluster_size?: number };
}

function sizeText({ server, body }: ServerAnswer<MetaAnswer>): string {
  return `${server.name} counts ${body?.meta_cluster?.cluster_size ?? 0} servers`;
}

const storageLeft: Check = {
  name: "storage-left",
  title: "the account's JetStream storage has room",
  async run({ admin, thresholds, declared }) {
    const connection = await connectAsUser(admin);
    try {
      const info = await (await jetstreamManager(connection, { checkAPI: false })).getAccountInfo();
      const limit =
        info.limits.max_storage > 0
          ? info.limits.max_storage
          : (declared?.spec.jetstream.maxStorageBytes ?? 0) * (declared?.spec.cluster.servers ?? 0);
      if (limit === 0) return skipped("neither the account nor the declaration limits the storage");
      const used = (info.storage / limit) * 100;
      const { total = 0, errors = 0 } = info.api;
      return judged(`${info.streams} streams, ${info.consumers} consumers; ${errors} of ${total} API requests were refused so far`, [
        measured(thresholds, "storageUsed", used, "storage used"),
      ]);
    } finally {
      await connection.close();
    }
  },
};

const scratchRoundTrip: Check = {
  name: "make-change-delete",
  title: "a stream can be made, changed, read back and deleted",
  async run({ admin, scratch }) {
    const stream = await scratch.stream("config");
    const connection = await connectAsUser(admin);
    try {
      const manager = await jetstreamManager(connection, { checkAPI: false });
      await manager.streams.update(stream.name, { max_msgs: 7 });
      const { config } = await manager.streams.info(stream.name);
      if (config.max_msgs !== 7) return failed(`max_msgs was set to 7 and reads ${config.max_msgs}`);
      await scratch.remove(stream);
      const gone = await manager.streams.info(stream.name).then(
        () => false,
        () => true,
      );
      return gone ? passed(`with ${config.num_replicas} replicas`) : failed(`${stream.name} is still there after its deletion`);
    } finally {
      await connection.close();
    }
  },
};

async function listStreams({ admin }: Context): Promise<readonly StreamInfo[]> {
  const connection = await connectAsUser(admin);
  try {
    const found: StreamInfo[] = [];
    for await (const info of (await jetstreamManager(connection, { checkAPI: false })).streams.list()) found.push(info);
    return found.filter(({ config }) => !config.name.startsWith(SCRATCH_PREFIX));
  } finally {
    await connection.close();
  }
}

/** Everything about what JetStream holds. */
export const jetstreamSection: Section = {
  name: "jetstream",
  title: "JetStream configuration",
  checks: [declaredEqualsLive, replicasCurrent, metaLeader, storageLeft, scratchRoundTrip],
};
