/** What a change of a declared object means for data and service, in words for reviewers. Pure. */

/** What is at stake, worst first. */
export type RiskLevel = "data" | "service" | "none";

const LEVELS: readonly RiskLevel[] = ["data", "service", "none"];

/** A risk in words. */
export interface Risk {
  /** What is at stake. */
  readonly level: RiskLevel;
  /** One sentence without full stop. */
  readonly text: string;
}

/** A change of one object. */
export interface ObjectChange {
  /** Kind. */
  readonly kind: string;
  /** What happens to the object as a whole. */
  readonly op: "create" | "delete" | "update" | "replace";
  /** Leaves that differ, for an update. */
  readonly leaves: readonly { readonly path: string; readonly before: unknown; readonly after: unknown }[];
}

interface Rule {
  readonly kind: string;
  readonly path: RegExp;
  readonly risk: (before: unknown, after: unknown) => Risk;
}

const service = (text: string): Risk => ({ level: "service", text });
const data = (text: string): Risk => ({ level: "data", text });
const none = (text: string): Risk => ({ level: "none", text });

const FIXED = /^spec\.(serviceName|selector|podManagementPolicy|revisionHistoryLimit)/;

// The first rule that fits a leaf decides.
const RULES: readonly Rule[] = [
  {
    kind: "StatefulSet",
    path: /^spec\.persistentVolumeClaimRetentionPolicy/,
    risk: (_before, after) =>
      after === "Delete" ? data("volumes will be deleted together with the StatefulSet or the server") : none("volumes will be kept"),
  },
  { kind: "StatefulSet", path: FIXED, risk: () => service("the StatefulSet is replaced: every server is down at once; volumes are kept") },
  {
    kind: "StatefulSet",
    path: /^spec\.volumeClaimTemplates/,
    risk: () => service("volumes grow in place, and never shrink; new servers get the new size"),
  },
  {
    kind: "StatefulSet",
    path: /^spec\.replicas$/,
    risk: (before, after) =>
      Number(after) < Number(before)
        ? data("servers leave: as a changed number this is refused; `natsbus scale` moves their replicas first")
        : service("servers are added; streams do not move to them by themselves"),
  },
  {
    kind: "StatefulSet",
    path: /^spec\.template/,
    risk: () => service("rolling restart, one server at a time, each when every replica is current"),
  },
  {
    kind: "Service",
    path: /^spec\.(type|clusterIP|ports|selector)/,
    risk: () => service("clients connect another way; connections may be cut"),
  },
  { kind: "NetworkPolicy", path: /./, risk: () => service("who may reach which port changes") },
  { kind: "PodDisruptionBudget", path: /./, risk: () => service("how many servers may be evicted at once changes") },
  { kind: "Secret", path: /./, risk: () => none("servers reload their configuration or certificates; what needs a restart is told below") },
];

const WHOLE: Readonly<Record<string, Readonly<Partial<Record<ObjectChange["op"], Risk>>>>> = {
  Namespace: {
    delete: data("the namespace goes, and with it every volume in it"),
    replace: data("the namespace goes, and with it every volume in it"),
  },
  StatefulSet: {
    delete: data("every server goes; volumes are kept unless the retention policy says otherwise"),
    replace: service("every server is down at once; volumes are kept"),
  },
  Service: { delete: service("clients lose the address they connect to"), replace: service("clients lose their connections") },
  Secret: {
    delete: service("servers that restart find no configuration or certificate"),
    replace: service("servers that restart meanwhile find no configuration"),
  },
  PodDisruptionBudget: { delete: service("any number of servers may be evicted at once") },
  NetworkPolicy: { delete: service("every pod of the cluster reaches every port"), create: service("only those named reach the ports") },
  HorizontalPodAutoscaler: { create: service("servers are added by load") },
};

/** Every risk of a change, worst first, each once. */
export function changeRisks({ kind, op, leaves }: ObjectChange): readonly Risk[] {
  const whole = WHOLE[kind]?.[op];
  const single = op === "update" ? leaves.flatMap((leaf) => leafRisk(kind, leaf) ?? []) : [];
  const all = [...(whole === undefined ? [] : [whole]), ...single];
  const distinct = all.filter((risk, index) => all.findIndex(({ text }) => text === risk.text) === index);
  return distinct.sort(worstFirst);
}

function leafRisk(kind: string, { path, before, after }: ObjectChange["leaves"][number]): Risk | undefined {
  return RULES.find((rule) => rule.kind === kind && rule.path.test(path))?.risk(before, after);
}

/** Order of risks. */
export function worstFirst(a: Risk, b: Risk): number {
  return LEVELS.indexOf(a.level) - LEVELS.indexOf(b.level);
}
