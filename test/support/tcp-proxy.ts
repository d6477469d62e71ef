import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { findFreePorts } from "./free-ports.ts";

/** A port in front of another one, whose connections can be cut. */
export class TcpProxy implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections cut so far. */
  cuts = 0;

  private constructor(port: number, target: number) {
    this.port = port;
    this.#server = createServer((client) => {
      const upstream = dial(target, "127.0.0.1");
      for (const [from, to] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        this.#sockets.add(from);
        from.on("error", () => to.destroy());
        from.on("close", () => {
          this.#sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
  }

  /** Listens on a free port of 127.0.0.1 in front of `target`. */
  static async start(target: number): Promise<TcpProxy> {
    const proxy = new TcpProxy(await findFreePorts(1), target);
    await new Promise<void>((resolve, reject) => {
      proxy.#server.once("error", reject);
      proxy.#server.listen(proxy.port, "127.0.0.1", resolve);
    });
    return proxy;
  }

  /** Client URL. */
  get url(): string {
    return `nats://127.0.0.1:${this.port}`;
  }

  /** Cuts every connection there is, in the middle of whatever is being sent; new ones are accepted. */
  cut(): void {
    this.cuts += this.#sockets.size / 2;
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
