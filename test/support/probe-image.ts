/** What the image of the probe holds and how it starts, read from its Dockerfile. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
const DOCKERFILE = readFileSync(join(ROOT, "probe/Dockerfile"), "utf8");
const [, LAST_STAGE = ""] = DOCKERFILE.split(/^FROM .*alpine$/m);
const [, ENTRYPOINT = "[]"] = /^ENTRYPOINT (.*)$/m.exec(DOCKERFILE) ?? [];

/** A file or folder of the image. */
export interface ImageCopy {
  /** Path below the project. */
  readonly from: string;
  /** Path below the folder `/natsbus` of the image. */
  readonly to: string;
}

/** Every file and folder that the last stage copies. */
export const PROBE_COPIES: readonly ImageCopy[] = [...LAST_STAGE.matchAll(/^COPY (?:--from=packages \/natsbus\/)?(\S+) (\S+)$/gm)].map(
  ([, from = "", to = ""]) => ({ from, to }),
);

/** The command that the image starts. */
export const PROBE_ENTRYPOINT = JSON.parse(ENTRYPOINT) as readonly string[];
