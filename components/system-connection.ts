/** How a target asks its servers about themselves. */
import type * as pulumi from "@pulumi/pulumi";
import { all, output, secret } from "@pulumi/pulumi";
import { PROVISIONER } from "../accounts/identity.ts";
import type { ConnectionSpec } from "../core/connection.ts";
import { parseLogin } from "../core/login.ts";

/** Where servers are, without who connects. */
type Reach = Pick<ConnectionSpec, "servers" | "forward"> & { readonly ca?: pulumi.Input<string> };

/** The connection of natsbus's own user of the system account, a secret; nothing when the servers know no user who may ask.
 * @param credentials of that user */
export function systemConnection(
  credentials: pulumi.Output<string> | undefined,
  reach: pulumi.Input<Reach>,
): { readonly connection?: pulumi.Output<ConnectionSpec> } {
  if (credentials === undefined) return {};
  const login = output(credentials).apply((text) => parseLogin(text, PROVISIONER));
  const connection = all([output(reach), login] as const).apply(([at, own]) => ({ ...at, ...own }) as ConnectionSpec);
  return { connection: secret(connection) };
}
