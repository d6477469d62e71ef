/** Who may import whom: the right-hand column of the folder table in docs/architecture.md, as a check. */
const layer = (name, from, allowed) => ({
  name,
  severity: "error",
  comment: `${from} may import only ${allowed.length > 0 ? allowed.join(", ") : "itself"}`,
  from: { path: `^${from}/` },
  to: {
    path: "^(core|streams|accounts|connection|components|observability|probe|engine|client|operations|cli|index\\.ts)",
    pathNot: `^(${[from, ...allowed].join("|")})/`,
  },
});

export default {
  forbidden: [
    { name: "no-cycles", severity: "error", from: {}, to: { circular: true } },
    {
      name: "no-orphans",
      severity: "error",
      from: {
        orphan: true,
        pathNot: ["^probe/page/", "\\.d\\.ts$", "^(index|vitest\\.config)\\.ts$", "^cli/natsbus\\.js$", "^engine/.*\\.cjs$"],
      },
      to: {},
    },
    { name: "not-to-tests", severity: "error", from: { pathNot: "^test/" }, to: { path: "^test/" } },
    layer("core", "core", []),
    layer("connection", "connection", ["core"]),
    layer("streams", "streams", ["core", "connection"]),
    layer("accounts", "accounts", ["core", "connection"]),
    layer("components", "components", ["core", "streams", "accounts", "connection", "observability"]),
    {
      ...layer("engine", "engine", []),
      to: {
        path: "^(core|streams|accounts|connection|components|client|operations|cli|index\\.ts)",
        pathNot: "^core/(errors|nearest)\\.ts$",
      },
    },
    layer("observability", "observability", ["core"]),
    layer("probe", "probe", ["core", "connection", "observability", "components"]),
    layer("client", "client", ["core", "connection"]),
    layer("operations", "operations", ["core", "streams", "accounts", "connection", "client", "components", "observability", "probe"]),
    {
      name: "pulumi-stays-outside",
      comment: "the Pulumi SDK belongs to components and the resource and provider files; the engine uses only its wire stubs",
      severity: "error",
      from: { path: "^(core|connection|client|operations|cli|streams/(?!resource|provider)|accounts/(?!resource|provider))" },
      to: { path: "node_modules/@pulumi/" },
    },
    {
      name: "engine-uses-only-wire-stubs",
      severity: "error",
      from: { path: "^engine/" },
      to: { path: "node_modules/@pulumi/pulumi/(?!proto/)" },
    },
    {
      name: "nats-client-at-the-edges",
      severity: "error",
      from: { path: "^(core|engine|components|cli/|streams/(?!nats-port)|accounts/(?!nats-port|keys|claims|credentials))" },
      to: { path: "node_modules/@nats-io/" },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "^test/fixtures" },
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["import", "require", "node", "default", "types"],
      extensions: [".ts", ".js", ".cjs", ".d.ts"],
    },
  },
};
