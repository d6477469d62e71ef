import { defineConfig } from "vitest/config";

// Native imports: the default import rewriting would be captured by Pulumi's provider serialiser, which then fails.
// Servers on a busy machine may take longer than the second that is waited for by default.
const shared = { experimental: { viteModuleRunner: false }, environment: "node" as const, expect: { poll: { timeout: 15_000 } } };

const onServers = { ...shared, fileParallelism: false };
// A machine that others use too must not turn a landing away for one late heartbeat; the report names every test that needed a second try.
const tolerant = { ...onServers, retry: Number(process.env["NATSBUS_TEST_RETRIES"] ?? 0) };

/** One project a kind of test; only unit and meta tests run files side by side, the others own real servers. */
export default defineConfig({
  test: {
    ...shared,
    reporters: ["default", "./test/support/count-reporter.ts"],
    projects: [
      { test: { ...shared, name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 20_000 } },
      { test: { ...shared, name: "meta", include: ["test/meta/**/*.test.ts"], testTimeout: 60_000 } },
      {
        test: {
          ...tolerant,
          name: "contract",
          globalSetup: ["./test/support/server-setup.ts"],
          include: ["test/contract/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          ...tolerant,
          name: "integration",
          globalSetup: ["./test/support/server-setup.ts"],
          include: ["test/integration/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          ...onServers,
          name: "hosts",
          globalSetup: ["./test/support/server-setup.ts"],
          include: ["test/hosts/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          ...onServers,
          name: "kubernetes",
          include: ["test/kubernetes/**/*.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          ...tolerant,
          name: "e2e",
          globalSetup: ["./test/support/server-setup.ts"],
          include: ["test/e2e/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          ...onServers,
          name: "monitoring",
          globalSetup: ["./test/support/server-setup.ts"],
          include: ["test/monitoring/**/*.test.ts"],
          testTimeout: 480_000,
          hookTimeout: 300_000,
        },
      },
      {
        test: {
          ...onServers,
          name: "verify",
          globalSetup: ["./test/support/server-setup.ts"],
          include: ["test/verify/**/*.test.ts"],
          testTimeout: 300_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
