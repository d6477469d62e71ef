import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { configDigest } from "../../../core/config-digest.ts";
import { type ConfigBlock, renderConfigText } from "../../../core/config-text.ts";
import { testServerBinary } from "../../support/cluster.ts";

const BASE: ConfigBlock = {
  server_name: "n1",
  listen: "127.0.0.1:4222",
  max_payload: 1_048_576,
  jetstream: { store_dir: "js", max_mem: 67_108_864, max_file: 1_073_741_824 },
  debug: false,
};

describe("the digest of a configuration is the one the server computes", () => {
  test.each<[string, ConfigBlock]>([
    ["of numbers, words and blocks", BASE],
    ["whatever the order", { jetstream: BASE["jetstream"], debug: false, server_name: "n1", listen: "127.0.0.1:4222" }],
    [
      "of lists of blocks",
      {
        ...BASE,
        cluster: { name: "c", listen: "127.0.0.1:6222", routes: ["nats-route://a:1", "nats-route://b:2"], no_advertise: true },
        accounts: { A: { users: [{ user: "u", password: "p", permissions: { publish: ["a.>", "b"], subscribe: { deny: [">"] } } }] } },
      },
    ],
    ["of empty lists and blocks", { ...BASE, accounts: { A: {}, B: { users: [] } } }],
    [
      "of text that must be escaped",
      { ...BASE, accounts: { "A<c>&d": { users: [{ user: "ü \u2028 \\ \"'$x\n\t#//", password: "<&>\u007f€😀" }] } } },
    ],
    ["of settings that are left out", { ...BASE, max_connections: undefined, pid_file: null }],
    ["of fractions", { ...BASE, authorization: { user: "u", password: "p", timeout: 1.5 } }],
  ])("%s", (_title, tree) => {
    const folder = mkdtempSync(join(tmpdir(), "natsbus-digest-"));
    try {
      writeFileSync(join(folder, "nats.conf"), renderConfigText(tree));
      const { stdout, stderr } = spawnSync(testServerBinary(), ["-t", "-c", "nats.conf"], { cwd: folder, encoding: "utf8" });
      expect(stdout + stderr).toContain(configDigest(tree));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
