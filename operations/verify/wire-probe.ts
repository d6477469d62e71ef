/** Speaks to a server without a client library, to see what it does with clients that do not follow the rules. */
import { connect } from "node:net";

/** What a server did with a client that did not encrypt. */
export interface PlainAnswer {
  /** Whether the greeting demands TLS. */
  readonly demandsTls: boolean;
  /** Whether the server went on to talk in the clear: it answered a ping. */
  readonly served: boolean;
}

const TIMEOUT_MS = 5000;

/** Connects in the clear, says hello and pings; resolves when the server answers, closes, or stays silent. */
export function speakPlainly(url: string): Promise<PlainAnswer> {
  const { hostname, port } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<PlainAnswer>();
  const socket = connect({ host: hostname.replace(/^\[|\]$/g, ""), port: Number(port === "" ? 4222 : port) });
  let text = "";
  let greeted = false;
  const end = (): void => {
    socket.destroy();
    resolve({ demandsTls: /"tls_required":\s*true/.test(text), served: /^PONG/m.test(text) });
  };
  socket.setTimeout(TIMEOUT_MS, end);
  socket.on("data", (chunk) => {
    text += chunk.toString("latin1");
    if (!greeted && text.includes("\n")) {
      greeted = true;
      socket.write('CONNECT {"verbose":false,"pedantic":false,"tls_required":false,"lang":"natsbus","version":"0"}\r\nPING\r\n');
    }
    if (/^PONG/m.test(text)) end();
  });
  socket.once("close", end);
  socket.once("error", (error) => (greeted ? end() : reject(error)));
  return promise;
}
