import type { V1Pod } from "@kubernetes/client-node";
import { describe, expect, test } from "vitest";
import { loadKubeconfig } from "../../../connection/kubeconfig.ts";
import { forwardedSpec } from "../../../connection/options.ts";
import { choosePod } from "../../../connection/port-forward.ts";
import { connectionProblems } from "../../../core/connection.ts";

function pod(name: string, state: { readonly ready?: boolean; readonly leaving?: boolean; readonly phase?: string } = {}): V1Pod {
  return {
    metadata: { name, ...(state.leaving === true ? { deletionTimestamp: new Date() as never } : {}) },
    status: {
      phase: state.phase ?? "Running",
      conditions: [{ type: "Ready", status: state.ready === false ? "False" : "True" }],
    },
  };
}

describe("the pod that is forwarded to", () => {
  test.each<[string, V1Pod[], string | undefined, string | undefined]>([
    ["is the first ready one", [pod("nats-1"), pod("nats-0")], undefined, "nats-0"],
    ["is another one than the last", [pod("nats-0"), pod("nats-1")], "nats-0", "nats-1"],
    ["is the first again after the last", [pod("nats-0"), pod("nats-1")], "nats-1", "nats-0"],
    ["is the last one when there is no other", [pod("nats-0")], "nats-0", "nats-0"],
    ["is not one that leaves", [pod("nats-0", { leaving: true }), pod("nats-1")], undefined, "nats-1"],
    ["is not one that is not ready", [pod("nats-0", { ready: false }), pod("nats-1")], undefined, "nats-1"],
    ["is one that only runs when none is ready", [pod("nats-0", { ready: false })], undefined, "nats-0"],
    ["is none that has not started", [pod("nats-0", { phase: "Pending", ready: false })], undefined, undefined],
    ["is none when there is none", [], "nats-0", undefined],
  ])("%s", (_title, pods, last, chosen) => {
    expect(choosePod(pods, last)).toBe(chosen);
  });
});

describe("a connection over a forward", () => {
  const forward = { namespace: "bus", selector: { app: "nats" }, port: 4222 };

  test("dials loopback and verifies the name of the service", () => {
    expect(forwardedSpec({ servers: ["tls://nats.bus.svc:4222", "tls://other:4222"], ca: "CA", forward }, 2000)).toEqual({
      servers: ["tls://127.0.0.1:2000"],
      ca: "CA",
      serverName: "nats.bus.svc",
    });
  });

  test("keeps a server name that was given, a login in the URL, and plain text plain", () => {
    expect(forwardedSpec({ servers: ["tls://nats.bus.svc"], serverName: "nats.example.com", forward }, 1).serverName).toBe(
      "nats.example.com",
    );
    expect(forwardedSpec({ servers: ["nats://app:pw@nats.bus.svc"], forward }, 1)).toEqual({ servers: ["nats://app:pw@127.0.0.1:1"] });
  });

  test("is refused without a namespace, labels or a port", () => {
    const problems = connectionProblems({ servers: ["tls://nats"], forward: { namespace: "Bus", selector: {}, port: 0 } });
    expect(problems.map(({ code, path }) => [code, path])).toEqual([
      ["ERR_CONNECT_OPTION", "connection.forward.namespace"],
      ["ERR_CONNECT_OPTION", "connection.forward.selector"],
      ["ERR_CONNECT_OPTION", "connection.forward.port"],
    ]);
  });
});

const KUBECONFIG = `apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: u, user: {token: very-secret}}]
contexts: [{name: first, context: {cluster: c, user: u}}, {name: second, context: {cluster: c, user: u}}]
current-context: first
`;

describe("a kubeconfig", () => {
  test("is taken as text, with its current or the wanted context", async () => {
    expect((await loadKubeconfig({ kubeconfig: KUBECONFIG })).getCurrentContext()).toBe("first");
    expect((await loadKubeconfig({ kubeconfig: KUBECONFIG, context: "second" })).getCurrentContext()).toBe("second");
  });

  test.each([
    ["without the wanted context", { kubeconfig: KUBECONFIG, context: "third" }, 'no context "third"; it has first, second'],
    ["that is not there", { kubeconfig: "/does/not/exist" }, "there is no file /does/not/exist"],
    ["that is no kubeconfig", { kubeconfig: "a: [\nvery-secret" }, "the given text is no kubeconfig"],
    ["without a cluster", { kubeconfig: "apiVersion: v1\nkind: Config\n" }, "names no cluster"],
  ])("%s is refused", async (_title, access, words) => {
    const refused = await loadKubeconfig(access).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "ERR_KUBECONFIG" });
    expect(String(refused)).toContain(words);
    expect(String(refused)).not.toContain("very-secret");
  });
});
