import { createServer, connect as dial, type Server, type Socket } from "node:net";
import { Transform } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";
import { findFreePorts } from "./free-ports.ts";

/** A port in front of another one, whose connections can be cut, or made thin. */
export class TcpProxy implements AsyncDisposable {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Connections cut so far. */
  cuts = 0;
  /** Bytes a second that come through to the target; undefined: as many as may be. */
  bytesPerSecond: number | undefined;

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
        if (from === client) from.pipe(this.#thin()).pipe(to);
        else from.pipe(to);
      }
    });
  }

  /** Holds each piece back for as long as it would take at {@link bytesPerSecond}. */
  #thin(): Transform {
    return new Transform({
      transform: (piece: Buffer, _encoding, done) => {
        const rate = this.bytesPerSecond;
        if (rate === undefined) done(null, piece);
        else void delay((1000 * piece.length) / rate).then(() => done(null, piece));
      },
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
