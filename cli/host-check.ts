import { createOperator } from "../accounts/identity.ts";
import { withBeside } from "../components/docker/beside.ts";
import { containerProblems } from "../components/docker/hardening.ts";
import { planDocker } from "../components/docker/plan.ts";
import {
  CONFIG_FOLDER,
  certificateFiles,
  configFiles,
  type Material,
  serverHosts as podHosts,
  routeFiles,
} from "../components/kubernetes/server-files.ts";
import { findBinary, presentBinary } from "../components/process/binary.ts";
import type { ServerIdentity } from "../components/server-plan.ts";
import { planHostNodes } from "../components/systemd/host-plan.ts";
import { type Inspectable, type Inspection, inspect } from "../components/systemd/inspect.ts";
import { reachHost } from "../components/systemd/reach.ts";
import { readScripts } from "../components/systemd/scripts.ts";
import { planHostTrees, programPath } from "../components/systemd/tree.ts";
import { serverHosts } from "../components/tls/hosts.ts";
import { issueAuthority, issueServers, planAuthority, planServers } from "../components/tls/issue.ts";
import type { BusSpec } from "../core/bus-spec.ts";
import { BusError, isBusError } from "../core/errors.ts";
import { serverNames } from "../core/kubernetes-names.ts";

/** What is looked at, with the files it refers to. */
interface Subject {
  readonly files: readonly Inspectable[];
  readonly companions: Readonly<Record<string, string>>;
  /** Looks that needed no tool. */
  readonly own: readonly Inspection[];
}

/**
 * Looks at everything that the stack file makes on hosts, in containers or in pods; on other targets at what the same servers would be told as services, without units.
 * @throws ERR_SERVER_CONFIG when a value cannot be written
 */
export async function checkHostConfig(spec: BusSpec): Promise<readonly Inspection[]> {
  const subject = subjectOf(spec);
  const server = await findBinary({ version: spec.cluster.version, configured: spec.process.binary }).catch((error: unknown) => {
    if (isBusError(error)) return undefined;
    throw error;
  });
  const options = { companions: subject.companions, ...(server === undefined ? {} : { server: server.path }) };
  const stack = { subject: `stack ${spec.stack}`, tool: "natsbus", outcome: "ok", detail: "" } as const;
  return [stack, ...subject.own, ...(await inspect(subject.files, options))];
}

/**
 * Has nats-server itself read what the pods would read, where raw settings make that worth it and a server of that version is on this machine.
 * @throws ERR_SERVER_CONFIG with the server's words
 */
export async function assertPodsTakeConfig(spec: BusSpec): Promise<void> {
  if (Object.keys(spec.serverConfig).length === 0) return;
  const { version } = spec.cluster;
  const server = await presentBinary({ version, configured: spec.process.binary });
  if (server === undefined) return;
  const { files, companions } = podsOf(spec);
  const bad = (await inspect(files, { companions, server: server.path })).find(({ outcome }) => outcome === "bad");
  if (bad === undefined) return;
  throw new BusError("ERR_SERVER_CONFIG", `nats-server ${version} would refuse the configuration: ${bad.detail}`, {
    path: "serverConfig",
    remedy: "correct the setting; nothing was written",
  });
}

/** Logs in to every host that gets a server; a host that cannot be set up is told with the setting and what to do. */
export async function reachHosts(spec: BusSpec): Promise<readonly Inspection[]> {
  if (spec.target !== "systemd") return [];
  const hosts = spec.systemd.hosts.slice(0, spec.cluster.servers);
  return Promise.all(
    hosts.map(async (host, index): Promise<Inspection> => {
      const look = { subject: host.address, tool: host.via === "local" ? "this machine" : "ssh" };
      try {
        await reachHost(host, `systemd.hosts[${index}]`);
        return { ...look, outcome: "ok", detail: "" };
      } catch (error) {
        if (!isBusError(error)) throw error;
        return { ...look, outcome: "bad", detail: `${error.message} [${error.code} at ${error.path}]; ${error.remedy}` };
      }
    }),
  );
}

function subjectOf(spec: BusSpec): Subject {
  if (spec.target === "docker") return containersOf(spec);
  return spec.target === "kubernetes" ? podsOf(spec) : hostsOf(spec);
}

/** The servers' configurations; their objects are checked by the API server. */
function podsOf(spec: BusSpec): Subject {
  const material = { ...standIns(spec, Object.keys(podHosts(spec))), credentials: {} };
  const files = Object.entries(configFiles(spec, material)).map(
    ([name, content]): Inspectable => ({ subject: name, kind: "server", name, content: withVariables(content) }),
  );
  return { files, companions: certificateCompanions(spec, material), own: [] };
}

