import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { composePlugin, loadImage } from "../support/docker-bus.ts";
import { createProject } from "../support/project.ts";
import { startTestHost } from "../support/test-host.ts";
import { dockerObstacle, titled } from "./obstacles.ts";

const plugin = composePlugin();
const missing = dockerObstacle();
const STACK = `config:
  natsbus:target: docker
  natsbus:limits: { memory: 768MiB, cpu: 1, maxConnections: 1000 }
  natsbus:lameDuck: { gracePeriod: 500ms }
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
