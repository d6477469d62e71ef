/**
 * `npm run test:kubernetes`: the tests that need pods, on the cluster of KUBECONFIG when that is set, else on a node of their own.
 * Says plainly what is missing when there can be none, and ends with 0 then, with 1 after `--required`.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { startCluster, type TestNode } from "./cluster.ts";
import { nodeObstacles } from "./node-obstacles.ts";

const TESTS = ["vitest", "run", "--project", "kubernetes", "--passWithNoTests"];
const given = process.argv.slice(2);
const required = given.includes("--required");
const filters = given.filter((argument) => argument !== "--required");

async function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const child = spawn(command, args, { stdio: "inherit", env: { ...process.env, ...env } });
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? 1;
}

async function runInside(node: TestNode): Promise<number> {
  const env = { KUBECONFIG: node.kubeconfig, NATSBUS_TEST_NODE: node.state };
  const prepared = await run(
    "nsenter",
    node.enter([process.execPath, join(import.meta.dirname, "prepare.ts"), join(node.state, "volumes")]),
    env,
  );
  return prepared === 0 ? run("nsenter", node.enter(["npx", ...TESTS, ...filters]), env) : prepared;
}

async function runOnOwnNode(): Promise<number> {
  const obstacles = nodeObstacles();
  if (obstacles.length > 0) {
    process.stdout.write(`Real pods: NOT RUN. ${obstacles.join("; ")}.\n`);
    return required ? 1 : 0;
  }
  await using node = await startCluster();
  return await runInside(node);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.exitCode = process.env["KUBECONFIG"] ? await run("npx", [...TESTS, ...filters], {}) : await runOnOwnNode();
