/** Watching clusters that natsbus did not make: over their monitor ports, over the system account, and both at once. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hasTool } from "../integration/observability/promtool.ts";
import { startCluster, type TestCluster } from "../support/cluster.ts";
import { findFreePorts } from "../support/free-ports.ts";
import { startOperatorCluster } from "../support/operator-cluster.ts";
import { createProject, type Project } from "../support/project.ts";

const UP = ["up", "--stack", "dev", "--yes", "--skip-preview"];
const ACCOUNTS = `accounts {
  APP { jetstream: enabled, users: [ { user: me, password: "open sesame" } ] }
  SYS { users: [ { user: sys, password: sys } ] }
}
system_account: SYS`;
const hasServices = hasTool("prometheus") && (hasTool("prometheus-alertmanager") || hasTool("alertmanager"));
if (!hasServices)
  process.stderr.write(
    "SKIPPED: of an existing cluster's monitoring only the probe is tried, Prometheus and Alertmanager are missing (Debian packages prometheus, prometheus-alertmanager)\n",
  );

let project: Project;
let ports: { readonly probe: number; readonly prometheus: number; readonly alertmanager: number };
beforeAll(async () => {
  project = await createProject();
  const port = await findFreePorts(3);
  ports = { probe: port, prometheus: port + 1, alertmanager: port + 2 };
});
afterAll(() => project?.[Symbol.asyncDispose]());

function configure(existing: object, more: Record<string, unknown> = {}): void {
  const cleared = { "natsbus:auth": undefined, "natsbus:tls": undefined, "natsbus:cluster": undefined, "natsbus:jetstream": undefined };
  const monitoring = { enabled: true, scrapeInterval: "1s", ports };
  project.configure({ "natsbus:target": "existing", ...cleared, "natsbus:existing": existing, "natsbus:monitoring": monitoring, ...more });
}

async function natsbus(args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await project.natsbus(args, { timeoutMs: 240_000 });
  expect(code, stderr + stdout).toBe(0);
  return stdout + stderr;
}

async function text(url: string): Promise<string> {
  return fetch(url).then(
    (answer) => answer.text(),
    () => "",
  );
}

const probePage = (path: string): Promise<string> => text(`http://127.0.0.1:${ports.probe}${path}`);
const askPrometheus = (path: string): Promise<string> => text(`http://127.0.0.1:${ports.prometheus}${path}`);

/** Waits until the canary's publishes through every one of these servers are acknowledged. */
async function expectCanary(servers: readonly string[]): Promise<void> {
  for (const name of servers)
    await expect
      .poll(() => probePage("/metrics"), { timeout: 60_000 })
      .toMatch(new RegExp(`publish_total\\{server_id="${name}",result="ok"\\} [1-9]`));
}

