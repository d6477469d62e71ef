import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { findFreePorts } from "../support/free-ports.ts";
import { createProject } from "../support/project.ts";

const MESSAGES = ["one", "two", "three"];

interface Seen {
  readonly name: string;
  readonly streams: number;
  readonly pid: number;
}

// One bus there and back: starting servers is most of the time. A name that left is let in again only after five minutes, so it grows first.
test("servers join and are given streams, and leave after their streams moved away", async () => {
  await using project = await createProject();
  const first = await findFreePorts(15);
  project.configure({ "natsbus:process": { ports: { client: first, monitor: first + 5, route: first + 10 } } });
  const run = (...args: string[]) => project.natsbus([...args, "--stack", "dev"], { timeoutMs: 240_000 });
  const natsbus = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args);
    expect(code, `${args.join(" ")}\n${stdout}\n${stderr}`).toBe(0);
    return { stdout, all: stdout + stderr };
  };
  const refused = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args);
    expect(code, stdout).not.toBe(0);
    return stdout + stderr;
  };
  const servers = async (): Promise<readonly Seen[]> => {
    const { servers: seen } = JSON.parse((await natsbus("status", "--json")).stdout) as { readonly servers: readonly Seen[] };
    return seen.map(({ name, pid, streams }) => ({ name, pid, streams }));
  };
  const stored = async () => {
    const lines = (await natsbus("read", "CONSCIOUSNESS", "--json")).stdout.trim().split("\n");
    return lines.map((line) => (JSON.parse(line) as { readonly payload: string }).payload);
  };

  await natsbus("up", "--yes");
  for (const text of MESSAGES) await natsbus("publish", "consciousness.normal.scale", text);
  const three = await servers();

  expect((await natsbus("scale", "5", "--spread", "--yes")).all).toMatch(/\d+ replicas? moved/);
  const five = await servers();
  expect(five.map(({ name }) => name)).toEqual(["n1", "n2", "n3", "n4", "n5"]);
  const counts = five.map(({ streams }) => streams);
  expect(Math.min(...counts)).toBeGreaterThan(0);
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  expect(await stored()).toEqual(MESSAGES);

  expect(await refused("scale", "2", "--yes")).toContain(
    "CONSCIOUSNESS of account BUS keeps 3 replicas, and 2 servers would be left [ERR_SCALE_DOWN]",
  );
  expect(await refused("scale", "3")).toContain("ERR_NO_TERMINAL");
  project.configure({ "natsbus:cluster": { servers: 3 } });
  const plain = await refused("up", "--yes");
  expect(plain).toContain("ERR_SCALE_DOWN");
  expect(plain).toContain("natsbus scale 3");
  expect(await servers()).toEqual(five);

  const { all } = await natsbus("scale", "3", "--yes");
  expect(all).toContain("n5: leaves the meta group");
  expect((await servers()).map(({ name, pid }) => [name, pid])).toEqual(three.map(({ name, pid }) => [name, pid]));
  expect(await stored()).toEqual(MESSAGES);
  expect(readFileSync(project.path("Pulumi.dev.yaml"), "utf8")).toContain("servers: 3");
  expect((await natsbus("up", "--yes", "--expect-no-changes")).stdout).toContain("unchanged");
}, 300_000);
