import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CliResult } from "../support/cli-project.ts";
import { createProject, type Project } from "../support/project.ts";

// Seeds of operators, accounts and users (58 characters of base 32), and private keys in PEM.
const SEED = /\bS[OAU][A-Z2-7]{56}\b/g;
const PRIVATE_KEY = /-----BEGIN (?:EC )?PRIVATE KEY-----\s+([A-Za-z0-9+/=]{20,})/g;

let project: Project;
const outputs: CliResult[] = [];
const commandLines = new Set<string>();

/** Remembers the arguments and environments of all processes of the project while a run works. */
function watchCommandLines(): () => void {
  const timer = setInterval(() => {
    for (const name of readdirSync("/proc").filter((entry) => /^\d+$/.test(entry))) {
      try {
        const command = readFileSync(`/proc/${name}/cmdline`, "utf8");
        if (command.includes(project.directory) || /nats-server|pulumi/.test(command)) commandLines.add(command.replaceAll("\0", " "));
      } catch {
        // ended meanwhile
      }
    }
  }, 5);
  return () => clearInterval(timer);
}

function filesBelow(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

beforeAll(async () => {
  project = await createProject();
  const stop = watchCommandLines();
  const run = async (...args: string[]) => outputs.push(await project.natsbus([...args, "--stack", "dev"]));
  await run("up", "--yes", "--diff");
  project.edit("accounts/catalog.ts", "gitlab: {}, matrix: {}", 'gitlab: {}, matrix: {}, ann: { role: "gitlab" }');
  await run("preview", "--diff");
  await run("preview", "--json");
  await run("up", "--yes", "--json");
  await run("refresh", "--yes", "--json");
  await run("status", "--json");
  await run("creds", "--json");
  await run("outputs", "--json");
  await run("export");
  project.configure({ "natsbus:limits": { maxConnections: 7 }, "natsbus:jetstream": { maxMemory: "oops" } });
  await run("up", "--yes");
  stop();
});
afterAll(async () => {
  await project?.[Symbol.asyncDispose]();
});

/** Every generated secret, taken from where they are meant to be. */
function secrets(): string[] {
  const kept = filesBelow(project.path(".natsbus")).filter((file) => (statSync(file).mode & 0o077) === 0);
  const found = kept.flatMap((file) => {
    const text = readFileSync(file, "latin1");
    return [...(text.match(SEED) ?? []), ...[...text.matchAll(PRIVATE_KEY)].map((match) => match[1] as string)];
  });
  return [...new Set([...found, readFileSync(project.path(".natsbus/passphrase"), "utf8").trim()])];
}

describe("no secret leaves its place", () => {
  test("the run worked, and made the secrets this test looks for", () => {
    expect(outputs.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    // Nine users' seeds, three servers' keys, the passphrase.
    expect(secrets().length).toBeGreaterThanOrEqual(13);
  });

  test("not in anything printed", () => {
    for (const { stdout, stderr } of outputs) {
      for (const secret of secrets()) expect((stdout + stderr).includes(secret), "a secret was printed").toBe(false);
      expect((stdout + stderr).match(SEED) ?? [], "a seed was printed").toEqual([]);
      expect(stdout + stderr).not.toMatch(/BEGIN (EC )?PRIVATE KEY/);
    }
  });

  test("not in the arguments of any process", () => {
    expect([...commandLines].some((command) => command.includes("nats-server"))).toBe(true);
    expect([...commandLines].some((command) => command.includes("cmd/run"))).toBe(true);
    for (const command of commandLines) {
      for (const secret of secrets()) expect(command.includes(secret), "a secret is in an argument").toBe(false);
      expect(command.match(SEED) ?? []).toEqual([]);
    }
  });

  test("not in any file that others can read, and in no state or log in clear", () => {
    const known = secrets();
    for (const file of filesBelow(project.directory).filter((path) => !path.includes("/node_modules/"))) {
      const open = (statSync(file).mode & 0o077) !== 0;
      const mustBeClear = open || file.includes("/.natsbus/state/") || file.endsWith(".log");
      if (!mustBeClear) continue;
      const text = readFileSync(file, "latin1");
      expect(
        known.some((secret) => text.includes(secret)),
        `${file} holds a secret`,
      ).toBe(false);
      expect(text.match(SEED) ?? [], file).toEqual([]);
      expect(/BEGIN (EC )?PRIVATE KEY-----\s+[A-Za-z0-9+/]{20}/.test(text), `${file} holds a private key`).toBe(false);
    }
  });
});
