import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { PROBE_NODE_FLAGS } from "../../../components/process/monitoring/plan.ts";
import { findFreePorts } from "../../support/free-ports.ts";
import { PROBE_COPIES, PROBE_ENTRYPOINT } from "../../support/probe-image.ts";

const ROOT = join(import.meta.dirname, "../../..");

const image = mkdtempSync(join(tmpdir(), "probe-image-"));
afterAll(() => rmSync(image, { recursive: true, force: true }));

/** The last stage's folder, from the same files; no image can be built without a container engine. */
function layOut(): void {
  for (const { from, to } of PROBE_COPIES) {
    mkdirSync(dirname(join(image, to)), { recursive: true });
    if (from.startsWith("node_modules/")) symlinkSync(join(ROOT, from), join(image, to));
    else cpSync(join(ROOT, from), join(image, to), { recursive: true });
  }
}

test("the image of the probe holds everything the probe needs, and starts as the process target's does", async () => {
  expect(PROBE_ENTRYPOINT).toEqual(["node", ...PROBE_NODE_FLAGS, "/natsbus/probe/main.ts"]);
  layOut();
  const port = await findFreePorts(1);
  const config = {
    facts: { cluster: "c", servers: 1, tls: false, streams: [] },
    listen: { host: "127.0.0.1", port },
    servers: [{ name: "n1", clientUrl: "nats://127.0.0.1:1", monitorUrl: "http://127.0.0.1:1" }],
    ...{ pollMs: 1000, exporter: false, latencySeconds: 0.05, canary: { subject: "x", intervalMs: 1000, timeoutMs: 1000 } },
  };
  writeFileSync(join(image, "probe.json"), JSON.stringify(config));
  // Packages are links here, and must find each other beside the links.
  const args = ["--preserve-symlinks", ...PROBE_NODE_FLAGS, join(image, "probe/main.ts"), join(image, "probe.json")];
  const child = spawn(process.execPath, args, { cwd: image, stdio: ["ignore", "pipe", "pipe"] });
  const gone = once(child, "exit");
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
  try {
    await expect.poll(() => output).toContain("listening on");
    expect(await (await fetch(`http://127.0.0.1:${port}/-/ready`)).text()).toBe("ready\n");
    expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain(
      'nats_client_publish_total{server_id="n1",result="ok"} 0',
    );
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
  } finally {
    child.kill("SIGTERM");
  }
  expect(await gone).toEqual([0, null]);
});
