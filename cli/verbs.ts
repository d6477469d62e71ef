import type { Verb } from "./verb.ts";

/** A verb that is loaded only when it is called, so that `--help` stays fast. */
export interface LazyVerb {
  readonly summary: string;
  load(): Promise<{ readonly verb: Verb }>;
}

/** Every verb, in the order of the overview. */
export const VERBS: Readonly<Record<string, LazyVerb>> = {
  up: { summary: "create or update the bus", load: () => import("./commands/up.ts") },
  preview: { summary: "show what up would change", load: () => import("./commands/preview.ts") },
  refresh: { summary: "read the real state of every resource and note the drift", load: () => import("./commands/refresh.ts") },
  destroy: { summary: "delete everything the stack made", load: () => import("./commands/destroy.ts") },
  status: { summary: "show servers, meta leader, streams and what is wrong", load: () => import("./commands/status.ts") },
  diff: { summary: "compare what is declared with what a cluster holds, without state", load: () => import("./commands/diff.ts") },
  render: {
    summary: "write the declared bus as files: Kubernetes objects, Compose files, hosts; or rules and dashboards",
    load: () => import("./commands/render.ts"),
  },
  "check-config": {
    summary: "have the servers' own tools look at what would be rendered",
    load: () => import("./commands/check-config.ts"),
  },
  import: {
    summary: "write what a cluster holds into the catalogue, for the next up to take over",
    load: () => import("./commands/import.ts"),
  },
  backup: {
    summary: "save streams with their messages and consumers in a folder",
    load: () => import("./commands/backup.ts"),
  },
  restore: {
    summary: "bring streams back from a backup, and prove what they hold",
    load: () => import("./commands/restore.ts"),
  },
  dashboard: { summary: "show the bus live in a browser", load: () => import("./commands/dashboard.ts") },
  probe: {
    summary: "serve what no exporter tells about the bus, for Prometheus and for people",
    load: () => import("./commands/probe.ts"),
  },
  scale: {
    summary: "add servers, or have some leave after their streams moved away",
    load: () => import("./commands/scale.ts"),
  },
  rollout: {
    summary: "show, pause, resume or abort the rolling restart of a bus on Kubernetes",
    load: () => import("./commands/rollout.ts"),
  },
  creds: { summary: "list users and where their credentials lie", load: () => import("./commands/creds.ts") },
  rotate: { summary: "mark credentials or signing keys for rotation by the next up", load: () => import("./commands/rotate.ts") },
  publish: { summary: "publish one message as a user of the stack", load: () => import("./commands/publish.ts") },
  read: { summary: "read messages of a stream", load: () => import("./commands/read.ts") },
  verify: { summary: "prove that a bus does what it should, in ten sections", load: () => import("./commands/verify.ts") },
  bench: { summary: "measure publish, consume, request and fan-out, with a plot", load: () => import("./commands/bench.ts") },
  demo: { summary: "a tour of the bus in two minutes", load: () => import("./commands/demo.ts") },
  ephemeral: { summary: "run a command against a throw-away cluster", load: () => import("./commands/ephemeral.ts") },
  outputs: { summary: "print the stack's outputs", load: () => import("./commands/outputs.ts") },
  config: { summary: "list, read and change the stack's settings", load: () => import("./commands/config.ts") },
  stacks: { summary: "list or remove stacks", load: () => import("./commands/stacks.ts") },
  export: { summary: "write the stack's state as a document", load: () => import("./commands/export.ts") },
  "import-state": { summary: "replace the stack's state by a document", load: () => import("./commands/import-state.ts") },
  cancel: { summary: "remove the lock of a run that died", load: () => import("./commands/cancel.ts") },
};
