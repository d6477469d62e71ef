import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { composePlugin, loadImage, loadProgramImage } from "../support/docker-bus.ts";
import { createProject } from "../support/project.ts";
import { missingFor, startTestHost, type TestHost } from "../support/test-host.ts";
import { dockerObstacle, titled } from "./obstacles.ts";

const plugin = composePlugin();
const missing = dockerObstacle();
const unwatched = missing ?? missingFor("docker", ["prometheus", "prometheus-alertmanager", "promtool", "amtool", "nginx", "curl"]);
const STACK = `config:
  natsbus:target: docker
  natsbus:limits: { memory: 768MiB, cpu: 1, maxConnections: 1000 }
  natsbus:lameDuck: { gracePeriod: 500ms }
`;
const WATCHED = `${STACK}  natsbus:docker:
    exporter: { enabled: true }
    prometheus: { enabled: true }
    alertmanager: { enabled: true }
    proxy: { enabled: true }
    proxyPort: 8081
`;

test.skipIf(missing !== undefined)(
  titled("render, docker compose up --wait and up --contents-only make a whole bus without a plugin", missing),
  async () => {
    await using host = await startTestHost("docker", "render");
    await loadImage(host, "nats:2.15.2-alpine");
    await using project = await createProject();
    writeFileSync(join(project.directory, "Pulumi.box.yaml"), STACK);
    const natsbus = (text: string) =>
      host.run(["bash", "-c", `cd ${project.directory} && PULUMI_STACK= ${process.execPath} cli/natsbus.js ${text}`]);
    const refused = await natsbus("up --yes --stack box");
    expect(refused.stderr).toContain("ERR_ENGINE_PLUGIN_MISSING");
    expect(refused.stderr).toContain("natsbus render --stack box");
    const rendered = await natsbus("render --stack box --out compose");
    expect(rendered.code, rendered.stderr).toBe(0);
    const again = await natsbus("render --stack box --out compose-2");
    expect(again.code).toBe(0);
    await host.sh(`diff -r ${project.directory}/compose ${project.directory}/compose-2`);
    const config = `${project.directory}/docker-config`;
    await host.sh(`mkdir -p ${config}/cli-plugins; ln -s ${plugin} ${config}/cli-plugins/docker-compose`);
    await host.sh(`DOCKER_CONFIG=${config} docker compose --file ${project.directory}/compose/compose.yaml up --detach --wait`);
    const contents = await natsbus("up --contents-only --yes --stack box");
    expect(contents.code, contents.stderr).toBe(0);
    const unchanged = await natsbus("up --contents-only --yes --expect-no-changes --stack box");
    expect(unchanged.code, `${unchanged.stdout}${unchanged.stderr}`).toBe(0);
    const page = await host.sh("docker exec natsbus-box-n1 wget -q -O - 'http://127.0.0.1:8222/jsz?streams=true&accounts=true'");
    for (const stream of ["CONSCIOUSNESS", "SECURITY", "PERFORMANCE", "ORCHESTRATION"]) expect(page).toContain(stream);
    await host.sh(`DOCKER_CONFIG=${config} docker compose --file ${project.directory}/compose/compose.yaml down --volumes --timeout 1`);
    expect(await host.sh("docker ps -aq; docker volume ls -q")).toBe("");
  },
);

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
    console.log(await host.sh("sleep 5; docker ps -a; for c in prometheus alertmanager proxy n1-exporter; do echo == $c; docker logs --tail 8 natsbus-box-$c 2>&1; done; curl -si http://127.0.0.1:8081/prometheus/api/v1/targets | head -c 600 || true"));
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
    entrypoint: ["/usr/bin/prometheus-alertmanager"],
  });
  await loadProgramImage(host, "nginx:1.29-alpine", { programs: ["/usr/sbin/nginx"], entrypoint: ["nginx"] });
}
