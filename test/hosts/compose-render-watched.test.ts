import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { composePlugin, loadImage, loadProgramImage } from "../support/docker-bus.ts";
import { createProject } from "../support/project.ts";
import { missingFor, startTestHost, type TestHost } from "../support/test-host.ts";
import { dockerObstacle, titled } from "./obstacles.ts";

const PROGRAMS = ["prometheus", "prometheus-alertmanager", "promtool", "amtool", "nginx", "curl"];
/** Debian keeps it beside the program, the official one inside. */
const TEMPLATE = "/usr/share/prometheus/alertmanager/default.tmpl";
const plugin = composePlugin();
const unwatched = dockerObstacle() ?? missingFor("docker", PROGRAMS);
const WATCHED = `config:
  natsbus:target: docker
  natsbus:limits: { memory: 768MiB, cpu: 1, maxConnections: 1000 }
  natsbus:lameDuck: { gracePeriod: 500ms }
  natsbus:docker:
    exporter: { enabled: true }
    prometheus: { enabled: true }
    alertmanager: { enabled: true }
    proxy: { enabled: true }
    proxyPort: 8081
`;

test.skipIf(unwatched !== undefined)(
  titled("Prometheus, Alertmanager and a proxy watch the servers from containers of their own", unwatched),
  async () => {
    await using host = await startTestHost("docker", "watched");
    await loadImage(host, "nats:2.15.2-alpine");
    await loadWatchers(host);
    await using project = await createProject();
    writeFileSync(join(project.directory, "Pulumi.box.yaml"), WATCHED);
    const files = `${project.directory}/compose/files`;
    const config = `${project.directory}/docker-config`;
    await host.sh(`mkdir -p ${config}/cli-plugins; ln -s ${plugin} ${config}/cli-plugins/docker-compose`);
    await host.sh(`cd ${project.directory} && PULUMI_STACK= ${process.execPath} cli/natsbus.js render --stack box --out compose`);
    await host.sh(`promtool check config ${files}/prometheus/prometheus.yml && amtool check-config ${files}/alertmanager/alertmanager.yml`);
    await host.sh(`DOCKER_CONFIG=${config} ${project.directory}/compose/apply.sh`);
    const ask = async (path: string) => JSON.parse(await host.sh(`curl -sf http://127.0.0.1:8081${path} || echo '{}'`)) as unknown;
    await expect
      .poll(() => ask("/prometheus/api/v1/targets?state=active"), { timeout: 60_000, interval: 500 })
      .toMatchObject({ data: { activeTargets: [{ health: "up" }, { health: "up" }, { health: "up" }] } });
    expect(await ask("/prometheus/api/v1/alertmanagers")).toMatchObject({
      data: { activeAlertmanagers: [{ url: "http://alertmanager:9093/api/v2/alerts" }] },
    });
    expect(JSON.stringify(await ask("/prometheus/api/v1/rules"))).toContain("NatsJetStreamDown");
    expect(await ask("/alertmanager/api/v2/status")).toMatchObject({ versionInfo: {} });
    expect(await host.sh("curl -s -o /dev/null -w '%{redirect_url}' http://127.0.0.1:8081/prometheus/")).toMatch(/8081\/prometheus\//);
    expect(await host.sh("curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1:8081/")).toBe("404");
    // The exporter shares the server's own loopback, and nobody else reaches the monitor.
    expect(await host.sh("docker exec natsbus-box-n2-exporter busybox wget -q -O - http://127.0.0.1:8222/varz")).toContain('"n2"');
    expect((await host.run(["docker", "exec", "natsbus-box-n1", "wget", "-q", "-O", "-", "http://n2:8222/varz"])).code).not.toBe(0);
    const logs = await host.sh("docker inspect --format '{{json .HostConfig.LogConfig}}' $(docker ps -aq) | sort -u");
    expect(logs).toMatch(/^\{"Type":"json-file","Config":\{"compress":"true","max-file":"\d+","max-size":"\d+b"\}\}\n$/);
  },
);

/** Debian's programs under the names of the official images; the exporter is not to be had as a package, and a page with one series stands in for it. */
async function loadWatchers(host: TestHost): Promise<void> {
  await loadProgramImage(host, "natsio/prometheus-nats-exporter:0.20.1", {
    programs: ["/bin/busybox"],
    files: { "/www/metrics": "nats_stand_in 1\n" },
    entrypoint: ["/bin/busybox", "sh", "-c", "exec busybox httpd -f -p 7777 -h /www"],
  });
  await loadProgramImage(host, "prom/prometheus:v3.5.0", {
    programs: ["/usr/bin/prometheus"],
    folders: ["/prometheus"],
    entrypoint: ["/usr/bin/prometheus"],
  });
  await loadProgramImage(host, "prom/alertmanager:v0.28.1", {
    programs: ["/usr/bin/prometheus-alertmanager"],
    files: { [TEMPLATE]: readFileSync(TEMPLATE, "utf8") },
    entrypoint: ["/usr/bin/prometheus-alertmanager"],
  });
  await loadProgramImage(host, "nginx:1.29-alpine", { programs: ["/usr/sbin/nginx"], entrypoint: ["nginx"] });
}
