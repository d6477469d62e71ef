/** The further listeners of a server, and the small forms all listeners share. */
import type { ConfigBlock, ConfigValue } from "./config-text.ts";
import type { ServerConfigSpec } from "./server-config-spec.ts";
import type { Listener, TlsFiles } from "./server-listener-spec.ts";

/** WebSocket, MQTT, leaf node and gateway blocks of a server. */
export function serverListeners(spec: ServerConfigSpec): ConfigBlock {
  return { websocket: websocketBlock(spec), mqtt: mqttBlock(spec), leafnodes: leafNodesBlock(spec), gateway: gatewayBlock(spec) };
}

/** `host:port` of a listener, an IPv6 host in brackets. */
export function listenAddress(listener: Listener): string {
  return `${listener.host.includes(":") ? `[${listener.host}]` : listener.host}:${listener.port}`;
}

/** `tls` block of a listener; `undefined` without certificates. */
export function tlsBlock(files: TlsFiles | undefined): ConfigValue {
  if (files === undefined) return undefined;
  return {
    cert_file: files.certFile,
    key_file: files.keyFile,
    ca_file: files.caFile,
    verify: files.verify,
    timeout: files.timeoutSeconds,
    handshake_first: files.handshakeFirst,
  };
}

/** Milliseconds as the server reads durations, in the largest unit that is exact: `2m`, `1500ms`. */
export function durationText(ms: number | undefined): string | undefined {
  if (ms === undefined) return undefined;
  if (ms !== 0 && ms % 3_600_000 === 0) return `${ms / 3_600_000}h`;
  if (ms !== 0 && ms % 60_000 === 0) return `${ms / 60_000}m`;
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`;
}

function websocketBlock(spec: ServerConfigSpec): ConfigValue {
  const { websocket } = spec;
  if (websocket === undefined) return undefined;
  return {
    listen: listenAddress(websocket),
    advertise: websocket.advertise,
    tls: tlsBlock(websocket.tls),
    no_tls: websocket.tls === undefined ? true : undefined,
    same_origin: websocket.sameOrigin,
    allowed_origins: websocket.allowedOrigins,
    compression: websocket.compression,
  };
}

function mqttBlock(spec: ServerConfigSpec): ConfigValue {
  const { mqtt } = spec;
  return mqtt === undefined ? undefined : { listen: listenAddress(mqtt), tls: tlsBlock(mqtt.tls) };
}

function leafNodesBlock(spec: ServerConfigSpec): ConfigValue {
  const { leafNodes } = spec;
  if (leafNodes === undefined) return undefined;
  const { listener, remotes } = leafNodes;
  return {
    ...(listener === undefined ? {} : { listen: listenAddress(listener), advertise: listener.advertise, tls: tlsBlock(listener.tls) }),
    remotes: remotes?.map((remote) => ({
      urls: remote.urls,
      account: remote.account,
      credentials: remote.credentials,
      tls: tlsBlock(remote.tls),
    })),
  };
}

function gatewayBlock(spec: ServerConfigSpec): ConfigValue {
  const { gateway } = spec;
  if (gateway === undefined) return undefined;
  return {
    name: gateway.name,
    listen: listenAddress(gateway),
    advertise: gateway.advertise,
    tls: tlsBlock(gateway.tls),
    gateways: gateway.gateways.map((remote) => ({ name: remote.name, urls: remote.urls })),
  };
}
