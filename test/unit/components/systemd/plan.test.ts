import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { packBundle, planBundle } from "../../../../components/systemd/bundle.ts";
import { installCommand, uninstallCommand } from "../../../../components/systemd/commands.ts";
import { planHostNodes } from "../../../../components/systemd/host-plan.ts";
import { type HostTree, planHostTrees } from "../../../../components/systemd/tree.ts";
import { fixedSystemdInputs } from "../../../support/host-bus.ts";

const KEY = `ssh-ed25519 ${"A".repeat(68)}`;
const THREE_HOSTS = {
  systemd: { hosts: [1, 2, 3].map((n) => ({ address: `10.0.0.1${n}`, hostKey: KEY, user: "deploy" })), clientNetworks: ["10.0.0.0/8"] },
};
const PROD = {
  ...THREE_HOSTS,
  logging: { level: "info" },
  limits: { maxConnections: 100_000, memory: "1GiB", cpu: 0.5 },
  jetstream: { maxMemory: "512MB", maxStorage: "2GB" },
};

function treeOf(blocks: Record<string, unknown> = {}): HostTree {
  return planHostTrees(fixedSystemdInputs(blocks))[0] as HostTree;
}

function textOf(tree: HostTree, ending: string): string {
  return tree.files.find(({ path }) => path.endsWith(ending))?.content ?? "";
}

test("deals servers to hosts in turn, with consecutive ports on each", () => {
  const blocks = { cluster: { servers: 5 }, systemd: { ...THREE_HOSTS.systemd, hosts: THREE_HOSTS.systemd.hosts.slice(0, 2) } };
  const nodes = planHostNodes(fixedSystemdInputs(blocks).spec);
  expect(nodes.map(({ name, host, ports }) => [name, host.address, ports.client])).toEqual([
    ["n1", "10.0.0.11", 4222],
    ["n2", "10.0.0.12", 4222],
    ["n3", "10.0.0.11", 4223],
    ["n4", "10.0.0.12", 4223],
    ["n5", "10.0.0.11", 4224],
  ]);
});

test("gives equal trees for equal inputs", () => {
  expect(planHostTrees(fixedSystemdInputs(PROD))).toEqual(planHostTrees(fixedSystemdInputs(PROD)));
});

test("keeps every secret in files that only root and the servers may read", () => {
  const blocks = { systemd: { proxy: { enabled: true, users: { ann: "$2y$05$abcdefghijklmnopqrstuv" } } } };
  for (const { path, content, mode } of treeOf(blocks).files) {
    if (/SECRET KEY|OPERATOR\.JWT|\$2y\$/.test(content)) expect([path, mode]).toEqual([path, "0640"]);
  }
  const { settings, servers } = treeOf(blocks);
  expect(settings + servers).not.toMatch(/SECRET|JWT/);
});

test("writes no secret into a command", () => {
  const [host] = fixedSystemdInputs(THREE_HOSTS).spec.systemd.hosts;
  if (host === undefined) throw new Error("no host");
  const text = installCommand(host, ".program", "cluster") + uninstallCommand(host, "test", true);
  expect(text).not.toMatch(/SECRET|JWT|\$2y\$/);
  expect(text).toContain("sudo -n");
  expect(uninstallCommand(host, "test", false)).not.toContain("--purge-data");
});

test("limits production servers and leaves development ones free", () => {
  const dev = textOf(treeOf(), "nats-natsbus-test-n1.service");
  expect(dev).not.toMatch(/MemoryMax|CPUQuota|GOMEMLIMIT/);
  expect(dev).toContain("LimitNOFILE=73728");
  const prod = textOf(treeOf(PROD), "nats-natsbus-test-n1.service");
  expect(prod).toContain("MemoryMax=1073741824\n");
  expect(prod).toContain("CPUQuota=50%\n");
  expect(prod).toContain("LimitNOFILE=108192\n");
  expect(prod).toContain("IPAddressAllow=localhost 10.0.0.11 10.0.0.12 10.0.0.13 10.0.0.0/8\n");
});

