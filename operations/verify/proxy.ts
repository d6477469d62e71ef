/** A TCP proxy of this process, to cut, hold and refuse connections without touching a server. */

import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A proxy in front of one server. */
export interface TcpProxy extends AsyncDisposable {
  readonly port: number;
  /** Cuts every connection. */
  cut(): void;
  /** Lets no byte pass any more, or lets them pass again; new connections are held likewise. */
  hold(isHeld: boolean): void;
  /** Connections that were made so far. */
  readonly accepted: number;
}

/** Options of {@link openProxy}. */
export interface ProxyOptions {
  /** Milliseconds that every byte waits on its way to the client.
   * @default 0 */
  readonly delayMs?: number;
}

/** Opens a proxy on a free port of loopback. */
export async function openProxy(
  target: { readonly host: string; readonly port: number },
  { delayMs = 0 }: ProxyOptions = {},
): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let accepted = 0;
  let isHeld = false;
  const server = createServer((client) => {
    accepted += 1;
    const upstream = connect(target);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const end = (): void => {
      pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    for (const socket of pair) socket.on("error", end).on("close", end);
    client.on("data", (bytes) => void upstream.write(bytes));
    upstream.on("data", (bytes) => (delayMs === 0 ? void client.write(bytes) : void setTimeout(() => client.write(bytes), delayMs)));
    if (isHeld) pauseAll(pair);
  });
  const port = await listen(server);
  return {
    port,
    get accepted() {
      return accepted;
    },
    cut() {
      for (const pair of [...pairs]) for (const socket of pair) socket.destroy();
    },
    hold(held) {
      isHeld = held;
      for (const pair of pairs)
        if (held) pauseAll(pair);
        else for (const socket of pair) socket.resume();
    },
    async [Symbol.asyncDispose]() {
      for (const pair of [...pairs]) for (const socket of pair) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

function pauseAll(pair: readonly Socket[]): void {
  for (const socket of pair) socket.pause();
}

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
