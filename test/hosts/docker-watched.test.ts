import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { composePlugin, loadImage } from "../support/docker-bus.ts";
import { exporterProgram, loadProgramImage } from "../support/program-image.ts";
import { createProject } from "../support/project.ts";
import { startTestHost, type TestHost } from "../support/test-host.ts";
import { titled, watchedObstacle } from "./obstacles.ts";

const missing = watchedObstacle();
/** Debian keeps them beside the program, the official one inside. */
const TEMPLATES = ["default", "email"].map((name) => `/usr/share/prometheus/alertmanager/${name}.tmpl`);
const GRAFANA_IMAGE = "grafana/grafana:12.1.1";
const PROXY = "http://127.0.0.1:8081";
const WATCHED = `config:
  natsbus:target: docker
  natsbus:limits: { memory: 768MiB, cpu: 1, maxConnections: 1000 }
  natsbus:lameDuck: { gracePeriod: 500ms }
  natsbus:logging: { level: debug, maxFileSize: 1MiB, keepFiles: 3 }
  natsbus:monitoring: { scrapeInterval: 2s }
  natsbus:docker:
    exporter: { enabled: true }
    prometheus: { enabled: true }
    alertmanager: { enabled: true }
    grafana: { enabled: true }
    proxy: { enabled: true }
    proxyPort: 8081
`;

/** What Prometheus answers, as far as it is read. */
interface Answer {
  readonly data?: {
    readonly activeTargets?: readonly { readonly health: string; readonly scrapeUrl: string; readonly lastError: string }[];
    readonly activeAlertmanagers?: readonly { readonly url: string }[];
    readonly groups?: readonly {
      readonly rules: readonly { readonly name: string; readonly health: string; readonly lastError?: string }[];
    }[];
    readonly result?: readonly { readonly value: readonly [number, string] }[];
  };
}

/** What the engine says of a container, as far as it is read. */
interface RunningContainer {
  readonly Name: string;
  readonly Config: { readonly User: string; readonly Healthcheck?: unknown };
  readonly HostConfig: {
    readonly Memory: number;
    readonly MemorySwap: number;
    readonly NanoCpus: number;
    readonly PidsLimit: number;
    readonly PortBindings: Readonly<Record<string, readonly { readonly HostIp: string }[]>>;
  };
  readonly Mounts: readonly { readonly Source: string }[];
}

/** The rules as they were rendered, as far as they are read. */
interface RulesFile {
  readonly groups: readonly { readonly rules: readonly unknown[] }[];
}

/** Grafana's provisioning, as far as it is read. */
interface GrafanaFile {
  readonly providers?: readonly { readonly options: { readonly path: string } }[];
  readonly datasources?: readonly { readonly url: string }[];
}

