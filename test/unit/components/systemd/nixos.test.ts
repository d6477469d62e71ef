import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { renderNixModule } from "../../../../components/systemd/nixos.ts";
import { type HostTree, planHostTrees } from "../../../../components/systemd/tree.ts";
import { FIXED_SECRETS, fixedSystemdInputs, type StackBlocks } from "../../../support/host-bus.ts";

const CLUSTER = "natsbus-test";
const FACTS = { cluster: CLUSTER, servers: 3, tls: true, streams: [] };
const EVERYTHING: StackBlocks = {
  limits: { memory: "1GiB", cpu: 0.5 },
  jetstream: { maxMemory: "512MB", maxStorage: "2GB" },
  systemd: { exporter: { enabled: true }, probe: { enabled: true }, clientNetworks: ["10.0.0.0/8"] },
};
/** As much of Nixpkgs as a module of ours uses. */
const EVALUATION = `let
  lib = {
    mkEnableOption = description: { inherit description; default = false; };
    mkOption = option: option;
    mkIf = condition: value: if condition then value else { };
    types = { package = "package"; path = "path"; bool = "bool"; };
    stringAfter = deps: text: { inherit deps text; };
  };
  pkgs = { nats-server = "/nats"; bash = "/bash"; coreutils = "/coreutils"; gnused = "/gnused"; systemd = "/systemd"; util-linux = "/util-linux"; };
  settings = { enable = true; package = "/nats"; tree = "/srv/tree"; openFirewall = true; };
in (import ./module.nix { inherit lib pkgs; config.services.natsbus."${CLUSTER}" = settings; }).config`;

function rendered(): { readonly tree: HostTree; readonly text: string } {
  const inputs = { ...fixedSystemdInputs(EVERYTHING), probe: { facts: FACTS } };
  const tree = planHostTrees(inputs)[0] as HostTree;
  return { tree, text: renderNixModule(tree, inputs) };
}

interface NixUnit {
  readonly serviceConfig?: Readonly<Record<string, unknown>>;
  readonly timerConfig?: Readonly<Record<string, unknown>>;
}

test("the NixOS module holds every unit with all its directives, and no secret", () => {
  const { tree, text } = rendered();
  for (const secret of [...Object.values(FIXED_SECRETS.keys), FIXED_SECRETS.identity.operatorJwt])
    expect(text).not.toContain(secret.trim());
  for (const { name, sections } of tree.units.filter((unit) => !unit.name.endsWith("-firewall.service"))) {
    const kind = name.endsWith(".timer") ? "timers" : "services";
    expect(text).toContain(`systemd.${kind}."${name.replace(/\.(service|timer)$/, "")}" = {`);
    for (const key of Object.keys(sections["Service"] ?? sections["Timer"] ?? {})) expect(text).toContain(`        ${key} = `);
  }
  expect(text).toContain("networking.nftables.ruleset");
});

test("the NixOS module evaluates to the same directives as the units", ({ skip }) => {
  const folder = mkdtempSync(join(tmpdir(), "natsbus-nix-"));
  try {
    execFileSync("nix-instantiate", ["--version"]);
  } catch {
    skip("nix-instantiate is not installed (package nix-bin)");
  }
  const { tree, text } = rendered();
  writeFileSync(join(folder, "module.nix"), text);
  writeFileSync(join(folder, "evaluate.nix"), EVALUATION);
  const env = { ...process.env, HOME: folder, NIX_STATE_DIR: folder, NIX_LOG_DIR: folder, NIX_STORE_DIR: join(folder, "store") };
  const args = ["--store", "dummy://", "--eval", "--strict", "--json", join(folder, "evaluate.nix")];
  const module = JSON.parse(execFileSync("nix-instantiate", args, { env, encoding: "utf8" })) as {
    readonly systemd: { readonly services: Record<string, NixUnit>; readonly timers: Record<string, NixUnit> };
  };
  rmSync(folder, { recursive: true });
  const units = tree.units.filter(({ name }) => !name.endsWith("-firewall.service"));
  for (const { name, sections } of units) {
    const seen = name.endsWith(".timer")
      ? module.systemd.timers[name.replace(/\.timer$/, "")]?.timerConfig
      : module.systemd.services[name.replace(/\.service$/, "")]?.serviceConfig;
    const wanted = Object.entries(sections["Service"] ?? sections["Timer"] ?? {}).filter(([key]) => !key.startsWith("Exec"));
    expect(seen).toMatchObject(Object.fromEntries(wanted));
  }
  const server = module.systemd.services[`nats-${CLUSTER}-n1`]?.serviceConfig;
  expect(server?.["ExecStart"]).toBe(`/nats/bin/nats-server --config /etc/natsbus/${CLUSTER}/n1/nats.conf`);
  expect(server?.["ExecReload"]).toBe("/util-linux/bin/kill -HUP $MAINPID");
});
