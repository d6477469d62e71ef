/** A watched bus on this machine: everything is started, wired, mended, reloaded and ended by `up` and `destroy`. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { hasTool } from "../integration/observability/promtool.ts";
import { findFreePorts } from "../support/free-ports.ts";
import { createProject, type Project } from "../support/project.ts";

const hasServices = hasTool("prometheus") && (hasTool("prometheus-alertmanager") || hasTool("alertmanager"));
if (!hasServices)
  process.stderr.write(
    "SKIPPED: Prometheus and Alertmanager are not started, they are missing (Debian packages prometheus, prometheus-alertmanager)\n",
  );

interface Status {
  readonly monitoring?: { readonly urls: Readonly<Record<string, string>>; readonly running: readonly string[] };
  readonly alerts?: readonly { readonly alert: string }[];
}

async function status(project: Project): Promise<Status> {
  return JSON.parse((await project.natsbus(["status", "--json"])).stdout) as Status;
}

async function text(url: string): Promise<string> {
  return fetch(url).then(
    (answer) => answer.text(),
    () => "",
  );
}

function pidOf(project: Project, watcher: string): number {
  return (JSON.parse(readFileSync(project.path(".natsbus/dev/monitoring", watcher, "process.json"), "utf8")) as { pid: number }).pid;
}

function isAlive(pid: number): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

async function up(project: Project): Promise<string> {
  const { code, stdout, stderr } = await project.natsbus(["up", "--yes"], { timeoutMs: 240_000 });
  expect(code, stderr).toBe(0);
  return stdout + stderr;
}

test.skipIf(!hasServices || process.platform !== "linux")("a watched bus", async () => {
  await using project = await createProject();
  const port = await findFreePorts(3);
  const ports = { probe: port, prometheus: port + 1, alertmanager: port + 2 };
  const receivers = [{ name: "pager", webhook: { url: "http://127.0.0.1:9/" } }];
  const monitoring = { enabled: true, scrapeInterval: "1s", ports, alerting: { receivers, critical: "pager" } };
  project.configure({ "natsbus:monitoring": monitoring });

  await up(project);
  expect((await status(project)).monitoring?.running).toEqual(["probe", "prometheus", "alertmanager"]);
  await expect
    .poll(() => text(`http://127.0.0.1:${ports.probe}/metrics`), { timeout: 30_000 })
    .toMatch(/publish_total\{server_id="n3",result="ok"\} [1-9]/);
  const metrics = await text(`http://127.0.0.1:${ports.probe}/metrics`);
  // The certificates of clients and routes are seen, and every server runs what it was given.
  expect(metrics).toMatch(/natsbus_certificate_not_after_seconds\{server_id="n1",listener="client"\} \d{10}/);
  expect(metrics).toMatch(/natsbus_certificate_not_after_seconds\{server_id="n1",listener="route"\} \d{10}/);
  expect(metrics.match(/natsbus_server_config_current\{server_id="n\d"\} 1/g)).toHaveLength(3);
  const upTargets = async () => (await text(`http://127.0.0.1:${ports.prometheus}/api/v1/targets`)).match(/"health":"up"/g)?.length;
  await expect.poll(upTargets, { timeout: 60_000 }).toBe(4);
  expect(await text(`http://127.0.0.1:${ports.prometheus}/api/v1/alertmanagers`)).toContain(`127.0.0.1:${ports.alertmanager}`);
  expect(await text(`http://127.0.0.1:${ports.alertmanager}/api/v2/receivers`)).toContain("pager");
  const shown = (await project.natsbus(["status"])).stdout;
  expect(shown).toMatch(/Alerts: none is firing/);
  expect(shown).toContain(`http://127.0.0.1:${ports.prometheus}`);
  expect((await project.natsbus(["dashboard"])).stdout.trim()).toBe(`http://127.0.0.1:${ports.probe}`);

  // Nothing to do the second time; a probe that died is drift, and is started again.
  expect(await up(project)).not.toMatch(/Monitoring bus-monitoring updat/);
  const [probe, prometheus] = [pidOf(project, "probe"), pidOf(project, "prometheus")];
  process.kill(probe, "SIGKILL");
  await expect.poll(() => isAlive(probe)).toBe(false);
  expect(await up(project)).toContain("start of probe");
  expect(pidOf(project, "prometheus")).toBe(prometheus);

  // A changed setting reloads Prometheus in place: it works by the new rule and is the same process. A quick step's words may be overtaken by its end.
  project.configure({ "natsbus:monitoring": { ...monitoring, thresholds: { cpu: 0.5 } } });
  expect(await up(project)).toMatch(/Monitoring bus-monitoring updated/);
  expect(pidOf(project, "prometheus")).toBe(prometheus);
  expect(await text(`http://127.0.0.1:${ports.prometheus}/api/v1/rules`)).toContain(
    'nats_server:cpu:ratio{nats_cluster=\\"natsbus-dev\\"} \\u003e 0.5',
  );

  const running = ["probe", "prometheus", "alertmanager"].map((name) => pidOf(project, name));
  expect((await project.natsbus(["destroy", "--yes"], { timeoutMs: 120_000 })).code).toBe(0);
  expect(running.filter(isAlive)).toEqual([]);
});
