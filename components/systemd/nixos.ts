/** The services of a host as a NixOS module: the same units, written as Nix. Pure. */
import { hostPaths, JOURNAL } from "./host-plan.ts";
import type { HostTree, SystemdInputs } from "./tree.ts";
import { type DirectiveValue, directiveText, type UnitFile, type UnitSection } from "./unit-file.ts";

/** Sections that NixOS takes as attributes of their own. */
const SECTIONS: Readonly<Record<string, string>> = { Unit: "unitConfig", Service: "serviceConfig", Timer: "timerConfig" };

/**
 * Module for one host. Keys and certificates are not in it, for the Nix store can be read by everybody: they stay in the files of the rendered tree, which `secretsFrom` copies
 * to their places when the system is activated.
 */
export function renderNixModule(tree: HostTree, { spec }: SystemdInputs): string {
  const paths = hostPaths(spec.cluster.name);
  const { user } = spec.systemd;
  const ports = tree.servers
    .trim()
    .split("\n")
    .map((line) => line.split(" ", 2)[1] ?? "");
  const units = tree.units.filter(({ name }) => !name.endsWith("-firewall.service"));
  const services = units.filter(({ name }) => name.endsWith(".service")).map((unit) => unitText(unit, ".service"));
  const timers = units.filter(({ name }) => name.endsWith(".timer")).map((unit) => unitText(unit, ".timer"));
  return `# Written by natsbus; changes made here are lost. Servers of ${spec.cluster.name} on ${tree.host}.
{ config, lib, pkgs, ... }:
let
  cfg = config.services.natsbus.${quote(spec.cluster.name)};
in
{
  options.services.natsbus.${quote(spec.cluster.name)} = {
    enable = lib.mkEnableOption "the NATS servers of ${spec.cluster.name}";
    package = lib.mkOption { type = lib.types.package; default = pkgs.nats-server; description = "Package with nats-server ${spec.cluster.version} or newer."; };
    tree = lib.mkOption { type = lib.types.path; description = "Folder that natsbus rendered for this host, outside of the Nix store: it holds keys."; };
    openFirewall = lib.mkOption { type = lib.types.bool; default = false; description = "Whether the client ports are open to everybody."; };
  };

  config = lib.mkIf cfg.enable {
    users.users.${quote(user)} = { isSystemUser = true; group = ${quote(user)}; };
    users.groups.${quote(user)} = { };
    environment.etc."systemd/journald@${JOURNAL}.conf".text = ${multiline(textOf(tree, `journald@${JOURNAL}.conf`))};
    systemd.tmpfiles.rules = [ ${tmpfiles(tree).map(quote).join(" ")} ];
    networking.firewall.allowedTCPPorts = lib.mkIf cfg.openFirewall [ ${ports.join(" ")} ];
    ${spec.systemd.firewall ? `networking.nftables.enable = true;\n    networking.nftables.ruleset = ${multiline(textOf(tree, `${paths.config}/firewall.nft`))};` : "# the firewall of the bus is turned off in the stack file"}
    system.activationScripts.${quote(`natsbus-${spec.cluster.name}`)} = lib.stringAfter [ "users" "groups" ] ''
      install -d -m 0750 -o root -g ${user} ${paths.config}
      cp -rT --no-preserve=mode,ownership "\${toString cfg.tree}/root${paths.config}" ${paths.config}
      chown -R root:${user} ${paths.config}
      find ${paths.config} -type d -exec chmod 0750 {} +
      find ${paths.config} -type f -exec chmod 0640 {} +
      install -m 0640 -o root -g ${user} "\${toString cfg.tree}/settings" "\${toString cfg.tree}/servers" ${paths.config}/
      install -d -m 0755 ${paths.programs}
      install -m 0755 "\${toString cfg.tree}/root${paths.programs}/"*.sh ${paths.programs}/
    '';
${services.join("")}${timers.join("")}  };
}
`;
}

function unitText(unit: UnitFile, ending: ".service" | ".timer"): string {
  const name = unit.name.slice(0, -ending.length);
  const kind = ending === ".service" ? "services" : "timers";
  const wanted = unit.sections["Install"]?.["WantedBy"];
  const sections = Object.entries(unit.sections).flatMap(([section, directives]) => {
    const attribute = SECTIONS[section];
    return attribute === undefined ? [] : [`      ${attribute} = {\n${attributes(directives)}      };\n`];
  });
  const path = ending === ".service" ? "      path = [ pkgs.bash pkgs.coreutils pkgs.gnused pkgs.systemd ];\n" : "";
  return `    systemd.${kind}.${quote(name)} = {\n${wanted === undefined ? "" : `      wantedBy = [ ${quote(String(wanted))} ];\n`}${path}${sections.join("")}    };\n`;
}

function attributes(section: UnitSection): string {
  return Object.entries(section)
    .map(([key, value]) => `        ${key} = ${nixValue(key, value)};\n`)
    .join("");
}

/** A value as Nix; programs come from packages instead of the folders other systems have. */
function nixValue(key: string, value: DirectiveValue): string {
  if (typeof value === "object") return `[ ${value.map((one) => quote(one)).join(" ")} ]`;
  if (typeof value === "boolean") return String(value);
  if (typeof value === "number") return String(value);
  return key.startsWith("Exec") ? command(value) : quote(directiveText(value));
}

function command(text: string): string {
  return quote(text)
    .replace(/^"\/(?:usr\/)?bin\/kill/, `"${attribute("pkgs.util-linux")}/bin/kill`)
    .replace(/^"\/(?:usr\/)?bin\//, `"${attribute("pkgs.coreutils")}/bin/`)
    .replace(/^"\/usr\/local\/lib\/natsbus\/nats-server-[0-9.]+/, `"${attribute("cfg.package")}/bin/nats-server`);
}

/** An expression inside a Nix string. */
function attribute(path: string): string {
  return `$${`{${path}}`}`;
}

function textOf(tree: HostTree, ending: string): string {
  return tree.files.find(({ path }) => path.endsWith(ending))?.content ?? "";
}

function tmpfiles(tree: HostTree): string[] {
  const text = tree.files.find(({ path }) => path.startsWith("/etc/tmpfiles.d/"))?.content ?? "";
  return text.split("\n").filter((line) => line.startsWith("d "));
}

/** A Nix string; a dollar before a brace would be an expression. */
function quote(text: string): string {
  return `"${text
    .replaceAll(/[\\"]/g, "\\$&")
    .replaceAll("$" + "{", "\\$" + "{")
    .replaceAll("\n", "\\n")}"`;
}

function multiline(text: string): string {
  return `''\n${text.replaceAll("''", "'''").replaceAll("$" + "{", "''$" + "{")}''`;
}
