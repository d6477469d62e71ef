/** What watching a bus adds to it, and what may be wrong about how it is watched. Pure. */
import type { AccountArgs } from "../accounts/args.ts";
import { BUS_ACCOUNT } from "../accounts/catalog.ts";
import type { BusSpec } from "../core/bus-spec.ts";
import type { Problem } from "../core/errors.ts";
import { isProbed } from "../core/kubernetes-rules.ts";
import type { MonitoringSpec } from "../core/monitoring-spec.ts";
import { nearestWord } from "../core/nearest.ts";
import { routingProblems } from "../observability/routing-options.ts";
import type { Catalog } from "../streams/catalog.ts";
import type { ResolvedCatalog } from "../streams/resolve.ts";

/** Stream that the probe's canary publishes into. */
const CANARY_STREAM = "NATSBUS_CANARY";

/** Subjects of the canary; the server's name follows. */
export const CANARY_SUBJECT = "natsbus.canary";

/** User that the canary connects as; it may do nothing else. */
export const CANARY_USER = "canary";

/** Whether somebody publishes the canary: the probe, where there is one. */
export function isCanaryWanted(spec: Pick<BusSpec, "target" | "monitoring" | "kubernetes">): boolean {
  const { enabled, canary } = spec.monitoring;
  return enabled && canary.enabled && (spec.target !== "kubernetes" || isProbed(spec));
}

interface Shipped {
  readonly streams: Catalog;
  readonly accounts: Readonly<Record<string, AccountArgs>>;
}

/** The catalogues with what the probe needs: a small stream like the others, and a user that may publish into it. */
export function withCanary(catalogues: Shipped, servers: number): Shipped {
  const account = catalogues.accounts[BUS_ACCOUNT] ?? {};
  return {
    streams: {
      ...catalogues.streams,
      streams: {
        ...catalogues.streams.streams,
        [CANARY_STREAM]: {
          description: "What the probe publishes to learn whether publishing works; nobody needs it",
          subjects: [`${CANARY_SUBJECT}.>`],
          replicas: Math.min(3, servers),
          maxMsgs: 1000,
          maxBytes: "1MiB",
          maxAge: "1h",
          deletionPolicy: "delete",
        },
      },
    },
    accounts: {
      ...catalogues.accounts,
      [BUS_ACCOUNT]: {
        ...account,
        roles: { ...account.roles, [CANARY_USER]: { publish: [`${CANARY_SUBJECT}.>`] } },
        users: { ...account.users, [CANARY_USER]: {} },
      },
    },
  };
}

/** What is wrong about how a bus is watched: names that lead nowhere, receivers that do not exist. */
export function monitoringProblems(monitoring: MonitoringSpec, streams: ResolvedCatalog): Problem[] {
  const declared = [...streams.streams, ...streams.keyValue, ...streams.objectStores].map(({ spec }) => spec.name);
  const named = Object.entries(monitoring.streams).flatMap(([stream, { backlogLimits }]) => {
    if (!declared.includes(stream)) return [unknown(`monitoring.streams.${stream}`, "stream", stream, declared)];
    const consumers = streams.consumers.filter(({ spec }) => spec.stream === stream).map(({ spec }) => spec.name);
    return Object.keys(backlogLimits)
      .filter((consumer) => !consumers.includes(consumer))
      .map((consumer) => unknown(`monitoring.streams.${stream}.backlogLimits.${consumer}`, "consumer", consumer, consumers));
  });
  return [...named, ...routingProblems(monitoring.alerting)];
}

function unknown(path: string, kind: string, name: string, names: readonly string[]): Problem {
  const near = nearestWord(name, names);
  const message = `there is no ${kind} ${JSON.stringify(name)}${near === undefined ? "" : `; did you mean ${near}?`}`;
  return { code: "ERR_CONFIG_VALUE", path, message, remedy: `name one that is declared: ${names.join(", ") || "there is none"}` };
}
