/** Ports of the servers, and who claims which. */

/** A port and the setting that asks for it. */
export interface PortClaim {
  /** Port number. */
  readonly port: number;
  /** Setting that asks for it, for instance `process.ports.client`. */
  readonly path: string;
  /** What listens there, for instance `n1 client`. */
  readonly owner: string;
}

/** Largest port number. */
export const LARGEST_PORT = 65_535;

/** One port a server: a list as it is, a single port counted up. The result may be too short, too long or out of range; the caller checks. */
export function resolvePorts(setting: number | readonly number[], servers: number): readonly number[] {
  return typeof setting === "number" ? Array.from({ length: servers }, (_, index) => setting + index) : setting;
}

/** Groups of claims on one port, in the order of the ports; empty when every port has one claim. */
export function findPortClashes(claims: readonly PortClaim[]): readonly (readonly PortClaim[])[] {
  const byPort = Map.groupBy(claims, (claim) => claim.port);
  return [...byPort.values()].filter((group) => group.length > 1).sort((a, b) => (a[0]?.port ?? 0) - (b[0]?.port ?? 0));
}
