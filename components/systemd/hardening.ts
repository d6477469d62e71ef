/** What a service natsbus runs may do on its host: as little as systemd can allow. */
import type { UnitSection } from "./unit-file.ts";

/** Directives of every service; `systemd-analyze security` counts each of them. */
export const HARDENING: UnitSection = {
  UMask: "0077",
  NoNewPrivileges: true,
  CapabilityBoundingSet: "",
  AmbientCapabilities: "",
  ProtectSystem: "strict",
  ProtectHome: true,
  PrivateTmp: true,
  PrivateMounts: true,
  PrivateDevices: true,
  DevicePolicy: "closed",
  PrivateUsers: true,
  ProtectClock: true,
  ProtectHostname: true,
  ProtectKernelLogs: true,
  ProtectKernelModules: true,
  ProtectKernelTunables: true,
  ProtectControlGroups: true,
  ProtectProc: "invisible",
  KeyringMode: "private",
  RestrictNamespaces: true,
  RestrictRealtime: true,
  RestrictSUIDSGID: true,
  LockPersonality: true,
  MemoryDenyWriteExecute: true,
  RemoveIPC: true,
  SystemCallArchitectures: "native",
  SystemCallErrorNumber: "EPERM",
};

/** System calls of a Go program that serves the network. Raising its own limits is refused to it in silence: they are set by the unit. */
export const SYSTEM_CALLS: readonly string[] = ["@system-service", "~@privileged @resources"];

/** Whom a service may exchange packets with; the kernel drops the rest. */
export function addressRules(allowed: readonly string[]): UnitSection {
  return { RestrictAddressFamilies: "AF_INET AF_INET6", IPAddressDeny: "any", IPAddressAllow: ["localhost", ...allowed].join(" ") };
}
