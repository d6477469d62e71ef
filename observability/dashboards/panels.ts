/** Ids of all panels. An id is part of links that people keep: never renumber, never reuse; new panels take new numbers. */

/** Panel ids by `board/panel`; each board counts for itself. */
export const PANEL_IDS = {
  "cluster/servers": 1,
  "cluster/quorum": 2,
  "cluster/budget": 3,
  "cluster/alerts": 4,
  "cluster/alert-list": 5,
  "cluster/versions": 6,
  "cluster/meta-leader": 7,
  "cluster/reachable": 8,
  "cluster/peers": 9,
  "cluster/messages": 10,
  "cluster/bytes": 11,
  "cluster/connections": 12,
  "cluster/slow": 13,
  "cluster/routes": 14,
  "cluster/cpu": 15,
  "cluster/memory": 16,
  "cluster/storage": 17,
  "cluster/restarts": 18,
  "cluster/certificates": 19,
  "cluster/exporters": 20,
  "cluster/config": 21,
  "cluster/disk": 22,
  "cluster/storage-share": 23,
  "jetstream/streams": 1,
  "jetstream/ingest": 2,
  "jetstream/size": 3,
  "jetstream/limits": 4,
  "jetstream/replicas": 5,
  "jetstream/lag": 6,
  "jetstream/mirrors": 7,
  "jetstream/sources": 8,
  "jetstream/api": 9,
  "jetstream/meta": 10,
  "jetstream/disk-wait": 11,
  "jetstream/peers": 12,
  "jetstream/advisories": 13,
  "jetstream/reserved": 14,
  "consumers/pending": 1,
  "consumers/drain": 2,
  "consumers/ack-pending": 3,
  "consumers/redelivered": 4,
  "consumers/last-ack": 5,
  "consumers/waiting": 6,
  "consumers/delivered": 7,
  "accounts/messages": 1,
  "accounts/bytes": 2,
  "accounts/connections": 3,
  "accounts/subscriptions": 4,
  "accounts/quota": 5,
  "accounts/storage": 6,
  "accounts/slow": 7,
  "slo/budget": 1,
  "slo/availability-burn": 2,
  "slo/latency-burn": 3,
  "slo/outcomes": 4,
  "slo/latency": 5,
  "slo/heatmap": 6,
  "slo/server-side": 7,
} as const;

/** A panel by its board and name. */
export type PanelKey = keyof typeof PANEL_IDS;

/** A board by its short name; its uid is `<prefix>-<name>`. */
export type BoardName = PanelKey extends infer Key ? (Key extends `${infer Board}/${string}` ? Board : never) : never;

/** Board and id of a panel. */
export function locatePanel(key: PanelKey): { readonly board: BoardName; readonly id: number } {
  return { board: key.slice(0, key.indexOf("/")) as BoardName, id: PANEL_IDS[key] };
}
