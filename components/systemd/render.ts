/** The files of all hosts for a folder: one sub-folder a host, with what its installer needs, and a module for NixOS beside it. Pure. */
import { planBundle } from "./bundle.ts";
import { renderNixModule } from "./nixos.ts";
import { planHostTrees, type SystemdInputs } from "./tree.ts";

/** A file to be written. */
export interface RenderedHostFile {
  /** Path relative to the output folder. */
  readonly path: string;
  /** Text. */
  readonly content: string;
  /** Access rights. */
  readonly mode: number;
}

/**
 * `<address>/` for each host: `install.sh`, `uninstall.sh`, `root/` with everything as it lies on the host, and `module.nix`. Equal inputs give equal files.
 * The nats-server program belongs beside `install.sh`, unless the host has or fetches it.
 */
export function renderHosts(inputs: SystemdInputs): readonly RenderedHostFile[] {
  return planHostTrees(inputs).flatMap((tree) => {
    const uninstall = { path: "uninstall.sh", content: inputs.scripts["uninstall.sh"] ?? "", mode: 0o700 };
    const module = { path: "module.nix", content: renderNixModule(tree, inputs), mode: 0o600 };
    return [...planBundle(tree), uninstall, module].map((file) => ({ ...file, path: `${tree.host}/${file.path}` }));
  });
}
