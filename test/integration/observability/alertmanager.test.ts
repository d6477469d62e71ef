/** The written Alertmanager configuration, judged by amtool and by a running Alertmanager. */
import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { AlertRouting } from "../../../observability/routing-options.ts";
import { renderMonitoringFiles } from "../../../observability/writers/files.ts";
import { findFreePorts } from "../../support/free-ports.ts";
import { EXAMPLE_BUS } from "../../unit/observability/example-bus.ts";
import { everyReceiver } from "../../unit/observability/receivers.ts";
import { hasTool, run, temporaryFolder } from "./promtool.ts";
import { startService } from "./service.ts";

const available = hasTool("amtool");
const alertmanager = ["prometheus-alertmanager", "alertmanager"].find(hasTool);
if (!available) process.stderr.write("SKIPPED: routes are not tested, amtool is missing (Debian package prometheus-alertmanager)\n");
if (alertmanager === undefined)
  process.stderr.write("SKIPPED: inhibitions are not tested, alertmanager is missing (Debian package prometheus-alertmanager)\n");

function configOf(alerting?: AlertRouting): string {
  const files = renderMonitoringFiles(EXAMPLE_BUS, alerting === undefined ? {} : { alerting });
  return files.find(({ path }) => path.endsWith("alertmanager.yml"))?.content ?? "";
}

describe.skipIf(!available)("the configuration", () => {
  test.each<[string, AlertRouting | undefined]>([
    ["without receivers", undefined],
    ["with every kind of receiver", everyReceiver((name) => ({ file: `/etc/natsbus/${name}` }))],
  ])("%s is accepted", (_which, alerting) => {
    using folder = temporaryFolder();
    const { ok, output } = run("amtool", "check-config", folder.write("alertmanager.yml", configOf(alerting)));
    expect(ok, output).toBe(true);
  });

  test.each<[string, string]>([
    ["heartbeat", "alertname=NatsWatchdog severity=none"],
    ["pager", "alertname=NatsQuorumLost severity=critical"],
    ["shop,pager", "alertname=NatsStreamNoLeader severity=critical team=shop"],
    ["pager", "alertname=NatsStreamNoLeader severity=critical team=other"],
    ["channel", "alertname=NatsClusterDegraded severity=warning"],
    ["shop", "alertname=NatsStreamIdle severity=warning team=shop"],
    ["digest", "alertname=NatsVersionSkew severity=info"],
    ["nobody", "alertname=SomethingElse"],
  ])("sends to %s: %s", (receivers, labels) => {
    using folder = temporaryFolder();
    const file = folder.write("alertmanager.yml", configOf(everyReceiver((name) => ({ file: `/etc/natsbus/${name}` }))));
    const { ok, output } = run(
      "amtool",
      "config",
      "routes",
      "test",
      `--config.file=${file}`,
      `--verify.receivers=${receivers}`,
      ...labels.split(" "),
      "nats_cluster=bus",
    );
    expect(ok, output).toBe(true);
  });
});

interface Catcher extends AsyncDisposable {
  readonly url: string;
  /** `receiver alert key=value …` of every firing alert that arrived. */
  readonly caught: Set<string>;
}

