import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { checkHostConfig } from "../../../cli/host-check.ts";
import { inspect } from "../../../components/systemd/inspect.ts";
import { hostSpec, type StackBlocks } from "../../support/host-bus.ts";

const KEY = `ssh-ed25519 ${"A".repeat(68)}`;
const HOSTS = [1, 2, 3].map((n) => ({ address: `10.0.0.1${n}`, hostKey: KEY }));
const PROXY = { enabled: true, tls: true, users: { ann: "$2y$05$abcdefghijklmnopqrstuv" } };
const on = { enabled: true };
const SYSTEMD: StackBlocks = {
  target: "systemd",
  systemd: { hosts: HOSTS, clientNetworks: ["10.0.0.0/8"], proxy: PROXY, exporter: on, probe: on },
};
const DOCKER: StackBlocks = { target: "docker", docker: { exporter: on, prometheus: on, alertmanager: on, grafana: on, proxy: on } };

/** Tools that are there; of the others `check-config` has to say that they are not. */
function has(program: string): boolean {
  return ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].some((folder) => existsSync(`${folder}/${program}`));
}

test("looks at every file of every host with the tool that reads it there, or says that it could not", async () => {
  const found = await checkHostConfig(hostSpec(SYSTEMD));
  const outcomeOf = (tool: string) => [...new Set(found.filter((look) => look.tool === tool).map(({ outcome }) => outcome))];
  expect(found.filter(({ outcome }) => outcome === "bad")).toEqual([]);
  expect(outcomeOf("nats-server -t")).toEqual(["ok"]);
  expect(outcomeOf("systemd-analyze verify")).toEqual([has("systemd-analyze") ? "ok" : "skipped"]);
  for (const [tool, program] of [
    ["nginx -t", "nginx"],
    ["nft -c", "nft"],
  ] as const)
    expect([tool, outcomeOf(tool)]).toEqual([tool, has(program) ? [expect.stringMatching(/^(ok|skipped)$/)] : ["skipped"]]);
  expect(found.map(({ subject }) => subject)).toEqual(
    expect.arrayContaining([
      "stack test",
      "10.0.0.12:/etc/natsbus/natsbus-test/n2/nats.conf",
      "10.0.0.13:/etc/nginx/conf.d/nats-natsbus-test.conf",
    ]),
  );
});

test("holds every container against the rules, those beside the servers too, and names what nothing looked at", async () => {
  const found = await checkHostConfig(hostSpec(DOCKER));
  expect(found.find(({ tool }) => tool === "the container rules")).toMatchObject({ subject: "11 containers", outcome: "ok" });
  expect(found.filter(({ tool }) => tool === "nats-server -t").map(({ outcome }) => outcome)).toEqual(["ok", "ok", "ok"]);
  expect(found.filter(({ outcome }) => outcome === "skipped").map(({ subject }) => subject)).toEqual(["compose.yaml", "images"]);
});

test.each([
  { kind: "server", program: "nats-server", name: "n1.conf", content: "port: 4222\nnonsense: {", why: /n1\.conf/ },
  {
    kind: "unit",
    program: "systemd-analyze",
    name: "a.service",
    content: "[Service]\nExecStart=/bin/true\nMemoryMax=lots\n",
    why: /memory limit/,
  },
  { kind: "site", program: "nginx", name: "a.conf", content: "nonsense;\n", why: /nonsense/ },
  { kind: "firewall", program: "nft", name: "a.nft", content: "nonsense\n", why: /syntax error/ },
] as const)("tells a $kind file that $program refuses, and why", async ({ kind, program, name, content, why }) => {
  const [look] = await inspect([{ subject: name, kind, name, content }], { companions: {} });
  // Where the tool is not on this machine or may not do its work, that is said instead.
  if (look?.outcome === "skipped") expect(look.detail).toContain(program);
  else expect(look).toMatchObject({ outcome: "bad", detail: expect.stringMatching(why) });
});

test("says of a tool that is not on this machine that it could not look", async () => {
  const [look] = await inspect([{ subject: "n1", kind: "server", name: "n1.conf", content: "" }], {
    companions: {},
    server: "/absent/nats-server",
  });
  expect(look).toEqual({ subject: "n1", tool: "nats-server -t", outcome: "skipped", detail: "/absent/nats-server is not on this machine" });
});
