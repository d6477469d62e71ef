/** What a rollout has to do, in words and as values. Pure. */
import { classifyChange } from "../../core/reload.ts";
import { renderSize } from "../../core/units.ts";
import type { ClaimView, ClaimWish, PodView, RolloutInputs, SetView } from "./model.ts";

/** Names of servers whose pods were made from an older template, or are gone: only a new pod brings the change. */
export function stalePods({ pods, revision }: SetView, servers: readonly string[]): string[] {
  const known = new Map(pods.map((pod) => [pod.name, pod]));
  return servers.filter((name) => known.get(name)?.revision !== revision);
}

/** Names of stale servers that serve nobody: deleting their pods costs nothing, and nothing else would mend them. */
export function brokenPods(view: SetView, servers: readonly string[]): string[] {
  const stale = new Set(stalePods(view, servers));
  return view.pods.filter(({ name, ready, leaving }) => stale.has(name) && !ready && !leaving).map(({ name }) => name);
}

/** Claims that ask for less than is wanted, or do not have it yet. */
export function growingClaims(claims: readonly ClaimView[], wish: ClaimWish | undefined): ClaimView[] {
  if (wish === undefined) return [];
  return claims.filter(
    (claim) => claim.requestedBytes < wish.sizeBytes || (claim.capacityBytes > 0 && claim.capacityBytes < wish.sizeBytes),
  );
}

/** What a change costs, in words for the plan; empty when nothing changes.
 * @param view the set as it is; absent: not known */
export function describeRollout(olds: RolloutInputs | undefined, news: RolloutInputs, view: SetView | undefined): string[] {
  if (olds === undefined) return [];
  return [...describeGrowth(view, news), ...describeSettings(olds, news), ...describeScale(olds, news)];
}

/** Why a pod is not ready, for progress lines. */
export function podTrouble(pod: PodView | undefined, name: string): string {
  if (pod === undefined) return `${name} has no pod yet`;
  if (pod.leaving) return `${name} is shutting down`;
  return pod.trouble === undefined ? `${name} is not ready yet` : `${name}: ${pod.trouble}`;
}

function describeGrowth(view: SetView | undefined, { claim }: RolloutInputs): string[] {
  const growing = growingClaims(view?.claims ?? [], claim);
  if (claim === undefined || growing.length === 0) return [];
  return [`${growing.length} volumes grow to ${renderSize(claim.sizeBytes)} while the servers run`];
}

function describeSettings(olds: RolloutInputs, news: RolloutInputs): string[] {
  const reasons = news.servers.flatMap((server) => {
    const [before, after] = [olds.settings[server], news.settings[server]];
    return before === undefined || after === undefined ? [] : classifyChange(before, after).reasons;
  });
  const texts = (action: "reload" | "restart") =>
    [...new Set(reasons.filter((reason) => reason.action === action).map(wordsOf))].join("; ");
  const restarts = [texts("restart"), olds.version === news.version ? "" : `nats-server ${olds.version} becomes ${news.version}`];
  const restart = restarts.filter((text) => text !== "").join("; ");
  if (restart !== "") return [`rolling restart of ${news.servers.length} servers, one at a time: ${restart}`];
  const reload = texts("reload");
  return reload === "" ? [] : [`reload only of ${news.servers.length} servers: ${reload}`];
}

function wordsOf(reason: { readonly path: string; readonly action: "reload" | "restart"; readonly why: string }): string {
  return reason.action === "reload" ? reason.path : `${reason.path} (${reason.why})`;
}

function describeScale(olds: RolloutInputs, news: RolloutInputs): string[] {
  const added = news.servers.length - olds.servers.length;
  return added > 0 ? [`${added} more servers; streams stay where they are until they are moved`] : [];
}
