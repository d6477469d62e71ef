import { existsSync, readdirSync } from "node:fs";
import { BusError } from "../core/errors.ts";
import { nearestWord } from "../core/nearest.ts";
import { loadProject } from "../engine/project.ts";
import { loadSettings } from "../engine/stack-settings.ts";
import { type PlaceOptions, stackName, startFolder } from "./session.ts";

/**
 * Refuses a stack without a file, where the defaults cannot be what was meant.
 * @throws BusError ERR_USAGE naming the stacks that have one
 */
export function assertStackFile(options: PlaceOptions): void {
  const project = loadProject(startFolder(options));
  const stack = stackName(options);
  const { path } = loadSettings(project, stack);
  if (existsSync(path)) return;
  const stacks = readdirSync(project.settingsDirectory).flatMap((name) => /^Pulumi\.(.+)\.yaml$/.exec(name)?.[1] ?? []);
  const near = nearestWord(stack, stacks);
  throw new BusError("ERR_USAGE", `there is no ${path}${near === undefined ? "" : `; did you mean --stack ${near}?`}`, {
    remedy:
      stacks.length === 0 ? "write it; docs/reference/configuration.md has every key" : `stacks with a file: ${stacks.sort().join(", ")}`,
  });
}
