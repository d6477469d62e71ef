import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { type CliOptions, runCli } from "../support/cli-project.ts";
import { listeningPorts, processesBelow } from "../support/processes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const ROOT = resolve(import.meta.dirname, "../..");

/** Runs `natsbus ephemeral` of this project with a temporary folder of its own, so that leftovers are seen. */
function ephemeral(folder: string, command: readonly string[], options: CliOptions = {}) {
  mkdirSync(join(folder, "tmp"), { recursive: true });
  return runCli(ROOT, ["ephemeral", "--stack", "dev", "--", ...command], {
    ...options,
    env: { TMPDIR: join(folder, "tmp"), ...options.env },
  });
}

function leftovers(folder: string): { readonly files: readonly string[]; readonly processes: number } {
  return {
    files: readdirSync(join(folder, "tmp")).filter((name) => name.startsWith("natsbus-ephemeral")),
    processes: processesBelow(join(folder, "tmp")).length,
  };
}

function portsIn(urls: string): number[] {
  return [...urls.matchAll(/:(\d+)/g)].map((match) => Number(match[1]));
}

describe("ephemeral", () => {
  test("the command reaches a real, secured cluster; its exit code is ours; nothing is left", async () => {
    using folder = temporaryFolder();
    const probe = `
      import { readFileSync } from "node:fs";
      import { jetstreamManager } from "@nats-io/jetstream";
      import { connect, credsAuthenticator } from "@nats-io/transport-node";
      const { NATS_URL, NATS_CA, NATS_CREDS, NATSBUS_STACK } = process.env;
      const connection = await connect({ servers: NATS_URL.split(","), tls: { caFile: NATS_CA }, authenticator: credsAuthenticator(readFileSync(NATS_CREDS)) });
      const names = [];
      for await (const stream of (await jetstreamManager(connection)).streams.list()) names.push([stream.config.name, stream.config.num_replicas]);
      await connection.close();
      console.log(JSON.stringify({ names: names.sort(), stack: NATSBUS_STACK, url: NATS_URL }));
      process.exit(7);
    `;
    const { code, stdout, stderr } = await ephemeral(folder.path, [process.execPath, "--input-type=module", "--eval", probe]);
    expect({ code, stderr: stderr.includes("is removed") }).toEqual({ code: 7, stderr: true });
    const seen = JSON.parse(stdout) as { names: [string, number][]; stack: string; url: string };
    expect(seen.stack).toMatch(/^ephemeral-[0-9a-f]{6}$/);
    expect(seen.names).toContainEqual(["CONSCIOUSNESS", 3]);
    expect(portsIn(seen.url)).toHaveLength(3);
    for (const port of portsIn(seen.url)) expect(port).toBeLessThan(32_768);
    expect(listeningPorts(portsIn(seen.url))).toEqual([]);
    expect(leftovers(folder.path)).toEqual({ files: [], processes: 0 });
    expect(readdirSync(ROOT).filter((name) => name.includes("ephemeral"))).toEqual([]);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("%s while the command runs removes everything", async (signal) => {
    using folder = temporaryFolder();
    let sent = false;
    const result = await ephemeral(
      folder.path,
      [
        process.execPath,
        "--eval",
        "process.on('SIGTERM', () => process.exit(3)); console.error('command runs'); setInterval(() => {}, 1000)",
      ],
      {
        onStderr(text, child) {
          if (sent || !text.includes("command runs")) return;
          sent = true;
          child.kill(signal);
        },
      },
    );
    expect(result.code).toBe(3);
    expect(leftovers(folder.path)).toEqual({ files: [], processes: 0 });
  });

  test("Ctrl-C while it comes up removes what is there", async () => {
    using folder = temporaryFolder();
    const { promise: started, resolve: start } = Promise.withResolvers<void>();
    const run = ephemeral(folder.path, ["true"], {
      onStderr: () => undefined,
      env: { NODE_OPTIONS: "" },
    });
    const timer = setInterval(() => {
      if (processesBelow(join(folder.path, "tmp")).some(({ command }) => command.join(" ").includes("nats-server"))) start();
    }, 20);
    await Promise.race([started, run]);
    clearInterval(timer);
    for (const { pid, command } of processesBelow(ROOT)) {
      if (command.includes("ephemeral") && readFileSync(`/proc/${pid}/environ`, "utf8").includes(folder.path)) process.kill(pid, "SIGINT");
    }
    const { code } = await run;
    expect([130, 0]).toContain(code);
    expect(leftovers(folder.path)).toEqual({ files: [], processes: 0 });
  });

  test("a command that does not exist is told, and nothing is left", async () => {
    using folder = temporaryFolder();
    const { code, stderr } = await ephemeral(folder.path, ["no-such-command-anywhere"]);
    expect(code).toBe(2);
    expect(stderr).toContain("there is no such command");
    expect(leftovers(folder.path)).toEqual({ files: [], processes: 0 });
  });

  test("--keep leaves it, --remove removes it", async () => {
    using folder = temporaryFolder();
    const env = { TMPDIR: join(folder.path, "tmp") };
    mkdirSync(env.TMPDIR);
    const kept = await runCli(ROOT, ["ephemeral", "--keep", "--", "true"], { env });
    expect(kept.code).toBe(0);
    const [, left = ""] = /--remove (\S+)/.exec(kept.stderr) ?? [];
    expect(processesBelow(left).length).toBeGreaterThanOrEqual(3);
    expect((await runCli(ROOT, ["ephemeral", "--remove", left], { env })).code).toBe(0);
    expect(leftovers(folder.path)).toEqual({ files: [], processes: 0 });
  });
});
