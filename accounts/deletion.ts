import { publicKeyOf } from "../core/nats-keys.ts";
import { renderToken } from "./token.ts";

/** The request that makes servers forget an account, signed by the operator's signing key. */
export function deletionRequest(account: string, signingSeed: string, now: Date): string {
  const operator = publicKeyOf(signingSeed);
  const nats = { type: "generic", version: 2, accounts: [account] };
  return renderToken({ sub: operator, name: "delete", iat: Math.floor(now.getTime() / 1000), nats }, signingSeed);
}