/** What pods take from their environment, as texts: only the pods have it. */
function withVariables(content: string): string {
  return content.replaceAll(/(?<=: |^ *)\$(NATS_[A-Z_]+)$/gm, '"az:$1"');
}

/** Certificates under the paths of the pods; those of others have names of their own. */
function certificateCompanions(spec: BusSpec, material: Material): Readonly<Record<string, string>> {
  const [first = ""] = serverNames(spec);
  const foreign = { "tls.crt": material.certificates[first] ?? "", "tls.key": material.keys[first] ?? "", "ca.crt": material.authority };
  const files = spec.kubernetes.certificates.source === "own" ? certificateFiles(spec, material) : foreign;
  return Object.fromEntries(
    Object.entries({ ...files, ...routeFiles(spec, material) }).map(([name, content]) => [`${CONFIG_FOLDER}/${name}`, content]),
  );
}

function hostsOf(spec: BusSpec): Subject {
  const names = planHostNodes(spec).map(({ name }) => name);
  const trees = planHostTrees({ spec, ...standIns(spec, names), program: { path: programPath(spec) }, scripts: readScripts() });
  const all = trees.flatMap(({ host, files }) => files.map((file) => ({ host, ...file })));
  const isOwn = spec.target === "systemd";
  const files = all.flatMap(({ host, path, content }): Inspectable[] => {
    const kind = kindOf(path);
    if (kind === undefined || (kind !== "server" && !isOwn)) return [];
    const name = path.split("/").at(-1) ?? "";
    return [{ subject: isOwn ? `${host}:${path}` : path.split("/").slice(-2).join("/"), kind, name, content }];
  });
  const companions = all.filter(({ path }) => path.includes("/tls/") || path.endsWith(".htpasswd"));
  return { files, companions: Object.fromEntries(companions.map(({ path, content }) => [path, content])), own: [] };
}

function containersOf(spec: BusSpec): Subject {
  const names = planHostNodes(spec).map(({ name }) => name);
  const plan = withBeside(planDocker({ spec, ...standIns(spec, names) }), spec, []);
  const problems = containerProblems(plan);
  const own: Inspection[] = [
    {
      subject: `${plan.containers.length} containers`,
      tool: "the container rules",
      outcome: problems.length === 0 ? "ok" : "bad",
      detail: problems.join("; "),
    },
    {
      subject: "compose.yaml",
      tool: "docker compose config",
      outcome: "skipped",
      detail: "it is read when it is applied: apply.sh --check",
    },
    {
      subject: "images",
      tool: "docker image inspect",
      outcome: "skipped",
      detail: "only the engine knows whether they can be had: apply.sh --check",
    },
  ];
  const entries = Object.entries(plan.files).flatMap(([folder, files]) => files.map((file) => ({ folder, ...file })));
  const files = entries
    .filter(({ path }) => path === "nats.conf")
    .map(({ folder, content }): Inspectable => ({ subject: `${folder}/nats.conf`, kind: "server", name: `${folder}.conf`, content }));
  const companions = entries.filter(({ path }) => path.startsWith("tls/"));
  return { files, own, companions: Object.fromEntries(companions.map(({ path, content }) => [`/etc/nats/${path}`, content])) };
}

function kindOf(path: string): Inspectable["kind"] | undefined {
  if (path.endsWith("/nats.conf")) return "server";
  if (path.startsWith("/etc/systemd/system/")) return "unit";
  if (path.startsWith("/etc/nginx/conf.d/")) return "site";
  return path.endsWith("/firewall.nft") ? "firewall" : undefined;
}

/** Keys and certificates of the right form for nothing but this check. */
function standIns(spec: BusSpec, names: readonly string[]) {
  const now = new Date();
  const { authorityValidityMs, authorityRenewBeforeMs, validityMs, renewBeforeMs, hosts } = spec.tls;
  const wanted = { name: "check", validityMs: authorityValidityMs, renewBeforeMs: authorityRenewBeforeMs };
  const authority = issueAuthority(undefined, planAuthority(undefined, wanted, now));
  const nodes = Object.fromEntries(names.map((node) => [node, serverHosts({ node, address: "127.0.0.1", extra: hosts })]));
  const { certificates, keys } = issueServers(undefined, planServers(undefined, { authority, nodes, validityMs, renewBeforeMs }, now));
  return { identity: standInIdentity(spec), authority: authority.bundle, certificates, keys };
}

function standInIdentity(spec: BusSpec): ServerIdentity {
  if (spec.auth.mode !== "jwt") return { kind: "none" };
  const operator = createOperator({ name: "check", systemAccount: "SYS", systemRoles: [] }, new Date());
  return {
    kind: "operator",
    operatorJwt: operator.token,
    systemAccount: operator.systemPublicKey,
    systemAccountJwt: operator.systemToken,
    resolverIntervalMs: spec.auth.resolverIntervalMs,
  };
}
