import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { composePlugin, dockerInputs, loadImage, writeCompose } from "../support/docker-bus.ts";
import { loopbackHosts, type StackBlocks, testHostCertificates, testIdentity } from "../support/host-bus.ts";
import { startTestHost, type TestHost } from "../support/test-host.ts";
import { dockerObstacle, titled } from "./obstacles.ts";

const STATE_OF_ENGINE = `docker ps --all --format '{{.Names}} {{.ID}}' | sort; docker network ls --format '{{.Name}}' | sort`;
const missing = dockerObstacle();

/** What is wrong, how it comes about and is undone, and how it is told; `as` comes before the script. */
interface Refusal {
  readonly what: string;
  readonly code: string;
  readonly says: string;
  readonly blocks?: StackBlocks;
  readonly stack?: string;
  readonly damage?: string;
  readonly repair?: string;
  readonly as?: string;
  readonly args?: string;
}

/** Before anything of the bus is on the engine. */
const FRESH: readonly Refusal[] = [
  { what: "an option it does not know", args: "--what", code: "ERR_USAGE", says: "it takes --check" },
  {
    what: "an engine that does not answer",
    as: "DOCKER_HOST=unix:///nowhere.sock",
    code: "ERR_HOST_ACCESS",
    says: "give this user the right",
  },
  {
    what: "a user who may not use the engine's socket",
    as: "setpriv --reuid 65534 --regid 65534 --clear-groups",
    code: "ERR_HOST_ACCESS",
    says: "give this user the right",
  },
  {
    what: "a machine without Compose",
    damage: `mkdir -p bin; printf '#!/bin/sh\\n[ "$1" != compose ] || exit 1\\nexec /usr/bin/env PATH="\${PATH#*:}" docker "$@"\\n' > bin/docker; chmod 755 bin bin/docker`,
    as: 'PATH="$PWD/bin:$PATH"',
    code: "ERR_HOST_TOOL",
    says: "install the compose plugin",
  },
  { what: "an image that is not there", blocks: { docker: { image: "absent:1.0" } }, code: "ERR_IMAGE", says: "absent:1.0" },
  {
    what: "an image whose digest is another one",
    blocks: { docker: { digest: `sha256:${"0".repeat(64)}` } },
    code: "ERR_IMAGE",
    says: "load it, name another one",
  },
  {
    what: "a port that is taken",
    damage: `${process.execPath} -e 'require("net").createServer().listen(4223, "127.0.0.1")' >/dev/null 2>&1 & echo $! > taken.pid; for _ in $(seq 100); do (exec 3<>/dev/tcp/127.0.0.1/4223) 2>/dev/null && break; sleep 0.1; done`,
    repair: "kill $(cat taken.pid)",
    code: "ERR_PORT_IN_USE",
    says: "port 4223, which server n2 needs",
  },
  {
    what: "a volume with another stack's streams",
    damage: "docker run --rm --volume test-n2-data:/data --entrypoint sh nats:2.15.2-alpine -c 'echo other/prod > /data/.natsbus-stack'",
    code: "ERR_RUNTIME_FOLDER",
    says: "belongs to the stack other/prod, not to natsbus/test",
  },
];

/** While three servers run. */
const RUNNING: readonly Refusal[] = [
  { what: "containers of another stack", stack: "prod", code: "ERR_RUNTIME_FOLDER", says: "belongs to the stack natsbus/test" },
  {
    what: "a server that was taken out",
    blocks: { cluster: { name: "test", servers: 1 } },
    code: "ERR_SCALE_DOWN",
    says: "is no longer in the configuration",
  },
  {
    what: "a configuration the server refuses",
    damage: "echo 'nonsense: {' >> files/n2/nats.conf",
    code: "ERR_SERVER_CONFIG",
    says: "server n2 would refuse its configuration",
  },
  {
    what: "a certificate file that is not there",
    damage: "rm files/n3/tls/*.key",
    code: "ERR_SERVER_CONFIG",
    says: "whatever runs still runs",
  },
  { what: "a new image that is not there", blocks: { docker: { image: "absent:2.0" } }, code: "ERR_IMAGE", says: "absent:2.0" },
];

describe.skipIf(missing !== undefined)(titled("apply.sh refuses, with a code and a remedy, and changes nothing:", missing), () => {
  const folder = mkdtempSync(join(tmpdir(), "natsbus-compose-"));
  const identity = testIdentity();
  const certificates = testHostCertificates(loopbackHosts(3));
  let host: TestHost;

  const inFolder = (text: string) => host.run(["env", `DOCKER_CONFIG=${folder}/docker-config`, "bash", "-ec", `cd ${folder}; ${text}`]);
  const write = ({ blocks = {}, stack = "test" }: Refusal | { blocks?: StackBlocks; stack?: string }) => {
    rmSync(join(folder, "files"), { recursive: true, force: true });
    writeCompose(folder, dockerInputs(blocks, identity, certificates, stack));
  };
  const expectRefusal = async (refusal: Refusal) => {
    write(refusal);
    if (refusal.damage !== undefined) expect(await inFolder(refusal.damage)).toMatchObject({ code: 0 });
    const before = (await inFolder(STATE_OF_ENGINE)).stdout;
    const result = await inFolder(`${refusal.as ?? ""} ./apply.sh ${refusal.args ?? ""}`);
    if (refusal.repair !== undefined) await inFolder(refusal.repair);
    expect(result.stderr).toContain(`[${refusal.code}]`);
    expect(result.stderr).toContain(refusal.says);
    expect(result.code).toBe(1);
    expect((await inFolder(STATE_OF_ENGINE)).stdout).toBe(before);
  };

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    host = await startTestHost("docker", "refusals");
    await loadImage(host, "nats:2.15.2-alpine");
    await inFolder(`mkdir -p docker-config/cli-plugins; ln -sf ${composePlugin()} docker-config/cli-plugins/docker-compose`);
  });
  afterAll(async () => {
    await host[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  describe("on a fresh engine", () => {
    test.each(FRESH)("$what", expectRefusal);
    afterAll(() => inFolder("docker volume rm $(docker volume ls -q)"));
  });

  test("tells a server that ends each time it is started, with its last line", async () => {
    write({});
    await inFolder(
      "docker run --rm --volume test-n2-data:/data --entrypoint sh nats:2.15.2-alpine -c 'mkdir /data/jetstream; touch /data/jetstream/jetstream'",
    );
    const { code, stderr } = await inFolder("./apply.sh");
    await inFolder("docker compose down --volumes --timeout 1");
    expect([code, stderr]).toEqual([1, expect.stringContaining("[ERR_SERVER_START]")]);
    expect(stderr).toMatch(/n2 ends right after its start: .*storage directory is not a directory/);
  });

  describe("with running servers", () => {
    beforeAll(async () => {
      write({});
      expect(await inFolder("./apply.sh")).toMatchObject({ code: 0 });
    });
    test.each(RUNNING)("$what", expectRefusal);
  });
});
