import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const ROOT = resolve(import.meta.dirname, "../..");

/** A Pulumi project of somebody who uses natsbus as an installed package. */
export interface Program extends Disposable {
  readonly directory: string;
}

/** Copies a program of this checkout (`source` is relative to it) into a folder of its own, where `natsbus` is an installed dependency. Disposing removes it. */
export function createProgram(source: string): Program {
  const directory = mkdtempSync(join(tmpdir(), "natsbus-program-"));
  cpSync(join(ROOT, source), directory, { recursive: true });
  const modules = join(directory, "node_modules");
  mkdirSync(modules);
  for (const name of readdirSync(join(ROOT, "node_modules"))) symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  symlinkSync(ROOT, join(modules, "natsbus"));
  return { directory, [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }) };
}
