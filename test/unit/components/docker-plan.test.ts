import { expect, test } from "vitest";
import { parse } from "yaml";
import { withBeside } from "../../../components/docker/beside.ts";
import { renderCompose } from "../../../components/docker/compose.ts";
import { CONTAINER_RULES, containerProblems } from "../../../components/docker/hardening.ts";
import { type ContainerPlan, planDocker } from "../../../components/docker/plan.ts";
import { FIXED_SECRETS, hostSpec, type StackBlocks } from "../../support/host-bus.ts";

const EVERYTHING = {
  exporter: { enabled: true },
  prometheus: { enabled: true },
  alertmanager: { enabled: true },
  grafana: { enabled: true },
  proxy: { enabled: true },
};

function planOf(blocks: StackBlocks = {}) {
  const spec = hostSpec({ target: "docker", ...blocks });
  return withBeside(planDocker({ spec, ...FIXED_SECRETS }), spec, []);
}

test("every container of every choice keeps every rule", () => {
  for (const blocks of [{}, { docker: EVERYTHING }, { docker: EVERYTHING, limits: { memory: "512MiB", cpu: 0.5 } }]) {
    expect(containerProblems(planOf(blocks))).toEqual([]);
  }
});

test("each rule catches what it is about", () => {
  const plan = planOf();
  const server = plan.containers.find(({ name }) => name === "n1") as ContainerPlan;
  const bad: Partial<ContainerPlan>[] = [
    { user: "0:0" },
    { capabilities: ["SYS_ADMIN"] },
    { image: "nats:latest" },
    { processes: 0 },
    { environment: { CREDS: `SU${"A".repeat(56)}` } },
    { mounts: [{ kind: "files", folder: "/var/run/docker.sock", target: "/x" }] },
    { mounts: [{ kind: "files", folder: "x", target: "/usr" }] },
    { ports: [{ address: "127.0.0.1", outside: 80, inside: 80 }] },
    { networkOf: "nobody" },
    { stopSeconds: 1 },
    { labels: { "natsbus.part": "server" } },
  ];
  for (const change of bad)
    expect([change, containerProblems({ ...plan, containers: [{ ...server, ...change }] }).length]).not.toEqual([change, 0]);
  const { health: _, ...unwatched } = server;
  expect(containerProblems({ ...plan, containers: [unwatched] })).not.toEqual([]);
  expect(CONTAINER_RULES.length).toBeGreaterThanOrEqual(15);
});

test("writes Compose files that say all of it, the same bytes each time", () => {
  const files = renderCompose(planOf({ docker: EVERYTHING }), "#!/bin/sh\n");
  expect(renderCompose(planOf({ docker: EVERYTHING }), "#!/bin/sh\n")).toEqual(files);
  const text = files.find(({ path }) => path === "compose.yaml")?.content ?? "";
  expect(text).not.toMatch(/SECRET KEY|JWT/);
  const { services } = parse(text) as { services: Record<string, Record<string, unknown>> };
  for (const [name, service] of Object.entries(services)) {
    expect([name, service["read_only"], service["cap_drop"], service["security_opt"]]).toEqual([
      name,
      true,
      ["ALL"],
      ["no-new-privileges:true"],
    ]);
    expect([name, service["privileged"]]).toEqual([name, undefined]);
  }
  expect(services["n1"]).toMatchObject({ stop_signal: "SIGUSR2", restart: "unless-stopped", ports: ["127.0.0.1:4222:4222"] });
  expect(services["n1-exporter"]).toMatchObject({ network_mode: "service:n1" });
});

test("replaces a server's container only for what it reads at its start", () => {
  const labelOf = (blocks: StackBlocks) => planOf(blocks).containers.find(({ name }) => name === "n1")?.labels["natsbus.start-settings"];
  expect(labelOf({ limits: { maxPayload: "2MiB" } })).toBe(labelOf({}));
  expect(labelOf({ jetstream: { maxStorage: "400MB" } })).not.toBe(labelOf({}));
});
