import { describe, expect, test } from "vitest";
import type { BusSpec } from "../../../core/bus-spec.ts";
import { checkBus } from "../../../core/rules.ts";
import { parseStackConfig } from "../../../core/stack-config.ts";
import { clientUrls, planNodes, routeUrls } from "../../../core/topology.ts";
import { compareVersions, isSupported } from "../../../core/version.ts";

function bus(config: Record<string, unknown> = {}): BusSpec {
  const raw = Object.fromEntries(Object.entries(config).map(([key, value]) => [`natsbus:${key}`, JSON.stringify(value)]));
  return parseStackConfig({ ...raw, "kubernetes:context": "elsewhere" }, { stack: "my.stack", project: "natsbus" });
}

describe("parseStackConfig", () => {
  test("fills in every default from the stack and project when nothing is said, and skips other namespaces", () => {
    expect(bus()).toMatchObject({
      target: "process",
      cluster: { name: "natsbus-my-stack", servers: 3, version: "2.15.2" },
      process: {
        directory: ".natsbus/my.stack",
        host: "127.0.0.1",
        ports: { client: [4222, 4223, 4224], monitor: [8222, 8223, 8224], route: [6222, 6223, 6224] },
      },
      jetstream: { maxMemoryBytes: 128e6, maxStorageBytes: 512e6 },
      auth: { mode: "jwt", operator: "natsbus" },
      tls: { clients: true },
    });
    expect(bus().jetstream).not.toHaveProperty("domain");
  });

  test("resolves what is said", () => {
    const spec = bus({
      cluster: { servers: 1, name: "x" },
      process: { ports: { client: [14222] } },
      limits: { cpu: 0.5, memory: "1GiB" },
      jetstream: { syncInterval: "always" },
      streams: { A: null },
    });
    expect(spec.process.ports).toEqual({ client: [14222], monitor: [8222], route: [6222] });
    expect(spec.limits).toMatchObject({ cpu: 0.5, memoryBytes: 1024 ** 3 });
    expect(spec.jetstream.syncInterval).toBe("always");
    expect(spec.overrides.streams).toEqual({ A: null });
  });
});

describe("planNodes", () => {
  test("names and addresses every server", () => {
    const nodes = planNodes(bus({ process: { directory: "run/" } }));
    expect(nodes[1]).toEqual({
      name: "n2",
      host: "127.0.0.1",
      monitorHost: "127.0.0.1",
      ports: { client: 4223, monitor: 8223, route: 6223 },
      clientUrl: "tls://127.0.0.1:4223",
      routeUrl: "nats-route://127.0.0.1:6223",
      monitorUrl: "http://127.0.0.1:8223",
      directory: "run/n2",
    });
    expect(clientUrls(nodes)).toHaveLength(3);
    expect(routeUrls(nodes)).toContain("nats-route://127.0.0.1:6224");
  });

  test("the plain monitor stays on loopback whatever the host; HTTPS follows the host", () => {
    expect(planNodes(bus({ process: { host: "10.0.0.5" } }))[0]).toMatchObject({
      host: "10.0.0.5",
      monitorHost: "127.0.0.1",
      monitorUrl: "http://127.0.0.1:8222",
      clientUrl: "tls://10.0.0.5:4222",
    });
    expect(planNodes(bus({ process: { host: "::", monitorTls: true } }))[0]).toMatchObject({
      monitorHost: "::",
      monitorUrl: "https://127.0.0.1:8222",
    });
    expect(planNodes(bus({ process: { host: "fd00::5" } }))[0]?.clientUrl).toBe("tls://[fd00::5]:4222");
  });
});

test("advice names what is allowed but unwise", () => {
  const stream = { path: "streams.A", name: "A", account: "APP", subjects: ["a"], storage: "file" as const, maxAgeMs: 0, needs: [] };
  const spec = bus({
    cluster: { servers: 4 },
    logging: { level: "trace" },
    auth: { mode: "none" },
    tls: { clients: false },
    process: { ports: { client: 40_000 } },
  });
  const { problems, warnings } = checkBus(spec, [
    { ...stream, replicas: 2, maxBytes: -1 },
    { ...stream, path: "streams.B", subjects: ["b"], replicas: 1, maxBytes: 5 },
  ]);
  expect(problems).toEqual([]);
  expect(warnings.map((warning) => warning.split(": ", 1)[0])).toEqual([
    "cluster.servers",
    "tls.clients",
    "auth.mode",
    "logging.level",
    "process.ports.client",
    "streams.A.replicas",
    "streams.A.maxBytes",
    "streams.B.replicas",
  ]);
});

describe("versions", () => {
  test.each([
    ["2.15.2", "2.15.2", 0],
    ["2.15.10", "2.15.9", 1],
    ["2.9.0", "2.15.0", -1],
    ["2.15.2-RC.1", "2.15.2", -1],
  ])("%s against %s", (a, b, sign) => {
    expect(Math.sign(compareVersions(a, b))).toBe(sign);
    expect(Math.sign(compareVersions(b, a)) + sign).toBe(0);
  });

  test.each([
    ["2.11.99", false],
    ["2.12.0", true],
    ["2.15.99", true],
    ["2.16.0", false],
    ["3.12.0", false],
  ])("%s is supported: %s", (version, supported) => {
    expect(isSupported(version)).toBe(supported);
  });
});
