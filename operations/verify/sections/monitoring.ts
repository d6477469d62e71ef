/** Monitoring: health, figures that tell the truth, events, and rules and dashboards whose queries name what is there. */
import { jetstream } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { monitoringFacts } from "../../../components/monitoring.ts";
import { planBoards } from "../../../observability/dashboards/plan.ts";
import { resolveMonitoringOptions } from "../../../observability/options.ts";
import { metricNames } from "../../../observability/promql.ts";
import { planRules } from "../../../observability/rules/plan.ts";
import { isAlert } from "../../../observability/rules/rule.ts";
import { PROBE_METRICS } from "../../../observability/scrape-contract.ts";
import { exporterSamples } from "../../../probe/exporter/samples.ts";
import { readPages } from "../../../probe/read-pages.ts";
import { drive } from "../../bench/drive.ts";
import { connectAsUser } from "../../user-connection.ts";
import { type Check, failed, passed, type Section, skipped } from "../check.ts";
import { type Context, userConnection } from "../context.ts";
import { askServers } from "../monitor-answers.ts";
import { addConsumer, item, openBus, until, withConnection, withManager, workSubject } from "../tools.ts";

const WAIT_MS = 20_000;
const HEALTH_WAIT_MS = 10_000;
const NOT_DECLARED = "the cluster was named by its address, and nothing declares its rules";
const NO_MONITORS = "the servers' monitor ports are not known";

interface Health {
  readonly status?: string;
  readonly error?: string;
}

const health: Check = {
  name: "health",
  title: "every server says it is healthy, and that its meta group is",
  async run(context) {
    const first = await askHealth(context);
    if ("missing" in first) return skipped(first.missing);
    let ill: readonly string[] = first;
    // While streams come and go a server may call one of them not current for a moment; an alert would wait as well.
    const isWell = async (): Promise<boolean> => {
      if (ill.length > 0) ill = withoutReason(await askHealth(context));
      return ill.length === 0;
    };
    await until(isWell, HEALTH_WAIT_MS, context.signal);
    if (ill.length > 0) return failed(ill.join("; "), "look at `natsbus status`, and into the servers' logs");
    return passed(`${context.servers.length} servers, 3 probes each${first.length === 0 ? "" : `; at first ${first.join("; ")}`}`);
  },
};

/** @returns what is ill in words, or why nobody can be asked */
async function askHealth(context: Context): Promise<readonly string[] | { readonly missing: string }> {
  const ill: string[] = [];
  for (const page of ["/healthz", "/healthz?js-enabled-only=true", "/healthz?js-meta-only=true"]) {
    const answers = await askServers<Health>(context, page);
    if ("missing" in answers) return answers;
    const bad = answers.filter(({ body }) => body?.status !== "ok");
    ill.push(...bad.map(({ server, body }) => `${server.name}${page}: ${body?.error ?? body?.status ?? "no answer"}`));
  }
  return ill;
}

function withoutReason(answer: readonly string[] | { readonly missing: string }): readonly string[] {
  return "missing" in answer ? [answer.missing] : answer;
}

interface Varz {
  readonly in_msgs?: number;
  readonly slow_consumers?: number;
}

const figuresMove: Check = {
  name: "figures-move",
  title: "the servers count what is published, and no consumer falls behind meanwhile",
  async run(context) {
    const before = await askServers<Varz>(context, "/varz");
    if ("missing" in before) return skipped(before.missing);
    const count = 300;
    const stream = await context.scratch.stream("figures");
    await using bus = await openBus(context);
    const { done } = await drive({ count, inFlight: 64 }, (n) => bus.publish(workSubject(stream), item(n)));
    const after = await askServers<Varz>(context, "/varz");
    if ("missing" in after) return skipped(after.missing);
    const sum = (answers: typeof before, key: keyof Varz): number =>
      "missing" in answers ? 0 : answers.reduce((total, { body }) => total + (body?.[key] ?? 0), 0);
    const counted = sum(after, "in_msgs") - sum(before, "in_msgs");
    const slow = sum(after, "slow_consumers") - sum(before, "slow_consumers");
    if (done < count || counted < count) return failed(`${done} of ${count} messages were acknowledged and the servers counted ${counted}`);
    return slow > 0
      ? failed(`${slow} clients were too slow meanwhile`)
      : passed(`${count} published, ${counted} counted with acknowledgements and replicas`);
  },
};

