import { existsSync } from "node:fs";
import { appendFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ClusterInputs } from "../../../components/process/cluster-spec.ts";
import { observeCluster } from "../../../components/process/observe.ts";
import {
  checkCluster,
  createCluster,
  deleteCluster,
  diffCluster,
  readCluster,
  updateCluster,
} from "../../../components/process/operations.ts";
import { findServer } from "../../../components/process/server-record.ts";
import { prepareProcessCluster, testCertificates } from "../../support/process-cluster.ts";

describe("before anything is touched", () => {
  test("a taken port is refused by name and owner, in the preview and in the run", async () => {
    await using cluster = await prepareProcessCluster();
    const port = cluster.inputs.nodes[1]?.ports.route ?? 0;
    const holder = await listen(port);
    try {
      const { failures } = await checkCluster({}, cluster.inputs);
      expect(failures).toHaveLength(1);
      expect(failures[0]?.reason).toContain(`server n2 cannot listen on 127.0.0.1:${port}`);
      expect(failures[0]?.reason).toMatch(new RegExp(`\\(pid ${process.pid}\\); end that process.* \\[ERR_PORT_IN_USE\\]$`));
      await expect(createCluster(cluster.inputs)).rejects.toMatchObject({ code: "ERR_PORT_IN_USE" });
      expect(existsSync(cluster.directory)).toBe(false);
    } finally {
      holder.close();
    }
    const { outs } = await createCluster(cluster.inputs);
    expect((await checkCluster(cluster.inputs, cluster.inputs)).failures).toEqual([]);
    await deleteCluster(outs);
  });

  test("a folder that somebody else filled is left alone", async () => {
    await using cluster = await prepareProcessCluster();
    const theirs = cluster.inputs.nodes[1]?.directory ?? "";
    await mkdir(theirs, { recursive: true });
    await writeFile(join(theirs, "letter.txt"), "dear");
    await expect(createCluster(cluster.inputs)).rejects.toMatchObject({ code: "ERR_RUNTIME_FOLDER" });
    expect(await readFile(join(theirs, "letter.txt"), "utf8")).toBe("dear");
    expect(existsSync(cluster.inputs.nodes[0]?.directory ?? "")).toBe(false);
    await deleteCluster({ ...cluster.inputs, urls: [], monitorUrls: [], digests: {}, running: [], serverVersion: "" });
    expect(await readFile(join(theirs, "letter.txt"), "utf8")).toBe("dear");
  });

  test("a program that cannot be run leaves nothing", async () => {
    await using cluster = await prepareProcessCluster();
    const failure = createCluster({ ...cluster.inputs, binary: join(cluster.directory, "missing") });
    await expect(failure).rejects.toMatchObject({ code: "ERR_SERVER_BINARY" });
    expect(existsSync(cluster.directory)).toBe(false);
  });

  test("a folder that cannot be made is said", async () => {
    await using cluster = await prepareProcessCluster();
    await writeFile(cluster.directory, "in the way");
    await expect(createCluster(cluster.inputs)).rejects.toMatchObject({ code: "ERR_RUNTIME_FOLDER", path: "process.directory" });
    expect(await readFile(cluster.directory, "utf8")).toBe("in the way");
  });
});

describe("a configuration the server refuses", () => {
  test("ends a first create with the server's own words, and leaves nothing", async () => {
    await using cluster = await prepareProcessCluster();
    const failure = await createCluster(withExtra(cluster.inputs, { no_such_setting: 1 })).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "ERR_SERVER_START" });
    expect(failure).not.toHaveProperty("id");
    expect(String(failure)).toContain("no_such_setting");
    expect(existsSync(cluster.directory)).toBe(false);
  });

  test("ends the repair of a cluster with its data and its state in place", async () => {
    await using cluster = await prepareProcessCluster();
    await createCluster(cluster.inputs);
    for (const node of cluster.inputs.nodes) process.kill((await findServer(node.directory))?.pid ?? 0, "SIGKILL");
    const failure = await createCluster(withExtra(cluster.inputs, { no_such_setting: 1 })).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "ERR_SERVER_START" });
    for (const node of cluster.inputs.nodes) expect(existsSync(join(node.directory, "jetstream"))).toBe(true);
    const { outs } = await createCluster(cluster.inputs);
    expect(outs.running).toEqual(["n1", "n2", "n3"]);
  });

  test("touches no running server, and no file of it", async () => {
    await using cluster = await prepareProcessCluster();
    const { outs } = await createCluster(cluster.inputs);
    const before = await snapshot(cluster.inputs);
    for (const extra of [{ no_such_setting: 1 }, { max_payload: "lots" }]) {
      const failure = await updateCluster(withExtra(cluster.inputs, extra)).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "ERR_SERVER_CONFIG" });
      expect(await snapshot(cluster.inputs)).toEqual(before);
    }
    expect((await diffCluster(outs, cluster.inputs)).changes).toBe(false);
  });
});

