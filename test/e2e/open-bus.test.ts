/** A bus without authentication on this machine: whoever reaches its loopback ports may do everything, and nobody has to be anybody. */
import { existsSync, readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { closeConnections, openConnection } from "../../connection/pool.ts";
import { createProject, type Project } from "../support/project.ts";

const UP = ["up", "--stack", "dev", "--yes", "--skip-preview"];

let project: Project;
beforeAll(async () => {
  project = await createProject();
  project.configure({ "natsbus:auth": { mode: "none" } });
});
afterAll(async () => {
  await closeConnections();
  await project?.[Symbol.asyncDispose]();
});

async function streams(): Promise<string[]> {
  const servers = project.ports.slice(0, 3).map((port) => `tls://127.0.0.1:${port}`);
  const anybody = await openConnection({ servers, ca: readFileSync(project.path(".natsbus/dev/ca.pem"), "utf8") });
  return (await anybody.request("$JS.API.STREAM.NAMES", "", { timeout: 10_000 })).json<{ streams: string[] }>().streams;
}

describe("a bus without authentication", () => {
  test("comes up with the catalogue, for anybody on this machine, and holds no accounts and no credentials", async () => {
    const made = await project.natsbus(UP);
    expect(made.code, made.stderr).toBe(0);
    expect(await streams()).toEqual(expect.arrayContaining(["CONSCIOUSNESS", "SECURITY", "PERFORMANCE", "ORCHESTRATION"]));
    expect(existsSync(project.path(".natsbus/dev/creds"))).toBe(false);
    const config = readFileSync(project.path(".natsbus/dev/n1/nats.conf"), "utf8");
    expect(config).not.toMatch(/operator|accounts|authorization|resolver/);
    expect(config).toMatch(/127\.0\.0\.1/);
  });

  test("is unchanged by a second up, and told healthy by status", async () => {
    const again = await project.natsbus([...UP, "--expect-no-changes"]);
    expect(again.code, again.stderr + again.stdout).toBe(0);
    const status = await project.natsbus(["status", "--stack", "dev"]);
    expect(status.code, status.stderr + status.stdout).toBe(0);
  });

  test("cannot listen where others reach it", async () => {
    const [client, , , monitor, , , route] = project.ports;
    project.configure({ "natsbus:process": { host: "0.0.0.0", ports: { client, monitor, route } } });
    const { code, stdout, stderr } = await project.natsbus(["preview", "--stack", "dev"]);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toMatch(/without authentication the servers would listen on 0\.0\.0\.0/);
    project.configure({ "natsbus:process": { ports: { client, monitor, route } } });
  });

  test.each(["jwt", "config"])("does not change to auth.mode %s, which would hide the streams it holds", async (mode) => {
    project.configure({ "natsbus:auth": { mode } });
    const { code, stdout, stderr } = await project.natsbus(["preview", "--stack", "dev"]);
    expect(code, stdout).not.toBe(0);
    expect(stdout + stderr).toMatch(new RegExp(`auth\\.mode cannot change from none to ${mode}[\\s\\S]*ERR_ACCOUNT_REPLACE`));
    expect(await streams()).toContain("SECURITY");
  });
});
