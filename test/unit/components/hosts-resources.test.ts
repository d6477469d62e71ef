import * as pulumi from "@pulumi/pulumi";
import { beforeEach, expect, test } from "vitest";
import { ACCOUNTS } from "../../../accounts/catalog.ts";
import { loadDockerTarget } from "../../../components/docker/target.ts";
import { resolveBus } from "../../../components/resolve.ts";
import { loadSystemdTarget } from "../../../components/systemd/target.ts";
import { catalog } from "../../../streams/catalog.ts";
import { emptyBus, FIXED_SECRETS, hostSpec } from "../../support/host-bus.ts";

interface Seen {
  readonly type: string;
  readonly name: string;
  readonly inputs: Record<string, unknown>;
}

const seen: Seen[] = [];

beforeEach(async () => {
  seen.length = 0;
  await pulumi.runtime.setMocks({
    newResource: ({ type, name, inputs, id }) => {
      seen.push({ type, name, inputs: inputs as Record<string, unknown> });
      return { id: id || name, state: inputs as Record<string, unknown> };
    },
    call: () => ({}),
  });
});

const KEY = `ssh-ed25519 ${"A".repeat(68)}`;
const SECRETS = { ...FIXED_SECRETS, keys: pulumi.secret(FIXED_SECRETS.keys), credentials: {} };

async function settle(output: pulumi.Resource): Promise<void> {
  await new Promise((done) => pulumi.output(output.urn).apply(done));
  for (let round = 0; round < 50; round += 1) await new Promise((done) => setTimeout(done, 10));
}

test("declares hosts over SSH: pinned keys, files on standard input, nothing in clear", async () => {
  const hosts = [1, 2, 3].map((n) => ({
    address: `10.0.0.1${n}`,
    hostKey: KEY,
    user: "deploy",
    bastion: { address: "10.0.0.1", hostKey: KEY },
  }));
  const spec = hostSpec({ target: "systemd", systemd: { hosts, binary: { path: "/usr/bin/nats-server" } } });
  const { ready, servers } = (await loadSystemdTarget()).create("bus", { spec, bus: emptyBus(spec), ...SECRETS });
  await settle(ready);
  const commands = seen.filter(({ type }) => type === "command:remote:Command");
  expect(commands.map(({ name }) => name).sort()).toEqual(["bus-host-1", "bus-host-2", "bus-host-3"]);
  for (const { inputs } of commands) {
    expect(inputs["logging"]).toBe("none");
    const text = JSON.stringify([inputs["create"], inputs["update"], inputs["delete"], inputs["environment"], inputs["triggers"]]);
    expect(text).not.toMatch(/SECRET KEY|OPERATOR\.JWT/);
    expect(text).toContain("sudo -n");
    expect(text).toContain("--leave-restarts");
    expect(JSON.stringify(inputs["connection"])).toContain(KEY);
  }
  const { inputs } = commands.find(({ name }) => name === "bus-host-2") as Seen;
  const archive = Buffer.from(secretText(inputs["stdin"]), "base64").toString("latin1");
  expect(archive).toContain("SECRET KEY 2");
  expect(archive).not.toContain("SECRET KEY 1");
  // Restarts are decided over all hosts, and nothing secret is handed to whoever decides.
  const rollout = seen.find(({ name }) => name === "bus-rollout")?.inputs ?? {};
  expect(rollout).toMatchObject({
    hosts: [{ servers: ["n1"] }, { servers: ["n2"] }, { servers: ["n3"] }],
    revision: expect.stringMatching(/^[0-9a-f]{64}$/),
  });
  expect(JSON.stringify(rollout)).not.toMatch(/SECRET KEY|OPERATOR\.JWT/);
  expect(await new Promise((done) => servers.apply(done))).toEqual([
    "tls://10.0.0.11:4222",
    "tls://10.0.0.12:4222",
    "tls://10.0.0.13:4222",
  ]);
});

test("declares containers: hardened, uploads kept secret, servers by label", async () => {
  const docker = { exporter: { enabled: true }, host: "ssh://deploy@10.0.0.5", address: "10.0.0.5", publish: "10.0.0.5" };
  const spec = hostSpec({ target: "docker", docker, limits: { memory: "512MiB", cpu: 0.5 } });
  const { ready } = (await loadDockerTarget()).create("bus", { spec, bus: emptyBus(spec), ...SECRETS });
  await settle(ready);
  const containers = seen.filter(({ type }) => type === "docker:index/container:Container");
  expect(containers.map(({ name }) => name).sort()).toEqual(
    [
      "bus-volumes",
      ...["n1", "n2", "n3"].flatMap((node) => [`bus-${node}`, `bus-${node}-exporter`, `bus-${node}-reload`, `bus-${node}-settings`]),
    ].sort(),
  );
  for (const { name, inputs } of containers) {
    expect([name, inputs["readOnly"], inputs["capabilities"], inputs["securityOpts"]]).toEqual([
      name,
      true,
      { drops: ["ALL"], adds: name === "bus-volumes" ? ["CHOWN"] : [] },
      ["no-new-privileges:true"],
    ]);
    expect(inputs["memory"]).toBe(inputs["memorySwap"]);
    expect(JSON.stringify([inputs["envs"], inputs["command"], inputs["labels"]])).not.toMatch(/SECRET KEY|JWT/);
    if (name.endsWith("-settings")) expect(JSON.stringify(inputs["uploads"])).toContain("SECRET KEY");
    else expect(inputs["uploads"]).toBeUndefined();
  }
  const server = containers.find(({ name }) => name === "bus-n1")?.inputs ?? {};
  expect(server).toMatchObject({
    stopSignal: "SIGUSR2",
    destroyGraceSeconds: 45,
    wait: true,
    restart: "unless-stopped",
    user: "10001:10001",
    memory: 512,
    cpus: "0.5",
  });
  expect(JSON.stringify(server["labels"])).toContain("natsbus.start-settings");
});