describe("drift", () => {
  test("of a configuration file edited by hand is seen and undone without a restart", async () => {
    await using cluster = await prepareProcessCluster();
    const { outs } = await createCluster(cluster.inputs);
    const before = await snapshot(cluster.inputs);
    await appendFile(join(cluster.inputs.nodes[2]?.directory ?? "", "nats.conf"), "\nmax_payload: 1KB\n");
    const edited = await findServer(cluster.inputs.nodes[2]?.directory ?? "");
    process.kill(edited?.pid ?? 0, "SIGHUP");
    await expect.poll(async () => (await readCluster("test", outs)).props.digests["n3"]).not.toBe(outs.digests["n3"]);
    expect((await diffCluster(outs, cluster.inputs)).changes).toBe(true);
    const mended = await updateCluster(cluster.inputs);
    expect(mended.outs.digests).toEqual(outs.digests);
    expect(await snapshot(cluster.inputs)).toEqual(before);
    expect((await diffCluster(mended.outs, cluster.inputs)).changes).toBe(false);
  });

  test("of dead servers is what a read says, and a cluster that is gone has no id", async () => {
    await using cluster = await prepareProcessCluster();
    const { outs } = await createCluster(cluster.inputs);
    const victim = await findServer(cluster.inputs.nodes[0]?.directory ?? "");
    process.kill(victim?.pid ?? 0, "SIGKILL");
    await expect.poll(async () => (await readCluster("test", outs)).props.running).toEqual(["n2", "n3"]);
    const status = await observeCluster(cluster.directory);
    expect(status).toMatchObject({ cluster: "test", blocked: "n1 does not answer" });
    expect(status.servers.map((server) => server.alive)).toEqual([false, true, true]);
    expect(status.servers[1]).toMatchObject({ name: "n2", version: expect.stringMatching(/^2\.15\.\d+$/), connections: 0, streams: 0 });
    await deleteCluster(outs);
    expect((await readCluster("test", outs)).id).toBe("");
    expect(await observeCluster(cluster.directory)).toEqual({ servers: [], streams: [] });
  });
});

describe("certificates", () => {
  test("are renewed by a reload, and the old ones removed", async () => {
    await using cluster = await prepareProcessCluster();
    const { outs } = await createCluster(cluster.inputs);
    const before = await snapshot(cluster.inputs);
    const renewed = { ...cluster.inputs, ...testCertificates(cluster.inputs.nodes) };
    const { outs: after } = await updateCluster(renewed);
    expect((await snapshot(renewed)).map((server) => server.pid)).toEqual(before.map((server) => server.pid));
    expect(after.digests["n1"]).not.toBe(outs.digests["n1"]);
    expect((await diffCluster(after, renewed)).changes).toBe(false);
  });
});

describe("the number of servers", () => {
  test("grows by starting new ones beside the running ones", async () => {
    await using five = await prepareProcessCluster({ servers: 5 });
    const three = { ...five.inputs, nodes: five.inputs.nodes.slice(0, 3) };
    const { outs } = await createCluster(three);
    const before = await snapshot(three);
    const { outs: grown } = await updateCluster(five.inputs);
    expect(grown.running).toHaveLength(5);
    expect((await snapshot(three)).map((server) => server.pid)).toEqual(before.map((server) => server.pid));
    const { failures } = await checkCluster(five.inputs, three);
    expect(failures[0]?.reason).toContain("ERR_SCALE_DOWN");
    await deleteCluster(grown);
    expect(outs.running).toHaveLength(3);
  });
});

describe("secrets", () => {
  test("are in no argument and no environment of a server, and files are for this user only", async () => {
    process.env["PULUMI_CONFIG_PASSPHRASE"] = "a passphrase that must not travel";
    try {
      await using cluster = await prepareProcessCluster({ servers: 1 });
      const { outs } = await createCluster(cluster.inputs);
      const server = await findServer(cluster.inputs.nodes[0]?.directory ?? "");
      const environment = await readFile(`/proc/${server?.pid}/environ`, "utf8");
      const words = await readFile(`/proc/${server?.pid}/cmdline`, "utf8");
      expect(environment).not.toContain("must not travel");
      expect(words.split("\0")).toHaveLength(4);
      await deleteCluster(outs);
    } finally {
      delete process.env["PULUMI_CONFIG_PASSPHRASE"];
    }
  });
});

function withExtra(inputs: ClusterInputs, serverConfig: Record<string, unknown>): ClusterInputs {
  return { ...inputs, settings: { ...inputs.settings, serverConfig } };
}

/** Who runs with what: process and configuration file of each node. */
async function snapshot(inputs: ClusterInputs) {
  return Promise.all(
    inputs.nodes.map(async (node) => ({
      pid: (await findServer(node.directory))?.pid,
      config: await readFile(join(node.directory, "nats.conf"), "utf8"),
    })),
  );
}

async function listen(port: number): Promise<Server> {
  const server = createServer();
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(port, "127.0.0.1", resolve);
  await promise;
  return server;
}
