/** Whether a cluster is well, from what all its servers say. Pure. */
import { assetBlocker, leaderOf, metaBlocker, type NodeView } from "./blockers.ts";

/** Who leads a cluster, and what is not as it should be. */
export interface ClusterVerdict {
  /** Meta leader; absent: none is elected. */
  readonly metaLeader?: string;
  /** Why the cluster is not ready; absent: it is. */
  readonly blocked?: string;
  /** Which server, stream or consumer is behind; absent: none is. */
  readonly behind?: string;
}

/** The verdict over the views of all servers; what is behind is told only of a cluster that is ready. */
export function judgeViews(views: readonly NodeView[]): ClusterVerdict {
  const leader = leaderOf(views);
  const blocked = metaBlocker(views);
  const behind = blocked === undefined ? assetBlocker(views) : undefined;
  return {
    ...(leader === "" ? {} : { metaLeader: leader }),
    ...(blocked === undefined ? {} : { blocked }),
    ...(behind === undefined ? {} : { behind }),
  };
}