interface Jsz {
  readonly account_details?: readonly {
    readonly stream_detail?: readonly { readonly name: string; readonly state?: { readonly messages?: number } }[];
  }[];
}

const figuresAgree: Check = {
  name: "figures-agree",
  title: "every replica tells the same number of messages as the stream's leader",
  async run(context) {
    if (context.servers.length === 0) return skipped(NO_MONITORS);
    const count = 100;
    const stream = await context.scratch.stream("agree");
    await using bus = await openBus(context);
    await drive({ count, inFlight: 32 }, (n) => bus.publish(workSubject(stream), item(n)));
    const { config, state } = await withManager(context, (manager) => manager.streams.info(stream.name));
    let seen: readonly number[] = [];
    const agrees = await until(
      async () => {
        const answers = await askServers<Jsz>(context, "/jsz?accounts=true&streams=true");
        if ("missing" in answers) return false;
        const details = answers.flatMap(({ body }) => body?.account_details ?? []).flatMap(({ stream_detail = [] }) => stream_detail);
        seen = details.filter(({ name }) => name === stream.name).map((detail) => detail.state?.messages ?? 0);
        return seen.length === config.num_replicas && seen.every((messages) => messages === count);
      },
      WAIT_MS,
      context.signal,
    );
    return agrees
      ? passed(`${config.num_replicas} replicas with ${state.messages} messages`)
      : failed(`the stream holds ${state.messages} messages; its replicas tell ${seen.join(", ") || "nothing"}`);
  },
};

const systemAccount: Check = {
  name: "system-account",
  title: "the monitoring user reaches every server's health through the bus itself",
  async run(context) {
    const user = context.users.find(({ role }) => role === "monitoring");
    if (user === undefined) return skipped("no user with the role monitoring is declared");
    const connection = await connectAsUser(userConnection(context, user));
    try {
      const states = await healthOfAll(connection, Math.max(1, context.servers.length));
      const ill = states.filter(({ status }) => status !== "ok");
      if (states.length < context.servers.length)
        return failed(`${states.length} of ${context.servers.length} servers answered`, "look at `natsbus status`");
      return ill.length > 0
        ? failed(ill.map(({ name, status }) => `${name}: ${status}`).join("; "))
        : passed(
            states
              .map(({ name }) => name)
              .sort()
              .join(", "),
          );
    } finally {
      await connection.close();
    }
  },
};

async function healthOfAll(connection: NatsConnection, servers: number): Promise<{ readonly name: string; readonly status: string }[]> {
  const states: { readonly name: string; readonly status: string }[] = [];
  const answers = await connection.requestMany("$SYS.REQ.SERVER.PING.HEALTHZ", "", {
    strategy: "count",
    maxMessages: servers,
    maxWait: 3000,
  });
  for await (const answer of answers) {
    const { server, data } = answer.json<{ readonly server?: { readonly name?: string }; readonly data?: Health }>();
    states.push({ name: server?.name ?? "", status: data?.status ?? "unknown" });
  }
  return states;
}

const events: Check = {
  name: "events",
  title: "the servers tell when a message was delivered in vain as often as allowed",
  async run(context) {
    const stream = await context.scratch.stream("events");
    await addConsumer(context, stream, { durable_name: "vain", max_deliver: 1, ack_wait: 200_000_000 });
    return withConnection(context, async (connection) => {
      const told: string[] = [];
      connection.subscribe(`$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${stream.name}.>`, {
        callback: (_error, message) => void told.push(message.subject),
      });
      await connection.flush();
      await using bus = await openBus(context);
      await bus.publish(workSubject(stream), item(1));
      const consumer = await jetstream(connection).consumers.get(stream.name, "vain");
      // Taken and never acknowledged; the server looks for what is due only when somebody asks for more.
      const take = async (): Promise<void> => {
        for await (const _ of await consumer.fetch({ max_messages: 1, expires: 1000 })) break;
      };
      const isTold = await until(() => take().then(() => told.length > 0), WAIT_MS, context.signal);
      return isTold ? passed("MAX_DELIVERIES arrived") : failed("no MAX_DELIVERIES event arrived");
    });
  },
};

