/** Keys made for one run. */
import { createKey } from "../../core/nats-keys.ts";

/** Seed of a new user key, to sign messages with. A secret, but it opens nothing. */
export function createUserSeed(): string {
  return createKey("user").seed;
}
