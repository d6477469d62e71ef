import { readFileSync } from "node:fs";
import { packBundle, planBundle } from "../../components/systemd/bundle.ts";
import { readScripts } from "../../components/systemd/scripts.ts";
import { planHostTrees, programPath, type SystemdInputs } from "../../components/systemd/tree.ts";
import { testServerBinary } from "./cluster.ts";
import { hostSpec, loopbackHosts, type StackBlocks, sha256Of, type TestIdentity, testHostCertificates } from "./host-bus.ts";
import type { HostResult, TestHost } from "./test-host.ts";

const PROGRAM = "/root/nats-server";

/** Three servers on one host, small and quick to leave. */
const SMALL_BUS: StackBlocks = {
  target: "systemd",
  cluster: { name: "test" },
  jetstream: { maxMemory: "64MiB", maxStorage: "64MiB" },
  lameDuck: { duration: "30s", gracePeriod: "500ms" },
};

/** Inputs of the plan for a host whose only address is loopback. */
export function systemdInputs(
  blocks: StackBlocks,
  secrets: Pick<SystemdInputs, "identity" | "authority" | "certificates" | "keys">,
): SystemdInputs {
  const spec = hostSpec({ ...SMALL_BUS, ...blocks });
  return { spec, ...secrets, program: { path: programPath(spec), sha256: sha256Of(testServerBinary()) }, scripts: readScripts() };
}

/** Fresh secrets for a bus of that many servers. */
export function systemdSecrets(identity: TestIdentity, servers = 3) {
  return { identity: identity.identity, ...testHostCertificates(loopbackHosts(servers)) };
}

/** Brings the program to the host; once a host is enough. */
export async function provideProgram(host: TestHost): Promise<void> {
  await host.sh(`cat > ${PROGRAM}`, readFileSync(testServerBinary()));
}

/** Unpacks the bundle of the first host and runs its installer. */
export async function install(host: TestHost, inputs: SystemdInputs, args: readonly string[] = []): Promise<HostResult> {
  const [tree] = planHostTrees(inputs);
  if (tree === undefined) throw new Error("there is no host");
  await host.sh(
    "rm -rf /root/bundle; mkdir -m 0700 /root/bundle; ! [ -e /root/nats-server ] || ln /root/nats-server /root/bundle/nats-server; tar -xf - -C /root/bundle",
    packBundle(planBundle(tree)),
  );
  return host.run(["/root/bundle/install.sh", ...args]);
}
