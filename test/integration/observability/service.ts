/** Starts Prometheus and Alertmanager, which take the same flags and tell in the same way when they are ready. */
import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { findFreePorts } from "../../support/free-ports.ts";

/** A running service; it ends with its user. */
export interface Service extends AsyncDisposable {
  /** Address without a trailing slash. */
  readonly url: string;
}

/** Starts a program on a free loopback port, or a chosen one, and waits until it is ready. Fails when it is not within ten seconds, or ends. */
export async function startService(program: string, flags: readonly string[], chosen?: number): Promise<Service> {
  const port = chosen ?? (await findFreePorts(1));
  const child = spawn(program, [...flags, `--web.listen-address=127.0.0.1:${port}`], { stdio: ["ignore", "ignore", "pipe"] });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => {
    log = (log + chunk.toString("utf8")).slice(-4000);
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const service: Service = {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => {
      child.kill("SIGTERM");
      return ended;
    },
  };
  for (let attempt = 0; attempt < 100 && child.exitCode === null; attempt += 1) {
    const ready = await fetch(`${service.url}/-/ready`).then(
      (answer) => answer.ok,
      () => false,
    );
    if (ready) return service;
    await sleep(100);
  }
  await service[Symbol.asyncDispose]();
  throw new Error(`${program} did not become ready: ${log}`);
}
