import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { findBinary } from "../../components/process/binary.ts";
import { testServerBinary } from "./cluster.ts";

/** Versions whose answers are compared with the field tables: the newest of each supported minor release, and the last ones before a rule changed. */
const VERSIONS = ["2.12.4", "2.12.8", "2.14.3", "2.14.6", "2.15.2"];

/** A version of nats-server to test with. */
export interface TestVersion {
  readonly version: string;
  /** Path of the program; undefined when it could not be had. */
  readonly binary: string | undefined;
  /** Why there is no program; "" when there is. */
  readonly why: string;
}

/**
 * The version that every other test runs, and each of {@link VERSIONS}, with its program where this machine has it.
 * With `NATSBUS_TEST_VERSIONS=all` what is missing is fetched into the project's cache first, which takes about a minute each.
 */
export async function testVersions(): Promise<readonly TestVersion[]> {
  const own = ownVersion();
  const found = own === undefined ? [] : [own];
  for (const version of VERSIONS.filter((one) => one !== own?.version)) {
    found.push(process.env["NATSBUS_TEST_VERSIONS"] === "all" ? await obtain(version) : look(version));
  }
  return found;
}

function ownVersion(): TestVersion | undefined {
  const binary = process.env["NATS_SERVER_BIN"];
  if (binary === undefined || binary === "") return undefined;
  const version = /v(\d+\.\d+\.\d+)/.exec(execFileSync(binary, ["--version"]).toString())?.[1];
  return version === undefined ? undefined : { version, binary, why: "" };
}

function look(version: string): TestVersion {
  const binary = cachedBinary(version);
  return { version, binary, why: binary === undefined ? "not in the cache; `npm run test:versions` fetches it" : "" };
}

async function obtain(version: string): Promise<TestVersion> {
  const cached = look(version);
  if (cached.binary !== undefined) return cached;
  const path = process.env["PATH"];
  try {
    // An installed one is no use: exactly this version is wanted.
    process.env["PATH"] = withoutServer(path ?? "");
    const found = await findBinary({ version });
    if (found.version === version) return { version, binary: found.path, why: "" };
    return { version, binary: undefined, why: `only ${found.version} could be had` };
  } catch (error) {
    return { version, binary: undefined, why: error instanceof Error ? error.message : String(error) };
  } finally {
    process.env["PATH"] = path;
  }
}

function cachedBinary(version: string): string | undefined {
  const given = process.env["NATS_SERVER_BIN"];
  try {
    // It would be taken for every version.
    delete process.env["NATS_SERVER_BIN"];
    return testServerBinary(version);
  } catch {
    return undefined;
  } finally {
    if (given !== undefined) process.env["NATS_SERVER_BIN"] = given;
  }
}

function withoutServer(path: string): string {
  return path
    .split(delimiter)
    .filter((folder) => !existsSync(join(folder, "nats-server")))
    .join(delimiter);
}
