/** Writes the generated pages of `docs/reference/`; `--check` writes nothing and fails when a page is stale. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { renderClientReference } from "./client-reference.ts";
import { renderResourcesReference } from "./resources-reference.ts";
import { renderSettingsReference, renderStackFileSchema } from "./settings-reference.ts";
import { renderStreamsReference } from "./streams-reference.ts";

const FOLDER = join(import.meta.dirname, "reference");

/** Every generated page: file name in `docs/reference/` to its text. */
export const PAGES: Readonly<Record<string, () => string>> = {
  "stack-config.schema.json": renderStackFileSchema,
  "configuration.md": renderSettingsReference,
  "streams.md": renderStreamsReference,
  "client.md": renderClientReference,
  "resources.md": renderResourcesReference,
};

/** Names of the pages whose file is missing or differs from what would be written. */
export async function findStalePages(): Promise<readonly string[]> {
  const stale = await Promise.all(
    Object.entries(PAGES).map(async ([name, render]) =>
      (await readFile(join(FOLDER, name), "utf8").catch(() => "")) === render() ? [] : [name],
    ),
  );
  return stale.flat();
}

async function main(args: readonly string[]): Promise<void> {
  const stale = await findStalePages();
  if (args.includes("--check")) {
    for (const name of stale) console.error(`docs/reference/${name} is stale; run: npm run docs:generate`);
    process.exitCode = stale.length === 0 ? 0 : 1;
    return;
  }
  await mkdir(FOLDER, { recursive: true });
  await Promise.all(stale.map((name) => writeFile(join(FOLDER, name), PAGES[name]?.() ?? "")));
}

if (import.meta.main) await main(process.argv.slice(2));
