import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { localExporters, monitoringChoices, monitoringFacts } from "../../components/monitoring.ts";
import type { ResolvedBus } from "../../components/resolved-bus.ts";
import { BusError } from "../../core/errors.ts";
import { manifestFiles, monitoringFiles, monitoringManifests, type RenderedFile } from "../../observability/writers/files.ts";
import { healthFiles } from "../../operations/health/timer.ts";
import { loadDeclared } from "../declared.ts";
import { EXIT } from "../exit-codes.ts";
import type { RenderOptions } from "../kubernetes-files.ts";
import { parsePort } from "../port-option.ts";
import { startFolder } from "../session.ts";
import { assertStackFile } from "../stack-file.ts";
import type { Terminal } from "../terminal.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

const WHAT = "monitoring";
const PROGRAM = resolve(import.meta.dirname, "../natsbus.js");
// What the official Helm chart puts on its pods.
const CHART_LABELS = { "app.kubernetes.io/name": "nats" };

/** `natsbus render`. */
export const verb = defineVerb({
  name: "render",
  summary: "write the declared bus as files: Kubernetes objects, Compose files, hosts; or rules and dashboards",
  synopsis: "[monitoring]",
  details:
    "Without a word: the objects of a bus on Kubernetes, one a file, the same bytes each time; keys and certificates come from the stack's state, and are made there when they are missing (docs/kubernetes.md). With `monitoring`: rules, dashboards and alert routes; no server is asked. The rules expect one prometheus-nats-exporter a server (docs/monitoring.md says with which flags), on consecutive ports of this machine.",
  args: {
    ...COMMON_ARGS,
    what: { type: "positional", required: false, description: "monitoring; nothing for the bus itself" },
    out: { type: "string", valueHint: "DIR", description: "folder to write into (default: manifests, or monitoring)" },
    secrets: {
      type: "enum",
      options: ["plain", "sealed-reference", "none"],
      default: "plain",
      description: "Secrets with their content, as references into a store, or left out",
    },
    exporterPort: { type: "string", valueHint: "PORT", description: "port of the first server's exporter (default: 7777)" },
    operator: { type: "boolean", description: "write manifests for the Prometheus Operator and pods of the official chart instead" },
    namespace: { type: "string", valueHint: "NAME", description: "namespace of those manifests (default: the stack's name)" },
  },
  examples: [
    ["render --stack prod --out manifests", "every Kubernetes object of the bus, to be applied with kubectl"],
    ["render --stack prod --out manifests --secrets none", "without Secrets, for review"],
    ["render monitoring", "Prometheus, Alertmanager and Grafana files into monitoring/"],
    ["render monitoring --operator --stack prod --out manifests", "Prometheus Operator objects"],
  ],
  async run({ args, terminal }) {
    if (args.what !== undefined && args.what !== WHAT) {
      throw new BusError("ERR_USAGE", `${JSON.stringify(args.what)} cannot be rendered`, {
        remedy: "`natsbus render` and `natsbus render monitoring` can",
      });
    }
    const bus = await loadDeclared(args, (text) => terminal.err(`note: ${text}\n`));
    if (args.what === undefined) return renderTarget(bus, { ...args, out: args.out ?? "manifests" }, terminal);
    const files =
      args.operator === true
        ? operatorFiles(bus, args.namespace)
        : plainFiles(bus, parsePort(args.exporterPort, "--exporter-port"), startFolder(args));
    const folder = args.out ?? "monitoring";
    writeFiles(folder, files);
    const paths = files.map((file) => join(folder, file.path));
    terminal.out(args.json === true ? `${JSON.stringify({ files: paths }, null, 2)}\n` : `${paths.join("\n")}\n`);
    return EXIT.ok;
  },
});

/** The servers themselves, on targets that have files to show. */
async function renderTarget(bus: ResolvedBus, options: RenderOptions, terminal: Terminal): Promise<number> {
  if (bus.spec.target === "systemd" || bus.spec.target === "docker")
    return (await import("../host-files.ts")).renderHostFiles(bus, options, terminal);
  if (bus.spec.target === "kubernetes") return (await import("../kubernetes-files.ts")).renderKubernetesFiles(bus, options, terminal);
  assertStackFile(options);
  throw new BusError("ERR_USAGE", `a bus on the target ${bus.spec.target} has no files to render`, {
    remedy: "`natsbus render monitoring` writes rules and dashboards; the target kubernetes has objects",
  });
}

function plainFiles(bus: ResolvedBus, firstPort: number, project: string): readonly RenderedFile[] {
  const choices = monitoringChoices(bus);
  const probes = [{ address: `127.0.0.1:${bus.spec.monitoring.ports.probe}` }];
  const alertmanagers = [`127.0.0.1:${bus.spec.monitoring.ports.alertmanager}`];
  const scrape = { ...choices.scrape, exporters: localExporters(bus, firstPort), probes, alertmanagers };
  const health = healthFiles({ stack: bus.spec.stack, project, program: PROGRAM, user: "natsbus" });
  return [...health, ...monitoringFiles(monitoringFacts(bus), { ...choices, probe: bus.spec.monitoring.enabled, scrape })];
}

function operatorFiles(bus: ResolvedBus, namespace = bus.spec.stack): readonly RenderedFile[] {
  const operator = { namespace, podLabels: CHART_LABELS };
  return manifestFiles(monitoringManifests(monitoringFacts(bus), { ...monitoringChoices(bus), probe: false, operator }));
}

function writeFiles(folder: string, files: readonly RenderedFile[]): void {
  for (const { path, content } of files) {
    const file = resolve(folder, path);
    try {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    } catch (cause) {
      throw new BusError("ERR_RUNTIME_FOLDER", `${file} cannot be written`, {
        cause,
        remedy: "choose a folder that this user may write with --out",
      });
    }
  }
}
