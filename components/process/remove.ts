/** Ends servers for good and removes what was made for them. */
import { join, resolve } from "node:path";
import { MONITORING_FOLDER } from "./monitoring/note.ts";
import { removeMonitoring } from "./monitoring/operations.ts";
import { removeFolder } from "./node-folder.ts";
import { listNodeFolders } from "./node-note.ts";
import { findServer, findStray } from "./server-record.ts";
import { endServer } from "./supervise.ts";

/**
 * Ends the servers of these folders, all at once (there is nobody left to hand anything over to), and removes the folders with everything in them, JetStream data included.
 * Folders natsbus did not make are left alone.
 * @param folders absolute paths
 * @throws ERR_SERVER_STOP
 */
export async function removeNodes(folders: readonly string[]): Promise<void> {
  await Promise.all(
    folders.map(async (folder) => {
      const server = (await findServer(folder)) ?? (await findStray(folder));
      if (server !== undefined) await endServer(server, folder);
    }),
  );
  // One after the other: the last one to go also takes the folder around them.
  for (const folder of folders) await removeFolder(folder);
}

/**
 * Removes every node natsbus made below a runtime folder, for instance after a run that was killed before Pulumi knew the cluster.
 * @param directory runtime folder of a stack, relative to the working directory or absolute
 * @returns names of the servers whose folders were removed
 */
export async function removeLeftovers(directory: string): Promise<string[]> {
  await removeMonitoring(join(resolve(directory), MONITORING_FOLDER));
  const found = await listNodeFolders(resolve(directory));
  await removeNodes(found.map(({ folder }) => folder));
  return found.map(({ note }) => note.name);
}
