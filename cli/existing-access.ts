/** How verbs reach a cluster that natsbus did not make: as the stack file says, for nothing of it is kept in a file. */
import { type ExistingAccess, readExistingAccess } from "../components/existing/access.ts";
import { BusError } from "../core/errors.ts";
import { loadDeclared } from "./declared.ts";

/**
 * @throws ERR_NOT_UP when the stack file no longer describes an existing cluster; ERR_EXISTING_FILE, ERR_PASSPHRASE_MISSING and what else reading it throws
 */
export async function readAccess({ root, stack }: { readonly root: string; readonly stack: string }): Promise<ExistingAccess> {
  const { spec } = await loadDeclared({ cwd: root, stack }, () => undefined);
  if (spec.existing === undefined) {
    throw new BusError("ERR_NOT_UP", `stack ${stack} was made on an existing cluster, and its stack file no longer describes one`, {
      remedy: "put natsbus:existing back, or destroy the stack",
    });
  }
  return readExistingAccess({ existing: spec.existing, domain: spec.jetstream.domain, root });
}
