/** YAML as all writers write it. */
import { stringify } from "yaml";

const HEADER = "# Written by natsbus from the declared bus; changes made here are overwritten.\n";

/** One YAML document with a header that says where it comes from. Same value, same text. */
export function renderYaml(value: unknown): string {
  return HEADER + stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}
