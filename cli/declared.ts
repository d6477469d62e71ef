import { ACCOUNTS } from "../accounts/catalog.ts";
import { type ResolvedBus, resolveBus } from "../components/resolve.ts";
import { loadProject } from "../engine/project.ts";
import { CLEAR_TEXT } from "../engine/secrets.ts";
import { openStack } from "../engine/stack.ts";
import { needsSecrets, resolveConfig } from "../engine/stack-config.ts";
import { loadSettings, settingsConfig } from "../engine/stack-settings.ts";
import { catalog } from "../streams/catalog.ts";
import { type PlaceOptions, stackName, startFolder } from "./session.ts";

/**
 * The bus as the catalogues and the stack file declare it, as the program reads it. Needs the passphrase only when the stack file holds secrets, and no state.
 * @param servers number of servers to take for the one in the file; default: as declared
 * @throws BusError ERR_PROJECT, ERR_CONFIG and its siblings, ERR_PASSPHRASE_MISSING, ERR_PASSPHRASE_WRONG
 */
export async function loadDeclared(options: PlaceOptions, onNotice: (text: string) => void, servers?: number): Promise<ResolvedBus> {
  const directory = startFolder(options);
  const stack = stackName(options);
  const project = loadProject(directory);
  const values = settingsConfig(loadSettings(project, stack));
  const { config } = needsSecrets(values)
    ? (await openStack({ directory, stack, absent: "pretend", onNotice })).config
    : resolveConfig(project, values, CLEAR_TEXT);
  const wanted = servers === undefined ? config : withServers(config, `${project.name}:cluster`, servers);
  return resolveBus(wanted, { stack, project: project.name }, { streams: catalog, accounts: ACCOUNTS });
}

function withServers(config: Readonly<Record<string, string>>, key: string, servers: number): Readonly<Record<string, string>> {
  return { ...config, [key]: JSON.stringify({ ...JSON.parse(config[key] ?? "{}"), servers }) };
}