const clientMetrics: Check = {
  name: "client-metrics",
  title: "the client's own figures are those of what it did",
  async run(context) {
    const count = 50;
    const stream = await context.scratch.stream("metrics");
    await using bus = await openBus(context);
    await drive({ count, inFlight: 8 }, (n) => bus.publish(workSubject(stream), item(n)));
    await bus.publish(workSubject(stream), { n: 0.5, text: "" }).catch(() => undefined);
    const { publish, connection } = bus.metrics();
    const isRight =
      publish.confirmed === count && publish.latency.count === count && publish.inFlight === 0 && connection.outMessages >= count;
    return isRight
      ? passed(`${count} confirmed, p99 ${publish.latency.p99Ms.toFixed(1)} ms`)
      : failed(
          `${count} messages were published; the client counted ${publish.confirmed}, ${publish.latency.count} latencies, ${publish.inFlight} in flight`,
        );
  },
};

/** Names of the metrics that the servers' pages give now, under the exporter's names. */
async function liveMetrics({ servers }: Context): Promise<ReadonlySet<string>> {
  const pages = await Promise.all(servers.map(async (server) => ({ server, pages: await readPages(server) })));
  return new Set(
    pages
      .flatMap((seen) => exporterSamples(seen.pages === undefined ? { server: seen.server } : { server: seen.server, pages: seen.pages }))
      .map(({ name }) => name),
  );
}

/** Some figures of a consumer are there only after its first acknowledgement. */
async function workOnce(context: Context): Promise<void> {
  const stream = await context.scratch.stream("boards");
  await addConsumer(context, stream, { durable_name: "worker" });
  await using bus = await openBus(context);
  await bus.publish(workSubject(stream), item(1));
  await withConnection(context, async (connection) => {
    const message = await (await jetstream(connection).consumers.get(stream.name, "worker")).next({ expires: 5000 });
    await message?.ackAck();
  });
}

/** What others than the servers give: the probe, Prometheus itself, the kubelet. */
function isElsewhere(name: string): boolean {
  // Records of ours have a colon; those that this bus has no use for are left out of its rules.
  return (
    name.includes(":") ||
    /^(ALERTS|up|kubelet_|container_|node_|probe_)/.test(name) ||
    PROBE_METRICS.some((metric) => name.startsWith(metric.name))
  );
}

function unknownNames(expressions: readonly string[], known: ReadonlySet<string>, records: ReadonlySet<string>): readonly string[] {
  const names = new Set(expressions.flatMap(metricNames));
  return [...names].filter((name) => !known.has(name) && !records.has(name) && !isElsewhere(name)).sort();
}

const rulesAndBoards: Check = {
  name: "alerts-and-dashboards",
  title: "every metric that an alert or a dashboard's query names exists on the running servers",
  async run(context) {
    const { declared, servers } = context;
    if (declared === undefined) return skipped(NOT_DECLARED);
    if (servers.length === 0 || servers.some(({ monitorUrl }) => monitorUrl === "")) return skipped(NO_MONITORS);
    await workOnce(context);
    const facts = monitoringFacts(declared);
    const options = resolveMonitoringOptions();
    const rules = planRules(facts, options).flatMap((group) => group.rules);
    const queries = planBoards(facts, options).flatMap(({ rows }) =>
      rows.flatMap(({ panels }) => panels.flatMap((panel) => panel.queries.map(({ expr }) => expr))),
    );
    const records = new Set(rules.flatMap((rule) => (isAlert(rule) ? [] : [rule.record])));
    const unknown = unknownNames([...rules.map(({ expr }) => expr), ...queries], await liveMetrics(context), records);
    if (unknown.length > 0)
      return failed(`no server gives ${unknown.join(", ")}`, "see whether a server is down, or too old for these figures");
    return passed(`${rules.filter(isAlert).length} alerts, ${records.size} records, ${queries.length} queries`);
  },
};

/** Everything about watching the bus. */
export const monitoringSection: Section = {
  name: "monitoring",
  title: "Monitoring",
  checks: [health, figuresMove, figuresAgree, systemAccount, events, clientMetrics, rulesAndBoards],
};
