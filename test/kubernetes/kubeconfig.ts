import { writeFile } from "node:fs/promises";

/** Where a test's API server is, and as whom it is used. */
export interface KubeconfigFacts {
  /** `https://host:port`. */
  readonly server: string;
  /** Certificates to trust, PEM. */
  readonly authority: string;
  /** Bearer token of a user with all rights. */
  readonly token: string;
}

/** Writes a kubeconfig for one cluster; JSON is YAML. */
export async function writeKubeconfig(path: string, { server, authority, token }: KubeconfigFacts): Promise<void> {
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "test", cluster: { server, "certificate-authority-data": Buffer.from(authority).toString("base64") } }],
    users: [{ name: "admin", user: { token } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "admin" } }],
    "current-context": "test",
  };
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
}
