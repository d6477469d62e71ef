/** What the probe knows and no exporter shows, as samples under the names of `observability/scrape-contract.ts`. Pure. */
import { collectAssets, metaPeers, type Peer, refusesWhenFull, type StreamAsset } from "./assets.ts";
import type { Seen } from "./observer.ts";
import type { VarzPage } from "./pages.ts";
import type { Labels, Sample } from "./sample.ts";

/** Every gauge of the probe. */
export function probeSamples(seen: readonly Seen[]): Sample[] {
  return [...seen.flatMap(serverSamples), ...peerSamples("meta", {}, metaPeers(seen) ?? []), ...collectAssets(seen).flatMap(assetSamples)];
}

function serverSamples({ server, pages }: Seen): Sample[] {
  if (pages === undefined) return [];
  const labels = { server_id: server.name };
  const { varz, wantedDigest, metaHealth } = pages;
  const ready = { name: "natsbus_meta_ready", labels, value: metaHealth?.status === "ok" ? 1 : 0 };
  const digest =
    wantedDigest === undefined
      ? []
      : [{ name: "natsbus_server_config_current", labels, value: varz.config_digest === wantedDigest ? 1 : 0 }];
  return [ready, ...digest, ...certificateSamples(labels, varz)];
}

/** The server itself knows when what it serves ends; no handshake is needed. */
function certificateSamples(labels: Labels, varz: VarzPage): Sample[] {
  const ends = {
    client: varz.tls_cert_not_after,
    route: varz.cluster?.tls_cert_not_after,
    leaf: varz.leaf?.tls_cert_not_after,
    websocket: varz.websocket?.tls_cert_not_after,
    mqtt: varz.mqtt?.tls_cert_not_after,
  };
  return Object.entries(ends).flatMap(([listener, end]) => {
    const value = end === undefined ? 0 : Date.parse(end) / 1000;
    // A listener without a certificate shows the year 1.
    return value > 0 ? [{ name: "natsbus_certificate_not_after_seconds", labels: { ...labels, listener }, value }] : [];
  });
}

function peerSamples(group: "meta" | "stream", labels: Labels, peers: readonly Peer[]): Sample[] {
  return peers.flatMap(({ server, current, lag }) => {
    const of = { ...labels, server_id: server };
    const currency = { name: `natsbus_${group}_peer_current`, labels: of, value: current ? 1 : 0 };
    return lag === undefined ? [currency] : [currency, { name: `natsbus_${group}_peer_lag`, labels: of, value: lag }];
  });
}

function assetSamples({ account, stream, peers, consumers }: StreamAsset): Sample[] {
  const labels = { account_name: account, stream_name: stream.name };
  return [
    ...peerSamples("stream", labels, peers),
    { name: "natsbus_stream_replicas_wanted", labels, value: stream.config?.num_replicas ?? 1 },
    { name: "natsbus_stream_refuses_when_full", labels, value: refusesWhenFull(stream) ? 1 : 0 },
    ...consumers.flatMap(({ consumer }) => {
      const value = consumer.config?.max_ack_pending ?? 0;
      return value > 0 ? [{ name: "natsbus_consumer_max_ack_pending", labels: { ...labels, consumer_name: consumer.name }, value }] : [];
    }),
  ];
}
