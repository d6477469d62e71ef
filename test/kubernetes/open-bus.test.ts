import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { closeConnections } from "../../connection/pool.ts";
import { prepareBus } from "./bus.ts";

const NAMESPACE = "natsbus-test-open";

// Without accounts no credentials make the connection a secret: the kubeconfig alone has to.
test("a kubeconfig given as text stays secret in the state of a bus without accounts, and is enough to reach it", async () => {
  const kubeconfig = readFileSync(process.env["KUBECONFIG"] ?? "", "utf8");
  const secrets = kubeconfig.match(/(?<=(?:token|client-key-data|password)"?: ?"?)[\w+/=.-]{16,}/g) ?? [];
  expect(secrets).not.toEqual([]);
  const kubernetes = {
    namespace: NAMESPACE,
    preset: "nano",
    kubeconfig,
    storage: { ephemeral: true, size: "640MiB" },
    exporter: { enabled: false },
  };
  const jetstream = { maxMemory: "64MiB", maxStorage: "512MB" };
  await using bus = await prepareBus(
    { "natsbus:auth": { mode: "none" }, "natsbus:cluster": { servers: 1 }, "natsbus:jetstream": jetstream },
    NAMESPACE,
  );
  const set = ["config", "set", "kubernetes", "-", "--secret", "--stack", "dev"];
  expect((await bus.project.natsbus(set, { stdin: JSON.stringify(kubernetes) })).code).toBe(0);
  await bus.apply();
  await bus.up({ env: { KUBECONFIG: "/nowhere" } });
  await bus.natsbus(["publish", "consciousness.normal.open", "hello"]);
  expect(await bus.natsbus(["read", "CONSCIOUSNESS"])).toContain("hello");
  const state = readdirSync(bus.project.path(".natsbus", "state"), { recursive: true, withFileTypes: true });
  const files = state.filter((entry) => entry.isFile()).map((file) => join(file.parentPath, file.name));
  expect(files.some((file) => readFileSync(file, "utf8").includes("CONSCIOUSNESS"))).toBe(true);
  for (const secret of secrets) {
    expect(files.filter((file) => readFileSync(file, "utf8").includes(secret))).toEqual([]);
    expect(bus.transcript().includes(secret)).toBe(false);
  }
  await closeConnections();
});
