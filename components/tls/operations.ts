/** What the certificate resources do when Pulumi asks. Nothing here reaches the network; all of it works in previews. */
import { isDeepStrictEqual } from "node:util";
import type { CheckFailure } from "@pulumi/pulumi/dynamic/index.js";
import { isUnknown } from "../../core/unknown.ts";
import { hostProblem } from "./hosts.ts";
import { issueAuthority, issueServers, planAuthority, planServers } from "./issue.ts";
import type { AuthorityInputs, AuthorityState, ServerCertificatesInputs, ServerCertificatesState } from "./model.ts";

/** Operations of the authority resource. */
export const authority = {
  /** Plans the validity; a preview shows a renewal as a change of it. */
  check(olds: Partial<AuthorityInputs>, news: AuthorityInputs): { inputs: AuthorityInputs; failures: CheckFailure[] } {
    const failures = isUnknown(news) ? [] : lifetimeFailures(news);
    if (isUnknown(news) || failures.length > 0) return { inputs: news, failures };
    return { inputs: planAuthority(present(olds), news, new Date()), failures };
  },
  /** Whether anything but the secret parts has to change. */
  diff(olds: AuthorityState, news: AuthorityInputs): { changes: boolean } {
    return { changes: differs(olds, news, ["name", "validityMs", "renewBeforeMs", "validity", "overlapUntil"]) };
  },
  /** Makes the authority. */
  create(inputs: AuthorityInputs): { id: string; outs: AuthorityState } {
    return { id: inputs.name, outs: issueAuthority(undefined, planAuthority(inputs, inputs, new Date())) };
  },
  /** Renews the authority, or ends an overlap. */
  update(olds: AuthorityState, news: AuthorityInputs): { outs: AuthorityState } {
    return { outs: issueAuthority(olds, planAuthority(news, news, new Date())) };
  },
};

/** Operations of the server certificates resource. */
export const servers = {
  /** Plans the validity of every node's certificate. */
  check(
    olds: Partial<ServerCertificatesInputs>,
    news: ServerCertificatesInputs,
  ): { inputs: ServerCertificatesInputs; failures: CheckFailure[] } {
    if (isUnknown([news.nodes, news.validityMs, news.renewBeforeMs])) return { inputs: news, failures: [] };
    const failures = [...lifetimeFailures(news), ...hostFailures(news)];
    return { inputs: failures.length > 0 ? news : planServers(present(olds), news, new Date()), failures };
  },
  /** Whether any certificate has to be made anew, or dropped. */
  diff(olds: ServerCertificatesState, news: ServerCertificatesInputs): { changes: boolean } {
    return { changes: differs(olds, news, ["authority", "nodes", "validityMs", "renewBeforeMs", "validity"]) };
  },
  /** Makes the certificates. */
  create(inputs: ServerCertificatesInputs): { id: string; outs: ServerCertificatesState } {
    return { id: "servers", outs: issueServers(undefined, planServers(inputs, inputs, new Date())) };
  },
  /** Makes those certificates anew that something changed for. */
  update(olds: ServerCertificatesState, news: ServerCertificatesInputs): { outs: ServerCertificatesState } {
    return { outs: issueServers(olds, planServers(news, news, new Date())) };
  },
};

function lifetimeFailures(inputs: { readonly validityMs: number; readonly renewBeforeMs: number }): CheckFailure[] {
  const { validityMs, renewBeforeMs } = inputs;
  if (validityMs <= 0) return [{ property: "validityMs", reason: `a certificate must live longer than ${validityMs} ms [ERR_TLS_ARGS]` }];
  if (renewBeforeMs >= 0 && renewBeforeMs < validityMs) return [];
  return [
    {
      property: "renewBeforeMs",
      reason: `renewal ${renewBeforeMs} ms before the end does not fit into a lifetime of ${validityMs} ms [ERR_TLS_ARGS]`,
    },
  ];
}

function hostFailures(inputs: ServerCertificatesInputs): CheckFailure[] {
  return Object.entries(inputs.nodes).flatMap(([node, hosts]) =>
    hosts.flatMap((host, index) => {
      const problem = hostProblem(host);
      return problem === undefined ? [] : [{ property: `nodes.${node}[${index}]`, reason: `${problem} [ERR_TLS_ARGS]` }];
    }),
  );
}

/** Pulumi hands an empty object to the first check. */
function present<T extends object>(olds: Partial<T>): T | undefined {
  return Object.keys(olds).length === 0 ? undefined : (olds as T);
}

function differs<T extends object>(olds: T, news: T, keys: readonly (keyof T)[]): boolean {
  return keys.some((key) => !isDeepStrictEqual(olds[key], news[key]));
}