async function catchWebhooks(): Promise<Catcher> {
  const caught = new Set<string>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const message = JSON.parse(Buffer.concat(chunks).toString("utf8")) as {
        alerts: { status: string; labels: Record<string, string> }[];
      };
      for (const { status, labels } of message.alerts) if (status === "firing") caught.add(`${request.url?.slice(1)} ${nameOf(labels)}`);
      response.end();
    });
  });
  const port = await findFreePorts(1);
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${port}`,
    caught,
    [Symbol.asyncDispose]: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}

function nameOf({ alertname, severity, nats_cluster, server_id, stream_name }: Record<string, string>): string {
  return [alertname, severity, nats_cluster, server_id, stream_name].filter((part) => part !== undefined).join(" ");
}

describe.skipIf(alertmanager === undefined)("a running Alertmanager", () => {
  test("tells what says it all, and holds back what follows from it", async () => {
    await using catcher = await catchWebhooks();
    const webhook = (name: string) => ({ name, webhook: { url: `${catcher.url}/${name}` } });
    const config = configOf({ receivers: [webhook("pager"), webhook("channel")], critical: "pager", warning: "channel" });
    using folder = temporaryFolder();
    const file = folder.write("alertmanager.yml", config.replaceAll(/group_wait: \d+s/g, "group_wait: 1s"));
    await using manager = await startService(alertmanager ?? "", [
      `--config.file=${file}`,
      `--storage.path=${folder.path}/data`,
      "--cluster.listen-address=",
    ]);
    const alert = (alertname: string, severity: string, more: Record<string, string> = {}) => ({
      labels: { alertname, severity, service: "nats", nats_cluster: "bus", ...more },
    });
    const post = (alerts: readonly object[]) =>
      fetch(`${manager.url}/api/v2/alerts`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(alerts),
      });
    const orders = { account_name: "APP", stream_name: "ORDERS" };
    const audit = { account_name: "APP", stream_name: "AUDIT" };

    // Sources first: an inhibition works on what Alertmanager knows already.
    await post([
      alert("NatsQuorumLost", "critical"),
      alert("NatsServerUnreachable", "warning", { nats_cluster: "other", server_id: "n1" }),
      alert("NatsStreamNoLeader", "critical", { nats_cluster: "other", ...orders }),
      alert("NatsStreamNearLimit", "critical", { nats_cluster: "other", ...audit }),
    ]);
    await post([
      // Follow from the lost quorum.
      alert("NatsServerUnreachable", "warning", { server_id: "n1" }),
      alert("NatsStreamNoLeader", "critical", orders),
      alert("NatsClusterDegraded", "warning"),
      // Follow from the server that does not answer; another server's trouble does not.
      alert("NatsCpuSaturated", "warning", { nats_cluster: "other", server_id: "n1" }),
      alert("NatsCpuSaturated", "warning", { nats_cluster: "other", server_id: "n2" }),
      // Follow from the stream without leader; another stream's trouble does not.
      alert("NatsConsumerStalled", "warning", { nats_cluster: "other", ...orders, consumer_name: "worker" }),
      alert("NatsConsumerStalled", "warning", { nats_cluster: "other", ...audit, consumer_name: "worker" }),
      // Told already at a higher severity.
      alert("NatsStreamNearLimit", "warning", { nats_cluster: "other", ...audit }),
      alert("NatsStreamNearLimit", "warning", { nats_cluster: "other", ...orders }),
      // Never held back.
      alert("NatsCertExpiring", "warning", { server_id: "n1" }),
    ]);

    const expected = [
      "channel NatsCertExpiring warning bus n1",
      "channel NatsConsumerStalled warning other AUDIT",
      "channel NatsCpuSaturated warning other n2",
      "channel NatsServerUnreachable warning other n1",
      "channel NatsStreamNearLimit warning other ORDERS",
      "pager NatsQuorumLost critical bus",
      "pager NatsStreamNearLimit critical other AUDIT",
      "pager NatsStreamNoLeader critical other ORDERS",
    ];
    for (let attempt = 0; attempt < 100 && catcher.caught.size < expected.length; attempt += 1) await sleep(100);
    // What was held back would arrive no later than one more waiting time.
    await sleep(1500);
    expect([...catcher.caught].sort()).toEqual(expected);
  });

  test("keeps silent in a mute time, but for what is critical", async () => {
    await using catcher = await catchWebhooks();
    const receivers = ["pager", "channel"].map((name) => ({ name, webhook: { url: `${catcher.url}/${name}` } }));
    const always = { name: "always", times: [{ start: "00:00", end: "24:00" }] };
    const config = configOf({ receivers, critical: "pager", warning: "channel", muteTimes: [always] });
    using folder = temporaryFolder();
    const file = folder.write("alertmanager.yml", config.replaceAll(/group_wait: \d+s/g, "group_wait: 1s"));
    const flags = [`--config.file=${file}`, `--storage.path=${folder.path}/data`, "--cluster.listen-address="];
    await using manager = await startService(alertmanager ?? "", flags);
    const alerts = ["critical", "warning"].map((severity) => ({
      labels: { alertname: `Some-${severity}`, severity, nats_cluster: "bus" },
    }));
    const headers = { "content-type": "application/json" };
    await fetch(`${manager.url}/api/v2/alerts`, { method: "POST", headers, body: JSON.stringify(alerts) });
    await expect.poll(() => [...catcher.caught], { timeout: 20_000 }).toEqual(["pager Some-critical critical bus"]);
    await sleep(1500);
    expect([...catcher.caught]).toEqual(["pager Some-critical critical bus"]);
  });
});
