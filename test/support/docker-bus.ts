import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { renderCompose } from "../../components/docker/compose.ts";
import { type DockerInputs, planDocker } from "../../components/docker/plan.ts";
import { testServerBinary } from "./cluster.ts";
import { hostSpec, loopbackHosts, type StackBlocks, type TestIdentity, testHostCertificates } from "./host-bus.ts";
import type { TestHost } from "./test-host.ts";

const APPLETS = ["sh", "wget", "chown", "chmod", "kill", "true", "cat", "ls", "id", "touch", "ps", "ln", "tail"];
const SCRIPT = join(import.meta.dirname, "../../components/docker/files/apply.sh");
const MOUNTED_MODE = 0o700;

/** Three servers in containers, small and quick to leave. */
const SMALL_BUS: StackBlocks = {
  target: "docker",
  cluster: { name: "test" },
  jetstream: { maxMemory: "64MiB", maxStorage: "64MiB" },
  limits: { memory: "256MiB", cpu: 1, maxConnections: 1000 },
  lameDuck: { duration: "30s", gracePeriod: "500ms" },
};

/** Inputs of the plan. */
export function dockerInputs(
  blocks: StackBlocks,
  identity: TestIdentity,
  certificates = testHostCertificates(loopbackHosts(3)),
  stack = "test",
): DockerInputs {
  return { spec: hostSpec({ ...SMALL_BUS, ...blocks }, stack), identity: identity.identity, ...certificates };
}

/** The compose plugin this machine has for docker; `undefined` when there is none. */
export function composePlugin(): string | undefined {
  const places = [
    process.env["NATSBUS_COMPOSE"] ?? "",
    join(homedir(), ".cache/natsbus/docker-compose/docker-compose"),
    join(homedir(), ".docker/cli-plugins/docker-compose"),
    "/usr/libexec/docker/cli-plugins/docker-compose",
    "/usr/lib/docker/cli-plugins/docker-compose",
    "/usr/local/lib/docker/cli-plugins/docker-compose",
  ];
  return places.find((place) => place !== "" && existsSync(place));
}

/** Makes the image of nats-server on an engine, from the program of this machine and a static busybox. */
export async function loadImage(host: TestHost, name: string): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), "natsbus-image-"));
  try {
    for (const folder of ["bin", "usr/local/bin", "etc", "tmp", "data"]) mkdirSync(join(root, folder), { recursive: true });
    copyFileSync("/bin/busybox", join(root, "bin/busybox"));
    for (const applet of APPLETS) symlinkSync("busybox", join(root, "bin", applet));
    copyFileSync(testServerBinary(), join(root, "usr/local/bin/nats-server"));
    chmodSync(join(root, "usr/local/bin/nats-server"), 0o755);
    rmSync(join(root, "data"), { recursive: true });
    writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/:/bin/sh\n");
    const archive = execFileSync("tar", ["-cf", "-", "--owner=0", "--group=0", "-C", root, "."], { maxBuffer: 128 * 1024 * 1024 });
    await host.run(["docker", "import", "--change", "ENV PATH=/usr/local/bin:/bin", "-", name], { stdin: archive });
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Writes the Compose files of a bus as `natsbus render` does. */
export function writeCompose(folder: string, inputs: DockerInputs): void {
  for (const { path, content } of renderCompose(planDocker(inputs), readFileSync(SCRIPT, "utf8"))) {
    const file = join(folder, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { mode: path.endsWith(".sh") ? 0o755 : 0o644 });
  }
  chmodSync(join(folder, "files"), MOUNTED_MODE);
}
