/** Another `auth.mode` has other accounts: what the servers hold would stay in the old ones, where nobody could reach it. */
import { isUnknown } from "../../core/unknown.ts";
import type { ServerIdentity } from "../server-plan.ts";
import type { ClusterInputs } from "./cluster-spec.ts";
import { monitorsOf } from "./leave.ts";
import { observeNodes } from "./readiness.ts";
import { type Refusal, refusal } from "./refusals.ts";

const MODES: Readonly<Record<ServerIdentity["kind"], string>> = { operator: "jwt", accounts: "config", none: "none" };

/** Refuses another `auth.mode` while the servers hold streams, or do not all say that they hold none. */
export async function refuseOtherMode(olds: ClusterInputs, news: ClusterInputs): Promise<Refusal[]> {
  const [was, wanted] = [kindOf(olds.identity), kindOf(news.identity)];
  if (was === wanted) return [];
  const views = await observeNodes(await monitorsOf(olds.nodes), false);
  const counts = views.map(({ jsz }) => jsz?.streams ?? (jsz === undefined ? undefined : 0));
  if (counts.every((count) => count === 0)) return [];
  const held = counts.some((count) => (count ?? 0) > 0) ? "hold streams" : "may hold streams, and not every one says";
  const text = `auth.mode cannot change from ${MODES[was]} to ${MODES[wanted]}: the servers ${held}, and these would stay in accounts that nobody could reach any more; set natsbus:auth mode back to ${MODES[was]}, or back the streams up and delete them first`;
  return [refusal("ERR_ACCOUNT_REPLACE", text)];
}

/** Only an `accounts` block is unknown as a whole while its logins have yet to be made. */
function kindOf(identity: ServerIdentity): ServerIdentity["kind"] {
  return typeof identity === "object" && !isUnknown(identity.kind) ? identity.kind : "accounts";
}
