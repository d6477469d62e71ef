#!/usr/bin/env node
// Plain JavaScript on purpose: this file has to start on any Node from 20 on and find the Node 24 that the TypeScript sources need.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import * as nodeModule from "node:module";
import { homedir } from "node:os";
import { join } from "node:path";

const NEEDED_MAJOR = 24;
const GUARD = "NATSBUS_RELAUNCHED";

function cacheFolder() {
  const { NATSBUS_CACHE_DIR, XDG_CACHE_HOME } = process.env;
  return NATSBUS_CACHE_DIR || join(XDG_CACHE_HOME || join(homedir(), ".cache"), "natsbus");
}

/** The Node 24 that `npm ci` installed: from its platform package, else from the nearest `node_modules/.bin`. */
function installedNode() {
  const require = nodeModule.createRequire(import.meta.url);
  try {
    const binary = require.resolve(`node-${process.platform}-${process.arch}/bin/node`);
    if (existsSync(binary)) return binary;
  } catch {
    // no such package on this platform: the `node` package may still have put one into .bin
  }
  const folders = require.resolve.paths("node") ?? [];
  return folders.map((folder) => join(folder, ".bin", "node")).find((file) => existsSync(file));
}

function relaunch(binary) {
  const child = spawn(binary, [process.argv[1], ...process.argv.slice(2)], { stdio: "inherit", env: { ...process.env, [GUARD]: "1" } });
  // The command line itself treats one Ctrl-C that arrives several times (terminal, npm, this process) as one.
  const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`cannot start ${binary}: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code);
    for (const name of signals) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
}

function fail(message) {
  process.stderr.write(`error: ${message}\n`);
  process.exit(1);
}

process.env.NODE_COMPILE_CACHE ||= join(cacheFolder(), "compile");
if (Number.parseInt(process.versions.node, 10) >= NEEDED_MAJOR) {
  delete process.env[GUARD];
  nodeModule.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  await import("./main.ts");
} else {
  const binary = process.env[GUARD] ? undefined : installedNode();
  if (binary === undefined) {
    // The platform packages beside this project leave Apple silicon out.
    const isThere = `${process.platform}-${process.arch}` !== "darwin-arm64";
    const installs = `\`npm ci\` in ${join(import.meta.dirname ?? ".", "..")} installs one (an optional dependency: do not omit those), or put a newer Node on PATH`;
    const remedy = isThere
      ? installs
      : `\`npm ci\` installs none on Apple silicon: take one from nodejs.org or a version manager such as nvm, and put it on PATH`;
    fail(`natsbus needs Node ${NEEDED_MAJOR} or newer and runs on ${process.version}; ${remedy}`);
  } else relaunch(binary);
}
