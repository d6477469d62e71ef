import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { connect, credsAuthenticator } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { authority as authorityOperations, servers as serverOperations } from "../../components/tls/operations.ts";
import { closeConnections, openConnection } from "../../connection/pool.ts";
import { startCluster } from "../support/cluster.ts";
import { type ClusterTls, type OperatorCluster, startOperatorCluster, tlsBlock } from "../support/operator-cluster.ts";

const DAY_MS = 86_400_000;

let bus: OperatorCluster;
beforeAll(async () => {
  bus = await startOperatorCluster();
});
afterAll(async () => {
  await closeConnections();
  await bus[Symbol.asyncDispose]();
});

/** Connects as the provisioner and says which server answered. */
async function login(port: number, tls: { ca: string } | null): Promise<string> {
  const authenticator = credsAuthenticator(Buffer.from(bus.operator.systemCredentials));
  const servers = `127.0.0.1:${port}`;
  const connection = await connect({
    servers,
    authenticator,
    reconnect: false,
    ignoreClusterUpdates: true,
    ...(tls === null ? {} : { tls }),
  });
  const name = connection.info?.server_name ?? "";
  await connection.close();
  return name;
}

/** Everything a port says to someone who speaks plain text. */
async function speakPlainly(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let heard = "";
    const socket = connectSocket(port, "127.0.0.1", () => void socket.write(text));
    const until = setTimeout(() => socket.destroy(), 4000);
    socket.on("data", (data) => {
      heard += data.toString("latin1");
    });
    socket.on("error", reject);
    socket.on("close", () => {
      clearTimeout(until);
      resolve(heard);
    });
  });
}

describe("the wire", () => {
  it("lets in a client that trusts the authority, on every server", async () => {
    for (const node of bus.cluster.nodes) expect(await login(node.port, { ca: bus.authority.bundle })).toBe(node.name);
  });

  it("stops a client that does not trust the authority", async () => {
    const other = authorityOperations.create({ name: "other", validityMs: DAY_MS, renewBeforeMs: 1 }).outs;
    const [node] = bus.cluster.nodes;
    await expect(login(node!.port, { ca: other.bundle })).rejects.toThrow();
    const connection = { servers: [`tls://127.0.0.1:${node!.port}`], creds: bus.operator.systemCredentials, timeoutMs: 2000 };
    await expect(openConnection(connection)).rejects.toMatchObject({ code: "ERR_CONNECT_TLS" });
  });

  it("refuses a client that speaks plain text", async () => {
    const heard = await speakPlainly(bus.cluster.nodes[0]!.port, 'CONNECT {"verbose":true}\r\nPING\r\n');
    expect(heard).toContain('"tls_required":true');
    expect(heard).not.toContain("PONG");
    expect(heard).not.toContain("+OK");
  });

  it("refuses a server that offers a route in plain text, or with another authority", async () => {
    const heard = await speakPlainly(
      bus.cluster.nodes[0]!.routePort,
      'CONNECT {"verbose":true,"name":"intruder","cluster":"test"}\r\nPING\r\n',
    );
    expect(heard).not.toContain("PONG");
    const other = authorityOperations.create({ name: "other", validityMs: DAY_MS, renewBeforeMs: 1 }).outs;
    const certificates = serverOperations.create({
      authority: other,
      nodes: { n1: ["127.0.0.1"] },
      validityMs: DAY_MS / 2,
      renewBeforeMs: 1,
    }).outs;
    const target = bus.cluster.nodes[0]!.routePort;
    await using intruder = await startCluster({
      servers: 1,
      waitReady: false,
      configText: (node) =>
        `cluster { name: test, listen: "127.0.0.1:-1", routes: ["nats-route://127.0.0.1:${target}"]\n${tlsBlock(node, { authority: other, certificates })} }`,
    });
    await expect
      .poll(() => intruder.logs("n1"), { timeout: 10_000 })
      .toMatch(/certificate signed by unknown authority|bad certificate|TLS route handshake error|tls:/);
    const routes = (await (await fetch(`${bus.cluster.nodes[0]!.monitorUrl}/routez`)).json()) as { routes: { remote_name: string }[] };
    expect(new Set(routes.routes.map((route) => route.remote_name))).toEqual(new Set(["n2", "n3"]));
  });

  it("refuses a route from someone without a certificate, even one who trusts the authority", async () => {
    const socket = connectTls({ port: bus.cluster.nodes[0]!.routePort, host: "127.0.0.1", ca: bus.authority.bundle });
    const [error] = (await once(socket, "error", { signal: AbortSignal.timeout(5000) })) as [Error];
    expect(error.message).toMatch(/certificate required|bad certificate/);
  });
});

describe("a renewed authority", () => {
  it("keeps old and new clients, and the cluster, while servers change one by one", async () => {
    const before = { authority: bus.authority, certificates: bus.certificates };
    const after = renew(before);
    for (const node of bus.cluster.nodes) {
      bus.setCertificates(node.name, after);
      await bus.cluster.reload(node);
      await expect.poll(() => issuerOn(node.port), { timeout: 5000 }).toBe(`natsbus test ${after.authority.validity.issuedAt}`);
      // A restart makes new routes between servers of the new authority and of the old, in both directions.
      await bus.cluster.stop(node);
      await bus.cluster.start(node);
      await bus.cluster.waitReady();
      for (const other of bus.cluster.nodes) {
        for (const ca of [before.authority.bundle, after.authority.bundle]) expect(await login(other.port, { ca })).toBe(other.name);
      }
    }
  });

  it("fails without the link, so that the test above can fail", async () => {
    const after = renew({ authority: bus.authority, certificates: bus.certificates });
    const unlinked = { ...after.authority, link: "" };
    const certificates = serverOperations.update(bus.certificates, { ...bus.certificates, authority: unlinked }).outs;
    bus.setCertificates("n1", { authority: unlinked, certificates });
    await bus.cluster.reload("n1");
    await expect
      .poll(() => issuerOn(bus.cluster.nodes[0]!.port), { timeout: 5000 })
      .toBe(`natsbus test ${after.authority.validity.issuedAt}`);
    await expect(login(bus.cluster.nodes[0]!.port, { ca: bus.authority.bundle })).rejects.toThrow();
  });
});

function renew(before: ClusterTls): ClusterTls {
  const issuedAt = new Date(Date.now() + 1000).toISOString().replace(/\.\d+Z/, "Z");
  const expiresAt = new Date(Date.now() + 10 * DAY_MS).toISOString().replace(/\.\d+Z/, "Z");
  const planned = { ...before.authority, validity: { issuedAt, expiresAt }, overlapUntil: before.authority.validity.expiresAt };
  const authority = authorityOperations.update(before.authority, planned).outs;
  const certificates = serverOperations.update(before.certificates, { ...before.certificates, authority }).outs;
  return { authority, certificates };
}

/** Name of the authority that a client port shows a certificate of. */
async function issuerOn(port: number): Promise<string> {
  const socket = await handshake(port);
  const issuer = String(socket.getPeerCertificate().issuer.CN);
  socket.destroy();
  return issuer;
}

/** A TLS connection to a server, which greets in plain text before the handshake; shows no certificate and checks none. */
async function handshake(port: number): Promise<TLSSocket> {
  const plain = connectSocket(port, "127.0.0.1");
  await once(plain, "data");
  const secure = connectTls({ socket: plain, rejectUnauthorized: false });
  await once(secure, "secureConnect");
  return secure;
}