test("puts a gate before the first container and behind each, once the servers know a user who may ask", async () => {
  const spec = hostSpec({ target: "docker" });
  const system = pulumi.secret(
    "-----BEGIN NATS USER JWT-----\nJWT\n------END NATS USER JWT------\n-----BEGIN USER NKEY SEED-----\nSEED\n------END USER NKEY SEED------\n",
  );
  const { ready } = (await loadDockerTarget()).create("bus", { spec, bus: emptyBus(spec), ...SECRETS, system });
  await settle(ready);
  const gates = seen.filter(({ name }) => name.startsWith("bus-gate-"));
  expect(gates.map(({ name }) => name).sort()).toEqual(["bus-gate-first", "bus-gate-n1", "bus-gate-n2", "bus-gate-n3"]);
  const inputsOf = (name: string) => gates.find((gate) => gate.name === name)?.inputs ?? {};
  expect(inputsOf("bus-gate-first")).toMatchObject({
    servers: ["n1", "n2", "n3"],
    leader: "n3",
    revision: expect.stringMatching(/^[0-9a-f]{16}$/),
  });
  // A replaced container has another id, and only then is the gate behind it asked.
  expect(inputsOf("bus-gate-n2")).toMatchObject({ revision: "bus-n2" });
  expect(inputsOf("bus-gate-n2")["leader"]).toBeUndefined();
  for (const { inputs } of gates) expect(JSON.stringify({ ...inputs, connection: undefined })).not.toContain("SEED");
});

test("declares what watches the containers, each with its files from a volume of its own", async () => {
  const on = { enabled: true };
  const docker = { exporter: on, prometheus: on, alertmanager: on, grafana: on, proxy: on };
  const config = { "natsbus:target": "docker", "natsbus:docker": JSON.stringify(docker) };
  const bus = resolveBus(config, { stack: "test", project: "natsbus" }, { streams: catalog, accounts: ACCOUNTS });
  const { ready } = (await loadDockerTarget()).create("bus", { spec: bus.spec, bus, ...SECRETS });
  await settle(ready);
  const inputsOf = (name: string) => seen.find((one) => one.name === name)?.inputs ?? {};
  for (const part of ["prometheus", "alertmanager", "grafana", "proxy"]) {
    expect(inputsOf(`bus-${part}`)).toMatchObject({ readOnly: true, user: "65534:65534", restart: "unless-stopped" });
    expect(JSON.stringify(inputsOf(`bus-${part}-settings`)["uploads"]).length).toBeGreaterThan(200);
  }
  expect(JSON.stringify(inputsOf("bus-prometheus-settings")["uploads"])).toContain("NatsJetStreamDown");
  expect(JSON.stringify(inputsOf("bus-prometheus-settings")["uploads"])).toContain("n3:7777");
});

test("hands each host the settings of the probe that watches its servers, and the canary's credentials", async () => {
  const hosts = [1, 2, 3].map((n) => ({ address: `10.0.0.1${n}`, hostKey: KEY }));
  const systemd = { hosts, binary: { path: "/usr/bin/nats-server" } };
  const config = { "natsbus:target": "systemd", "natsbus:systemd": JSON.stringify(systemd), "natsbus:monitoring": '{"enabled":true}' };
  const bus = resolveBus(config, { stack: "test", project: "natsbus" }, { streams: catalog, accounts: ACCOUNTS });
  const credentials = pulumi.secret({ canary: "CANARY CREDENTIALS" });
  const { ready } = (await loadSystemdTarget()).create("bus", { spec: bus.spec, bus, ...SECRETS, credentials });
  await settle(ready);
  const archive = Buffer.from(secretText(seen.find(({ name }) => name === "bus-host-2")?.inputs["stdin"]), "base64").toString("latin1");
  expect(archive).toContain("CANARY CREDENTIALS");
  expect(archive).toContain("ExecStart=/usr/local/bin/natsbus probe --config /etc/natsbus/natsbus-test/probe.json");
  expect(archive).toContain('"clientUrl": "tls://10.0.0.12:4222"');
  expect(archive).not.toContain('"clientUrl": "tls://10.0.0.11:4222"');
});

function secretText(value: unknown): string {
  if (typeof value === "string") return value;
  return typeof value === "object" && value !== null && "value" in value ? String(value.value) : "";
}
