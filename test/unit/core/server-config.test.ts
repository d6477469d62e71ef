import { describe, expect, test } from "vitest";
import { mergeConfig, renderConfigText } from "../../../core/config-text.ts";
import { classifyChange } from "../../../core/reload.ts";
import { renderServerConfig, serverConfigTree } from "../../../core/server-config.ts";
import { sampleServer } from "../../support/server-specs.ts";

const server = sampleServer("/run");

describe("renderConfigText", () => {
  test("writes every kind of value so that it is read back as that kind", () => {
    const text = renderConfigText({
      a: "1",
      b: 1,
      c: 1.5,
      d: true,
      e: [],
      f: ["x", { g: "$HOME" }],
      h: {},
      include: "x",
      "odd key": '\u0001\n"\\',
      none: undefined,
      nil: null,
    });
    expect(text).toMatchInlineSnapshot(`
      "a: "1"
      b: 1
      c: 1.5
      d: true
      e: []
      f: [
        "x"
        {
          g: "$HOME"
        }
      ]
      h {}
      "include": "x"
      "odd key": "\\x01\\n\\"\\\\"
      "
    `);
  });

  test.each([
    ["a zero byte", "a\0b"],
    ["half a character", "\ud800"],
    ["a number that is not exact", 2 ** 60],
    ["no number", Number.NaN],
  ])("refuses %s", (_what, value) => {
    expect(() => renderConfigText({ block: { key: value } })).toThrow(
      expect.objectContaining({ code: "ERR_SERVER_CONFIG", path: "block.key" }),
    );
  });
});

test("mergeConfig merges blocks, replaces the rest, removes by null, and reads keys without case", () => {
  expect(mergeConfig({ a: { x: 1, y: 2 }, b: [1], c: 3 }, { A: { y: 5 }, b: [2], c: null, d: 4 })).toEqual({
    a: { x: 1, y: 5 },
    b: [2],
    c: null,
    d: 4,
  });
});

test("mergeConfig keeps accounts apart whose names differ in case only", () => {
  expect(mergeConfig({ accounts: { APP: { x: 1 } } }, { Accounts: { app: { x: 2 } } })).toEqual({
    accounts: { APP: { x: 1 }, app: { x: 2 } },
  });
});

describe("renderServerConfig", () => {
  test("is the same for equal specs, whatever the order of their keys", () => {
    const reversed = Object.fromEntries(Object.entries(server).reverse()) as unknown as typeof server;
    expect(renderServerConfig(reversed)).toBe(renderServerConfig(server));
  });

  test("routes always verify certificates", () => {
    const tls = { certFile: "c", keyFile: "k", caFile: "a", verify: false };
    const text = renderServerConfig({ ...server, cluster: { ...server.cluster!, tls } });
    expect(text).toMatch(/cluster \{[^}]*tls \{[^}]*verify: true/);
  });

  test.each([
    [{ port: 4222 }, "serverConfig.port", /listen/],
    [{ Http_Port: 8222 }, "serverConfig.Http_Port", /http/],
    [{ store_dir: "/x" }, "serverConfig.store_dir", /jetstream/],
    [{ jetstream: { max_mem: 5 } }, "serverConfig.jetstream.max_mem", /max_memory_store/],
    [{ cluster: { port: 5 } }, "serverConfig.cluster.port", /listen/],
  ])("refuses %j, a second name of a setting it writes", (extra, path, remedy) => {
    expect(() => renderServerConfig({ ...server, extra })).toThrow(
      expect.objectContaining({ code: "ERR_SERVER_CONFIG", path, remedy: expect.stringMatching(remedy) }),
    );
  });
});

describe("classifyChange", () => {
  test("names every changed setting and takes the strongest action", () => {
    const after = {
      ...server,
      limits: { ...server.limits, maxConnections: 5 },
      jetstream: { ...server.jetstream!, maxMemoryBytes: 1, maxStorageBytes: 2 ** 40 },
    };
    expect(classifyChange(server, after)).toEqual({
      action: "restart",
      reasons: [
        {
          path: "jetstream.max_memory_store",
          action: "restart",
          why: "a JetStream limit can be raised, but not lowered, while the server runs",
        },
        { path: "jetstream.max_file_store", action: "reload", why: "the running server takes this over" },
        { path: "max_connections", action: "reload", why: "the running server takes this over" },
      ],
    });
  });

  test("is nothing for the same server, in whatever key order", () => {
    expect(classifyChange(server, structuredClone(server))).toEqual({ action: "none", reasons: [] });
    const users = { a: { users: [{ user: "u", password: "p" }] } };
    const before = { ...server, identity: { kind: "accounts" as const, accounts: users } };
    const after = { ...server, identity: { kind: "accounts" as const, accounts: { a: { users: [{ password: "p", user: "u" }] } } } };
    expect(classifyChange(before, after).action).toBe("none");
  });

  test("says nothing of the values, which may be secrets", () => {
    const before = { ...server, identity: { kind: "accounts" as const, accounts: { a: { users: [{ user: "u", password: "hunter2" }] } } } };
    const after = { ...server, identity: { kind: "accounts" as const, accounts: { a: { users: [{ user: "u", password: "hunter3" }] } } } };
    expect(classifyChange(before, after).reasons.map((reason) => reason.path)).toEqual(["accounts"]);
    expect(JSON.stringify(classifyChange(before, after))).not.toMatch(/hunter/);
  });

  test.each([
    ["JetStream off", { ...server, jetstream: undefined }, "jetstream"],
    ["cluster off", { ...server, cluster: undefined }, "cluster"],
    ["a setting it has never heard of", { ...server, extra: { some_new_setting: 1 } }, "some_new_setting"],
  ])("%s is a restart", (_what, after, path) => {
    expect(classifyChange(server, after as unknown as typeof server)).toMatchObject({ action: "restart", reasons: [{ path }] });
  });
});

test("without a log file a server writes to standard error and rotates nothing", () => {
  const { file, ...logging } = sampleServer("/srv/nats").logging;
  expect(file).toBe("/srv/nats/nats.log");
  const tree = serverConfigTree({ ...sampleServer("/srv/nats"), logging });
  expect(tree).toMatchObject({ debug: false, logtime: true });
  expect(Object.keys(tree).filter((key) => key.startsWith("logfile"))).toEqual([]);
});