test("shows the monitoring pages over HTTP on loopback, or over HTTPS with headers, a limit and passwords", () => {
  const dev = textOf(treeOf({ systemd: { proxy: { enabled: true } } }), "conf.d/nats-natsbus-test.conf");
  expect(dev).toContain("listen 127.0.0.1:8080;");
  expect(dev).not.toContain("auth_basic");
  const proxy = { enabled: true, tls: true, listen: "10.0.0.11", port: 443, users: { ann: "$2y$05$abcdefghijklmnopqrstuv" } };
  const prod = textOf(treeOf({ systemd: { ...THREE_HOSTS.systemd, proxy } }), "conf.d/nats-natsbus-test.conf");
  for (const line of [
    "listen 10.0.0.11:443 ssl",
    "limit_req zone",
    "auth_basic_user_file",
    "Strict-Transport-Security",
    "location /nats/n1/",
  ])
    expect(prod).toContain(line);
});

test("packs a bundle that tar unpacks", () => {
  const tree = treeOf(PROD);
  const folder = mkdtempSync(join(tmpdir(), "natsbus-bundle-"));
  const files = planBundle(tree);
  execFileSync("tar", ["-xf", "-", "-C", folder], { input: packBundle(files) });
  const seen = execFileSync("find", [folder, "-type", "f", "-printf", "%P %m %s\n"], { encoding: "utf8" }).trim().split("\n").sort();
  rmSync(folder, { recursive: true });
  expect(seen).toEqual(files.map(({ path, mode, content }) => `${path} ${mode.toString(8)} ${Buffer.byteLength(content)}`).sort());
});

test("asks for a restart exactly when the start settings differ", () => {
  const of = (blocks: Record<string, unknown>) => textOf(treeOf(blocks), "n1/start-settings");
  const before = of(PROD);
  expect(of({ ...PROD, limits: { ...PROD.limits, maxPayload: "2MiB" } })).toBe(before);
  expect(of({ ...PROD, logging: { level: "debug" } })).toBe(before);
  expect(of({ ...PROD, limits: { ...PROD.limits, cpu: 1 } })).not.toBe(before);
  const grown = of({ ...PROD, jetstream: { maxMemory: "512MB", maxStorage: "4GB" } });
  expect(grown.split("\n").filter((line) => !before.includes(line))).toEqual(["grow jetstream.max_file_store 4000000000"]);
});

test("stays at 1.1 or below in systemd's own security analysis", ({ skip }) => {
  const folder = mkdtempSync(join(tmpdir(), "natsbus-units-"));
  try {
    execFileSync("systemd-analyze", ["--version"]);
  } catch {
    skip("systemd-analyze is not installed");
  }
  const watched = { ...PROD, systemd: { ...PROD.systemd, exporter: { enabled: true }, probe: { enabled: true } } };
  const [tree] = planHostTrees({
    ...fixedSystemdInputs(watched),
    probe: { facts: { cluster: "natsbus-test", servers: 3, tls: true, streams: [] } },
  });
  const units = (tree as HostTree).files.filter(({ path }) => path.endsWith(".service"));
  expect(units.map(({ path }) => path.split("natsbus-test-")[1])).toEqual([
    "firewall.service",
    "health.service",
    "n1-exporter.service",
    "n1.service",
    "probe.service",
  ]);
  for (const unit of units) {
    const path = join(folder, unit.path);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, unit.content);
    const said = execFileSync("systemd-analyze", ["security", "--offline=true", "--no-pager", path], { encoding: "utf8" });
    const level = Number(/exposure level for \S+: ([\d.]+)/.exec(said)?.[1]);
    const most = path.endsWith("-firewall.service") ? 2.5 : 1.1;
    expect(`${unit.path}: ${level <= most ? "fine" : level}`).toBe(`${unit.path}: fine`);
  }
  rmSync(folder, { recursive: true });
});
