import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type ComparedFile, compareFiles } from "../components/kubernetes/compare.ts";
import { renderKubernetes } from "../components/kubernetes/render.ts";
import { planBus } from "../components/kubernetes/watching.ts";
import { BusError } from "../core/errors.ts";
import { loadDeclared } from "./declared.ts";
import { EXIT } from "./exit-codes.ts";
import { NO_MATERIAL } from "./kubernetes-material.ts";
import { renderComparisonMarkdown } from "./reporters/preview-markdown.ts";
import { type PlaceOptions, stackName, startFolder } from "./session.ts";
import { assertStackFile } from "./stack-file.ts";
import type { Terminal } from "./terminal.ts";

/**
 * Compares what the stack file and the catalogues declare now with rendered files of before. Needs neither state nor passphrase.
 * @throws BusError ERR_USAGE when the folder cannot be read, or the target has no files
 */
export async function runCompare(
  base: string,
  options: PlaceOptions & { readonly json?: boolean | undefined },
  terminal: Terminal,
): Promise<number> {
  const bus = await loadDeclared(options, (text) => terminal.err(`note: ${text}\n`));
  const { spec } = bus;
  if (spec.target !== "kubernetes") {
    assertStackFile(options);
    throw new BusError("ERR_USAGE", `a bus on the target ${spec.target} has no files to compare`, { remedy: "leave out --compare" });
  }
  const after = renderKubernetes(bus, planBus(bus), { secrets: "none", material: NO_MATERIAL });
  const comparison = compareFiles(readFiles(resolve(startFolder(options), base)), after);
  terminal.out(
    options.json === true ? `${JSON.stringify(comparison, null, 2)}\n` : renderComparisonMarkdown(stackName(options), comparison),
  );
  return EXIT.ok;
}

function readFiles(folder: string): ComparedFile[] {
  try {
    const names = readdirSync(folder).filter((name) => /\.(ya?ml|conf|txt)$/.test(name));
    return names.map((name) => ({ name, text: readFileSync(join(folder, name), "utf8") }));
  } catch (cause) {
    throw new BusError("ERR_USAGE", `the folder ${folder} cannot be read`, {
      cause,
      remedy: "write it with `natsbus render --secrets none --out DIR` on the branch that is compared with",
    });
  }
}
