/** What `natsbus import` found on a cluster and the catalogue did not declare; `streams/catalog.ts` takes it in. Nothing yet. */
export const imported = { streams: {}, keyValue: {}, objectStores: {} } as const;
