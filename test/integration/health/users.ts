/** Credentials for tests that look at their end only. */
import { renderCredentials } from "../../../accounts/credentials.ts";
import { renderToken } from "../../../accounts/token.ts";
import { createKey } from "../../../core/nats-keys.ts";

/** Text of a credentials file that ends in so many days; `undefined`: never. */
export function userEnding(days: number | undefined): string {
  const user = createKey("user");
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: user.publicKey, name: "test", iat: now, nats: { type: "user", version: 2 } };
  const token = renderToken(days === undefined ? claims : { ...claims, exp: now + days * 86_400 }, createKey("account").seed);
  return renderCredentials(token, user.seed);
}
