/** The reference of the resources that need no cluster of natsbus's own, written from their docstrings. */
import { namesExportedBy, readDeclarations } from "./client-declarations.ts";
import { renderReference } from "./client-reference.ts";

const HEAD = `# Resources for any cluster

Generated from docstrings; do not edit. Streams, consumers, buckets, stores: \`natsbus/streams/resource\`; operator, accounts, users and credentials files: \`natsbus/accounts/resource\`;
the connection all of them take: \`natsbus/core/connection\`. How to use them: [connect to any cluster](../identity.md#connect-to-any-cluster); what each setting of a stream does when it changes:
[streams](streams.md); error codes: [errors](../errors.md).
`;
const SOURCES = [
  ...["streams/resource.ts", "streams/args.ts", "streams/consumer-args.ts", "streams/entry-args.ts", "streams/set-args.ts"],
  ...["accounts/resource.ts", "accounts/resource-args.ts", "core/connection.ts"],
];
const TYPES = [
  ...["accounts/model.ts", "accounts/claims.ts", "accounts/roles.ts", "accounts/sharing.ts", "accounts/plain-users.ts"],
  ...["core/forward.ts", "core/validity.ts", "core/units.ts"],
];

/** Text of `docs/reference/resources.md`. */
export function renderResourcesReference(): string {
  const exported = SOURCES.flatMap(namesExportedBy);
  return renderReference(HEAD, exported, readDeclarations([...SOURCES, ...TYPES]));
}
