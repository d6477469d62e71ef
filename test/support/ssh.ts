import { execFile } from "node:child_process";

/** Runs `ssh`. Never synchronously: what carries the connection into the host's network lives in this process. */
export function runSsh(args: readonly string[], input: string | Buffer): Promise<string> {
  return new Promise((done, fail) => {
    const child = execFile("ssh", [...args], { encoding: "utf8" }, (error, stdout) => (error === null ? done(stdout) : fail(error)));
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}
