import { describe, expect, test } from "vitest";
import { planNodeConfigs } from "../../../../components/process/node-config.ts";
import { classifyChange } from "../../../../core/reload.ts";
import { CLUSTER_INPUTS, nodesOf } from "./inputs.ts";

describe("a node's configuration", () => {
  test("names its own certificate, listens where its place says, and dials the others only", () => {
    const [, second] = planNodeConfigs(CLUSTER_INPUTS);
    expect(second?.spec).toMatchObject({
      serverName: "n2",
      client: { host: "127.0.0.1", port: 4223 },
      monitor: { host: "127.0.0.1", port: 8223, tls: false },
      cluster: { name: "test", port: 6223, routes: ["nats-route://127.0.0.1:6222", "nats-route://127.0.0.1:6224"] },
    });
    expect(second?.tlsFiles.map((file) => file.content)).toEqual(["CERTIFICATE 2", "KEY 2", "AUTHORITY"]);
    expect(second?.spec.clientTls?.keyFile).toBe(second?.tlsFiles[1]?.path);
  });

  test("holds no private key", () => {
    for (const config of planNodeConfigs(CLUSTER_INPUTS)) expect(config.text).not.toContain("KEY ");
  });

  test("has no cluster for a lone server", () => {
    const [only] = planNodeConfigs({ ...CLUSTER_INPUTS, nodes: nodesOf(1) });
    expect(only?.spec.cluster).toBeUndefined();
  });

  test("leaves clients unencrypted only when asked, and routes never", () => {
    const settings = { ...CLUSTER_INPUTS.settings, tls: { clients: false, handshakeFirst: false } };
    const [first] = planNodeConfigs({ ...CLUSTER_INPUTS, settings });
    expect(first?.spec.clientTls).toBeUndefined();
    expect(first?.spec.cluster?.tls?.certFile).toMatch(/^tls\/[0-9a-f]{12}\.pem$/);
  });

  test("changes when a certificate is renewed under the same name, and a reload is enough", () => {
    const renewed = {
      ...CLUSTER_INPUTS,
      certificates: { ...CLUSTER_INPUTS.certificates, n1: "NEXT" },
      keys: { ...CLUSTER_INPUTS.keys, n1: "NEXT KEY" },
    };
    const [before, after] = [planNodeConfigs(CLUSTER_INPUTS), planNodeConfigs(renewed)];
    expect(after[0]?.text).not.toBe(before[0]?.text);
    expect(after[1]?.text).toBe(before[1]?.text);
    const [was, is] = [before[0]?.spec, after[0]?.spec];
    expect(was !== undefined && is !== undefined && classifyChange(was, is).action).toBe("reload");
  });

  test("of running servers needs a reload only when servers are added", () => {
    const grown = { ...CLUSTER_INPUTS, nodes: nodesOf(5) };
    const [was, is] = [planNodeConfigs(CLUSTER_INPUTS)[0]?.spec, planNodeConfigs(grown)[0]?.spec];
    expect(was !== undefined && is !== undefined && classifyChange(was, is).action).toBe("reload");
  });
});