describe.skipIf(missing !== undefined)(titled("what watches the servers from containers of its own", missing), () => {
  let host: TestHost;
  let project: Awaited<ReturnType<typeof createProject>>;
  const compose = (command: string) =>
    host.run(["bash", "-c", `cd ${project.directory}/compose && DOCKER_CONFIG=${project.directory}/docker-config ${command}`]);
  const get = (path: string) => host.sh(`curl -sf '${PROXY}${path}' || true`);
  const ask = async (path: string): Promise<Answer> => JSON.parse((await get(`/prometheus/api/v1/${path}`)) || "{}") as Answer;

  beforeAll(async () => {
    host = await startTestHost("docker", "watched");
    await loadImage(host, "nats:2.15.2-alpine");
    await loadWatchers(host);
    project = await createProject();
    writeFileSync(join(project.directory, "Pulumi.box.yaml"), WATCHED);
    mkdirSync(`${project.directory}/docker-config/cli-plugins`, { recursive: true });
    symlinkSync(composePlugin() ?? "", `${project.directory}/docker-config/cli-plugins/docker-compose`);
    await host.sh(`cd ${project.directory} && PULUMI_STACK= ${process.execPath} cli/natsbus.js render --stack box --out compose`);
    const applied = await compose("./apply.sh");
    expect(applied.code, applied.stderr).toBe(0);
  });
  afterAll(async () => {
    await project[Symbol.asyncDispose]();
    await host[Symbol.asyncDispose]();
  });

  test("Prometheus scrapes every server's exporter, has loaded the rules, and tells Alertmanager", async () => {
    await expect
      .poll(async () => (await ask("targets?state=active")).data?.activeTargets?.map(({ health, lastError }) => `${health}${lastError}`), {
        timeout: 60_000,
        interval: 500,
      })
      .toEqual(["up", "up", "up"]);
    await expect
      .poll(async () => (await ask("query?query=count(nats_varz_connections)")).data?.result?.[0]?.value[1], { timeout: 60_000 })
      .toBe("3");
    // Some groups are evaluated each few minutes only; a rule that cannot be is told by its error.
    const rules = async () => (await ask("rules")).data?.groups?.flatMap((group) => group.rules) ?? [];
    await expect.poll(async () => (await rules()).some(({ health }) => health === "ok"), { timeout: 60_000, interval: 500 }).toBe(true);
    const written = parse(readFileSync(`${project.directory}/compose/files/prometheus/rules.yml`, "utf8")) as RulesFile;
    expect(await rules()).toHaveLength(written.groups.flatMap((group) => group.rules).length);
    expect((await rules()).filter(({ lastError = "" }) => lastError !== "")).toEqual([]);
    expect((await ask("alertmanagers")).data?.activeAlertmanagers).toEqual([{ url: "http://alertmanager:9093/api/v2/alerts" }]);
    // An alert from before Alertmanager was discovered is told again after a minute only, so that one fires later.
    const later = "  - { name: later, interval: 1s, rules: [{ alert: ToldToAlertmanager, expr: vector(1), for: 8s }] }";
    await host.sh(
      `echo '${later}' >> ${project.directory}/compose/files/prometheus/rules.yml; docker kill --signal HUP natsbus-box-prometheus`,
    );
    await expect
      .poll(() => get("/alertmanager/api/v2/alerts"), { timeout: 120_000, interval: 500 })
      .toContain('"alertname":"ToldToAlertmanager"');
  });

  test("the exporter shares its server's network and nobody else reaches the monitor", async () => {
    expect(await host.sh("docker exec natsbus-box-n2-exporter busybox wget -q -O - http://127.0.0.1:8222/varz")).toContain('"n2"');
    expect((await host.run(["docker", "exec", "natsbus-box-n1", "wget", "-q", "-O", "-", "http://n2:8222/varz"])).code).not.toBe(0);
  });

  test("every running container is what the table of rules asks for, as the engine sees it", async () => {
    const inspected = JSON.parse(await host.sh("docker inspect $(docker ps -q)")) as readonly RunningContainer[];
    expect(inspected).toHaveLength(10);
    for (const { Name, Config, HostConfig, Mounts } of inspected) {
      const isServer = /-n\d$/.test(Name);
      expect([Name, Config.User, Config.Healthcheck === undefined]).toEqual([
        Name,
        expect.stringMatching(/^[1-9]\d+:[1-9]\d+$/),
        !isServer,
      ]);
      expect([Name, HostConfig]).toEqual([
        Name,
        expect.objectContaining({
          Privileged: false,
          ReadonlyRootfs: true,
          CapAdd: null,
          CapDrop: ["ALL"],
          SecurityOpt: ["no-new-privileges:true"],
          PidMode: "",
          IpcMode: "private",
          UTSMode: "",
          NetworkMode: expect.stringMatching(/^(natsbus-box|container:[0-9a-f]+)$/),
          PublishAllPorts: false,
          RestartPolicy: expect.objectContaining({ Name: "unless-stopped" }),
        }),
      ]);
      expect([
        Name,
        HostConfig.Memory > 0 && HostConfig.Memory === HostConfig.MemorySwap,
        HostConfig.NanoCpus > 0,
        HostConfig.PidsLimit > 0,
      ]).toEqual([Name, true, true, true]);
      expect(Mounts.map(({ Source }) => Source).filter((source) => source.includes("docker.sock"))).toEqual([]);
      const published = Object.values(HostConfig.PortBindings).flat();
      expect(published.filter(({ HostIp }) => HostIp !== "127.0.0.1")).toEqual([]);
    }
  });

  test("the proxy shows each at its path and nothing else, also when one was replaced and has another address", async () => {
    const head = (path: string) => host.sh(`curl -s -o /dev/null -w '%{http_code} %{redirect_url}' ${PROXY}${path}`);
    expect(await head("/prometheus/")).toMatch(/^302 http:\/\/127\.0\.0\.1:8081\/prometheus\/.*graph$/);
    expect(await get("/alertmanager/api/v2/status")).toContain('"versionInfo"');
    expect(await head("/")).toBe("404 ");
    const address = "docker inspect --format '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' natsbus-box-prometheus";
    const before = await host.sh(address);
    await host.sh(
      `docker stop natsbus-box-prometheus; docker run --detach --name other --network natsbus-box --entrypoint /bin/busybox ${GRAFANA_IMAGE} sleep 600`,
    );
    await host.sh("docker start natsbus-box-prometheus");
    expect(await host.sh(address)).not.toBe(before);
    await expect.poll(() => get("/prometheus/-/ready"), { timeout: 60_000, interval: 500 }).toContain("Ready");
    await host.sh("docker rm --force other");
  });

  test("Grafana's files are where its provisioning says (Grafana itself could not be had: it was not seen reading them)", async () => {
    const files = (folder: string) => readdirSync(`${project.directory}/compose/files/grafana/${folder}`);
    const read = async (path: string) => parse(await get(`/grafana/${path}`)) as GrafanaFile;
    const [providers = ""] = files("provisioning/dashboards");
    const [source = ""] = files("provisioning/datasources");
    const folder = (await read(`provisioning/dashboards/${providers}`)).providers?.[0]?.options.path ?? "";
    const names = (await host.sh(`docker exec natsbus-box-grafana busybox find ${folder} -type f`)).trim().split("\n");
    expect(names).toHaveLength(files("dashboards").length);
    expect(names.length).toBeGreaterThan(3);
    for (const name of names)
      expect(JSON.parse(await get(name.replace("/etc", "")))).toMatchObject({ title: expect.any(String), uid: expect.any(String) });
    const { url } = (await read(`provisioning/datasources/${source}`)).datasources?.[0] ?? { url: "" };
    expect(await host.sh(`docker exec natsbus-box-grafana busybox wget -q -O - ${url}/-/ready`)).toContain("Ready");
  });

  test("logs are rotated and compressed as the stack file says", async () => {
    const configs = await host.sh("docker inspect --format '{{json .HostConfig.LogConfig}}' $(docker ps -q) | sort -u");
    expect(configs).toBe('{"Type":"json-file","Config":{"compress":"true","max-file":"3","max-size":"1048576b"}}\n');
    const log = (await host.sh("docker inspect --format '{{.LogPath}}' natsbus-box-n1")).trim();
    const connect = "for i in $(seq 500); do exec 3<>/dev/tcp/127.0.0.1/4222; exec 3>&-; done";
    await expect.poll(() => host.sh(`${connect}; ls ${log}*`), { timeout: 120_000, interval: 100 }).toContain(`${log}.1.gz`);
    expect(await host.sh(`gzip -dc ${log}.1.gz | head -n 1`)).toContain('"stream":');
  });

  test("destroy leaves nothing", async () => {
    expect(await compose("docker compose down --volumes --timeout 1")).toMatchObject({ code: 0 });
    expect(
      await host.sh("docker ps -aq; docker volume ls -q; docker network ls --format '{{.Name}}' | grep -vE '^(bridge|host|none)$' || true"),
    ).toBe("");
  });
});

