/** Activations: an exporting account's word that another account may import what is private. Pure. */
import type { ImportSpec } from "./sharing.ts";
import { type Json, parseToken, renderToken } from "./token.ts";

/** The activation of one import, signed by the exporting account's identity. */
export function renderActivation(one: Pick<ImportSpec, "name" | "kind" | "subject">, importer: string, seed: string, iat: number): string {
  const nats = { type: "activation", version: 2, kind: one.kind, subject: one.subject };
  return renderToken({ sub: importer, name: one.name, iat, nats }, seed);
}

/** What an activation says, without when and by which version: two tokens that say the same are no change. A text that is none stands for itself. */
export function activationMeaning(token: string): Json {
  try {
    const { sub, iss, exp, nats } = parseToken(token);
    return { sub, iss, ...(exp === undefined ? {} : { exp }), subject: nats["subject"] ?? "", kind: nats["kind"] ?? "" };
  } catch {
    return token;
  }
}

/** Activations that natsbus signs for an account.
 * @param seeds map keyed by exporting account: its seed */
export function renderActivations(
  imports: readonly ImportSpec[],
  importer: string,
  seeds: Readonly<Record<string, string>>,
  iat: number,
): Record<string, string> {
  return Object.fromEntries(
    imports.flatMap((one) => {
      const seed = seeds[one.from];
      return one.activated && seed !== undefined ? [[one.name, renderActivation(one, importer, seed, iat)] as const] : [];
    }),
  );
}