function metricNames(page: string): string[] {
  return [...new Set([...page.matchAll(/^(nats_\w+)\{/gm)].map(([, name]) => name ?? ""))].sort();
}

interface AlertsPage {
  readonly data: { readonly alerts: readonly { readonly labels: { readonly alertname: string }; readonly state: string }[] };
}

async function alertNames(): Promise<string[]> {
  const page = JSON.parse(await askPrometheus("/api/v1/alerts")) as AlertsPage;
  return page.data.alerts.map(({ labels }) => labels.alertname).filter((name) => name !== "NatsWatchdog");
}

describe("a cluster whose users stand in its configuration", () => {
  let cluster: TestCluster;
  beforeAll(async () => {
    cluster = await startCluster({ configText: () => ACCOUNTS, name: "elsewhere" });
  });
  afterAll(() => cluster?.[Symbol.asyncDispose]());

  test("is watched from this machine, with monitor URLs where they are given and over the system account else", async () => {
    const [n1, n2] = cluster.nodes.map(({ monitorUrl }) => monitorUrl);
    writeFileSync(project.path("password.txt"), "open sesame\n");
    const login = { servers: cluster.urls, user: "me", passwordFile: "password.txt" };
    // In any order.
    configure({ ...login, monitorUrls: [n2, n1], system: { user: "sys", password: "sys" } });
    const pids = cluster.nodes.map((node) => cluster.pid(node));
    expect(await natsbus(["preview", "--stack", "dev"])).toMatch(/Monitoring bus-monitoring create/);
    await natsbus(UP);
    await expectCanary(["n1", "n2", "n3"]);
    const access = project.path(".natsbus/dev/monitoring/probe/access.json");
    expect(statSync(access).mode & 0o777).toBe(0o600);
    expect(readFileSync(project.path(".natsbus/dev/monitoring/probe/probe.json"), "utf8")).not.toContain("sesame");
    expect(readFileSync(project.path(".natsbus/state/.pulumi/stacks/natsbus/dev.json"), "utf8")).not.toContain("sesame");
    // A server seen over the system account has the same series as one seen at its monitor port.
    const [port, account] = [await probePage("/servers/n1/metrics"), await probePage("/servers/n3/metrics")];
    expect(metricNames(account)).toEqual(metricNames(port));
    expect(account).toMatch(/nats_stream_last_seq\{server_id="n3",[^}]*account_name="APP",[^}]*stream_name="SECURITY"/);
    expect(account).toMatch(/nats_accstatz_current_connections\{[^}]*account_name="APP"/);

    const shown = await natsbus(["status", "--stack", "dev"]);
    expect(shown).toContain(`http://127.0.0.1:${ports.probe}`);
    expect((await natsbus(["dashboard", "--stack", "dev"])).trim()).toBe(`http://127.0.0.1:${ports.probe}`);
    await natsbus(["preview", "--stack", "dev", "--expect-no-changes"]);
    if (hasServices) {
      expect(shown).toMatch(/Alerts: none is firing/);
      const targets = async () => (await askPrometheus("/api/v1/targets")).match(/"health":"up"/g)?.length;
      await expect.poll(targets, { timeout: 60_000 }).toBe(4);
      // Rules know the account the streams are in: nothing declared is missed, and nothing cannot be evaluated.
      const replicas = () => askPrometheus(`/api/v1/query?query=${encodeURIComponent('nats_stream:replicas:count{account_name="APP"}')}`);
      await expect.poll(replicas, { timeout: 60_000 }).toContain("SECURITY");
      await expect.poll(alertNames, { timeout: 60_000 }).toEqual([]);
      expect(await askPrometheus("/api/v1/rules")).not.toMatch(/"health":"err"|"lastError":"[^"]/);
    }

    // A server that is gone has no figures any more, however it was watched.
    await cluster.kill("n3");
    await expect.poll(() => probePage("/servers/n3/metrics"), { timeout: 30_000 }).toMatch(/value="unreachable"\} 0/);
    expect(metricNames(await probePage("/servers/n3/metrics"))).not.toContain("nats_varz_connections");
    await cluster.start("n3");
    await cluster.waitReady(60_000);

    // Switched off, everything ends; the page is then served by the verb itself.
    project.configure({ "natsbus:monitoring": undefined });
    await natsbus(UP);
    expect(await probePage("/metrics")).toBe("");
    if (hasServices) expect(await askPrometheus("/-/ready")).toBe("");
    const args = [project.path("cli/natsbus.js"), "dashboard", "--stack", "dev", "--port", String(ports.probe)];
    const page = spawn(process.execPath, args, { cwd: project.directory, stdio: "ignore" });
    try {
      const servers = async () =>
        (JSON.parse((await probePage("/api/state")) || '{"servers":[]}') as { servers: { up: boolean }[] }).servers;
      await expect.poll(async () => (await servers()).filter(({ up }) => up).length, { timeout: 60_000 }).toBe(3);
    } finally {
      const gone = once(page, "exit");
      page.kill("SIGINT");
      await gone;
    }

    await natsbus(["destroy", "--stack", "dev", "--yes"]);
    expect(cluster.nodes.slice(0, 2).map((node) => cluster.pid(node))).toEqual(pids.slice(0, 2));
  });

  test("what cannot be known is told with code, path and remedy", async () => {
    const login = { servers: cluster.urls, user: "me", password: "open sesame" };
    const [n1, n2, n3] = cluster.nodes.map(({ monitorUrl }) => monitorUrl);
    const dead = `http://127.0.0.1:${await findFreePorts(1)}`;
    const cases: [object, RegExp][] = [
      [login, /0 of 3 servers have a monitor URL[\s\S]*existing\.system[\s\S]*ERR_CONFIG_MISSING/],
      [{ ...login, monitorUrls: [n1, n2] }, /2 of 3 servers have a monitor URL[\s\S]*ERR_CONFIG_MISSING/],
      [{ ...login, monitorUrls: [n1, n2, dead] }, new RegExp(`monitorUrls\\.2: ${dead} does not answer[\\s\\S]*ERR_EXISTING_MONITOR`)],
      [
        { ...login, monitorUrls: [n1, n2, n1, n3] },
        /monitorUrls\.2: \S+ does not answer as the monitor of a server of its own[\s\S]*ERR_EXISTING_MONITOR/,
      ],
    ];
    for (const [existing, tells] of cases) {
      configure(existing);
      const { code, stdout, stderr } = await project.natsbus(["preview", "--stack", "dev"]);
      expect(code).not.toBe(0);
      expect(stderr + stdout).toMatch(tells);
      expect(stderr + stdout).not.toContain("sesame");
    }
  });
});

test("a cluster of an operator is watched over the system account alone, and published through by a user made for it", async () => {
  await using signed = await startOperatorCluster({ resolverInterval: "30m" });
  const { cluster } = signed;
  writeFileSync(project.path("ca.pem"), signed.authority.bundle);
  writeFileSync(project.path("system.creds"), signed.operator.systemCredentials);
  const servers = cluster.nodes.map(({ port }) => `tls://127.0.0.1:${port}`);
  const operator = { signingSeed: signed.operator.signingSeed };
  configure({ servers, caFile: "ca.pem", system: { credsFile: "system.creds" }, operator }, { "natsbus:auth": { mode: "jwt" } });
  expect(await natsbus(["preview", "--stack", "dev"])).toMatch(/Monitoring bus-monitoring create/);
  await natsbus(UP);
  await expectCanary(["n1", "n2", "n3"]);
  const metrics = await probePage("/metrics");
  expect(metrics).toMatch(/natsbus_certificate_not_after_seconds\{server_id="n2",listener="client"\} \d{10}/);
  expect(metrics.match(/natsbus_meta_ready\{server_id="n\d"\} 1/g)).toHaveLength(3);
  expect(metrics).toMatch(/natsbus_stream_peer_current\{account_name="BUS",stream_name="SECURITY",server_id="n\d"\} 1/);
  // A lost quorum is seen over the account of the server that is left.
  await cluster.kill("n1");
  await cluster.kill("n3");
  await expect.poll(() => probePage("/metrics"), { timeout: 60_000 }).toMatch(/natsbus_meta_ready\{server_id="n2"\} 0/);
  await cluster.start("n1");
  await cluster.start("n3");
  await expect
    .poll(async () => (await probePage("/metrics")).match(/natsbus_meta_ready\{server_id="n\d"\} 1/g), { timeout: 60_000 })
    .toHaveLength(3);
  await natsbus(["destroy", "--stack", "dev", "--yes"]);
  expect(await probePage("/metrics")).toBe("");
});
