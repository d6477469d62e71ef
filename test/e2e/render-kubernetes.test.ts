import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { createProject, type Project } from "../support/project.ts";

let project: Project;
beforeAll(async () => {
  project = await createProject();
});
afterAll(() => project[Symbol.asyncDispose]());

function contents(folder: string): Record<string, string> {
  return Object.fromEntries(readdirSync(project.path(folder)).map((name) => [name, readFileSync(project.path(folder, name), "utf8")]));
}

async function run(...args: readonly string[]) {
  const done = await project.natsbus([...args, "--stack", "prod"]);
  expect(done.code, done.stderr).toBe(0);
  return done;
}

test("render writes the same bytes each time, with keys from the stack's state, readable by this user alone", async () => {
  await run("render", "--out", "first");
  await run("render", "--out", "second");
  expect(contents("second")).toEqual(contents("first"));
  expect(contents("first")["2-secret-nats-tls.yaml"]).toMatch(/[0-9a-f]{12}\.key: /);
  expect(statSync(project.path("first", "2-secret-nats-tls.yaml")).mode & 0o777).toBe(0o600);
});

test("files that are no longer wanted go, and those of others stay", async () => {
  project.edit("Pulumi.prod.yaml", "    storage:\n", "    disruptionBudget: false\n    storage:\n");
  await run("render", "--out", "first", "--secrets", "none");
  const names = Object.keys(contents("first"));
  expect(names).not.toContain("1-poddisruptionbudget-nats.yaml");
  expect(names.filter((name) => name.includes("secret"))).toEqual([]);
  expect(names).toContain("nats-0.conf");
});

test("a slip in the stack's name is told as one", async () => {
  for (const verb of [["render"], ["preview", "--compare", "first"]]) {
    const refused = await project.natsbus([...verb, "--stack", "prd"]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/there is no .*Pulumi\.prd\.yaml; did you mean --stack prod\?/);
    expect(refused.stderr).toContain("stacks with a file: dev, prod");
  }
});

test("a raw setting that the server would refuse is told in its words, and nothing is written", async () => {
  project.edit("Pulumi.prod.yaml", "config:\n", "config:\n  natsbus:serverConfig: { max_conections: 3 }\n");
  const refused = await project.natsbus(["render", "--out", "never", "--secrets", "none", "--stack", "prod"]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/nats-server 2\.\d+\.\d+ would refuse the configuration: .*unknown field "max_conections"/);
  expect(existsSync(project.path("never"))).toBe(false);
  project.edit("Pulumi.prod.yaml", "  natsbus:serverConfig: { max_conections: 3 }\n", "");
});

test("a comparison tells what the change costs, without state or passphrase", async () => {
  const same = await run("preview", "--compare", "first");
  expect(same.stdout).toBe("### Rendered files of `prod`: no changes\n");
  project.edit("Pulumi.prod.yaml", "memory: 1GiB", "memory: 2GiB");
  project.edit("Pulumi.prod.yaml", "level: info", "level: debug");
  const { stdout } = await run("preview", "--compare", "first");
  expect(stdout).toContain("1 objects and 1 server settings change");
  expect(stdout).toContain("- **service**: rolling restart, one server at a time");
  expect(stdout).toContain("#### Server configuration: a reload, without a restart");
  project.edit("Pulumi.prod.yaml", "config:\n", "config:\n  natsbus:streams: { CONSCIOUSNESS: { maxAge: 1d } }\n");
  expect((await run("preview", "--compare", "first")).stdout).toContain(
    "- **data**: maxAge: messages beyond the lower limit are deleted (`Stream CONSCIOUSNESS`)",
  );
});

test("a preview goes on without the provider plugin, says so, and is Markdown on request", async () => {
  const { stdout, stderr } = await run("preview", "--engine", "embedded", "--markdown");
  expect(stderr).toContain("the provider plugin kubernetes is not installed");
  expect(stdout).toMatch(/^### Preview of `prod`: \d+ to create/);
  expect(stdout).toContain("kubernetes:apps/v1:StatefulSet");
  expect(stdout).not.toMatch(/BEGIN (EC )?PRIVATE KEY|SU[A-Z0-9]{56}/);
});

test("up without plugin is refused before anything is made, and tells both ways", async () => {
  const refused = await project.natsbus(["up", "--yes", "--engine", "embedded", "--stack", "prod"]);
  expect(refused.code).not.toBe(0);
  expect(refused.stderr).toContain("ERR_ENGINE_PLUGIN_MISSING");
  expect(refused.stderr).toContain("--contents-only");
});

test("a bus whose users stand in its configuration is as closed in files as it is when it is applied", async () => {
  await using other = await createProject();
  other.edit("Pulumi.prod.yaml", "  natsbus:logging:\n", "  natsbus:auth: { mode: config }\n  natsbus:logging:\n");
  const done = await other.natsbus(["render", "--out", "files", "--stack", "prod"]);
  expect(done.code, done.stderr).toBe(0);
  const { data } = parse(readFileSync(other.path("files", "2-secret-nats-config.yaml"), "utf8")) as { data: Record<string, string> };
  const text = Buffer.from(data["nats-0.conf"] ?? "", "base64").toString();
  expect(text).toMatch(/^accounts \{$/m);
  expect(text).toMatch(/nkey: "U[A-Z2-7]{55}"/);
  expect(text).toContain('system_account: "SYS"');
  await other.natsbus(["render", "--out", "base", "--secrets", "none", "--stack", "prod"]);
  const compare = async () => (await other.natsbus(["preview", "--compare", "base", "--stack", "prod"])).stdout;
  expect(await compare()).toBe("### Rendered files of `prod`: no changes\n");
  other.edit("Pulumi.prod.yaml", "  natsbus:logging:\n", "  natsbus:accounts: { BUS: { users: { matrix: null } } }\n  natsbus:logging:\n");
  const told = await compare();
  expect(told).toContain("#### Server configuration: a reload, without a restart");
  expect(told).toContain('| `accounts.BUS.users[(key of matrix)].nkey` | `"(key of matrix)"` |  | the running server takes this over |');
  expect(told).not.toMatch(/U[A-Z2-7]{55}/);
});
