/** Which part of a bus the program declares in this run. The command line says so for targets whose objects somebody else applies. */

/** `all`; `keys`: keys, credentials and certificates only; `contents`: everything but the servers themselves. */
export type DeclaredPart = "all" | "keys" | "contents";

/** Environment variable with the part. */
export const PART_VARIABLE = "NATSBUS_PART";

/** The part that the environment names; anything else means all. */
export function declaredPart(env: NodeJS.ProcessEnv = process.env): DeclaredPart {
  const part = env[PART_VARIABLE];
  return part === "keys" || part === "contents" ? part : "all";
}