/** Debian's programs and the official exporter under the names of the official images. Grafana is not to be had: a web server stands in its place and shows what is mounted there. */
async function loadWatchers(host: TestHost): Promise<void> {
  await loadProgramImage(host, "natsio/prometheus-nats-exporter:0.20.1", {
    programs: { "/bin/busybox": "/bin/busybox", "/prometheus-nats-exporter": exporterProgram() },
    entrypoint: ["/prometheus-nats-exporter"],
  });
  await loadProgramImage(host, "prom/prometheus:v3.5.0", {
    programs: { "/bin/prometheus": "/usr/bin/prometheus" },
    folders: ["/prometheus"],
    entrypoint: ["/bin/prometheus"],
  });
  await loadProgramImage(host, "prom/alertmanager:v0.28.1", {
    programs: { "/bin/alertmanager": "/usr/bin/prometheus-alertmanager", ...Object.fromEntries(TEMPLATES.map((path) => [path, path])) },
    entrypoint: ["/bin/alertmanager"],
  });
  await loadProgramImage(host, GRAFANA_IMAGE, {
    programs: { "/bin/busybox": "/bin/busybox" },
    links: { "/www/grafana": "/etc/grafana" },
    entrypoint: ["/bin/busybox", "httpd", "-f", "-p", "3000", "-h", "/www"],
  });
  await loadProgramImage(host, "nginx:1.29-alpine", { programs: { "/usr/sbin/nginx": "/usr/sbin/nginx" }, entrypoint: ["nginx"] });
}
