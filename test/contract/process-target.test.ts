import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { Jsz } from "../../components/gate/server-pages.ts";
import type { ClusterInputs, ClusterOutputs } from "../../components/process/cluster-spec.ts";
import { findByArguments, waitGone } from "../../components/process/host-process.ts";
import { askMonitor } from "../../components/process/monitor.ts";
import { createCluster, deleteCluster, diffCluster, updateCluster } from "../../components/process/operations.ts";
import { findPortOwner } from "../../components/process/port-owner.ts";
import { CONFIG_FILE, findServer } from "../../components/process/server-record.ts";
import { connectAs, createTestAccount, pushAccount } from "../support/process-account.ts";
import { prepareProcessCluster } from "../support/process-cluster.ts";
import { type TargetSettings, type TargetUnderTest, targetContract } from "./target.contract.ts";

targetContract("process", makeProcessTarget);

async function makeProcessTarget(): Promise<TargetUnderTest> {
  const cluster = await prepareProcessCluster();
  const account = createTestAccount(cluster);
  const { nodes } = cluster.inputs;
  let state: ClusterOutputs | undefined;
  const wanted = (settings: TargetSettings): ClusterInputs => withSettings(cluster.inputs, settings);
  return {
    changes: async (settings) => (state === undefined ? true : (await diffCluster(state, wanted(settings))).changes),
    up: async (settings) => {
      if (state === undefined) state = (await createCluster(wanted(settings))).outs;
      else if ((await diffCluster(state, wanted(settings))).changes) state = (await updateCluster(wanted(settings))).outs;
    },
    servers: () =>
      Promise.all(
        nodes.map(async (node) => {
          const server = await findServer(node.directory);
          return { name: node.name, instance: server === undefined ? undefined : `${server.pid}@${server.startTime}` };
        }),
      ),
    metaLeader: async () => (await askMonitor<Jsz>({ url: nodes[0]?.monitorUrl ?? "" }, "/jsz"))?.meta_cluster?.leader,
    kill: async (name) => {
      const node = nodes.find((candidate) => candidate.name === name);
      const server = await findServer(node?.directory ?? "");
      if (server === undefined) return;
      process.kill(server.pid, "SIGKILL");
      expect(await waitGone(server, 10_000)).toBe(true);
    },
    destroy: async () => {
      if (state !== undefined) await deleteCluster(state);
    },
    leftovers: () => findLeftovers(cluster.directory, cluster.inputs),
    connect: async () => {
      await pushAccount(cluster, account);
      return connectAs(cluster, account.credentials);
    },
    [Symbol.asyncDispose]: () => cluster[Symbol.asyncDispose](),
  };
}

function withSettings(inputs: ClusterInputs, settings: TargetSettings): ClusterInputs {
  const { jetstream, limits } = inputs.settings;
  return {
    ...inputs,
    settings: {
      ...inputs.settings,
      jetstream: { ...jetstream, maxStorageBytes: settings.maxStorageBytes },
      limits: { ...limits, maxPayloadBytes: settings.maxPayloadBytes },
    },
  };
}

async function findLeftovers(directory: string, inputs: ClusterInputs): Promise<string[]> {
  const files = existsSync(directory) ? await readdir(directory, { recursive: true }) : [];
  const processes = await Promise.all(
    inputs.nodes.map((node) => findByArguments(node.directory, ["-c", join(node.directory, CONFIG_FILE)])),
  );
  const ports = inputs.nodes.flatMap((node) => Object.values(node.ports));
  const owners = await Promise.all(ports.map(async (port) => ({ port, owner: await findPortOwner(port) })));
  return [
    ...files,
    ...processes.flatMap((found) => (found === undefined ? [] : [`process ${found.pid}`])),
    ...owners.flatMap(({ port, owner }) => (owner === undefined ? [] : [`port ${port} of ${owner.command}`])),
  ];
}
