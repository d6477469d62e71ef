/** Errors of connections. */

import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { MessageBus } from "../../../client/message-bus.ts";
import type { ConnectionSpec } from "../../../core/connection.ts";
import type { Check } from "../check.ts";
import { failed, passed, skipped } from "../check.ts";
import type { Context } from "../context.ts";
import { openProxy, type TcpProxy } from "../proxy.ts";
import { item, numbers, until, withManager, workSubject } from "../tools.ts";
import { errorCheck } from "./error-case.ts";

const WAIT_MS = 30_000;
const STALL_MS = 1200;

const nobodyThere = errorCheck({
  name: "no-server",
  title: "a server that does not listen",
  code: "ERR_CONNECT_REFUSED",
  async provoke({ context }) {
    const free = createServer().listen(0, "127.0.0.1");
    await once(free, "listening");
    const address = free.address();
    free.close();
    await once(free, "close");
    const port = typeof address === "object" && address !== null ? address.port : 1;
    await MessageBus.connect({ ...context.admin, servers: [`nats://127.0.0.1:${port}`] });
  },
});

const silentServer = errorCheck({
  name: "silent-server",
  title: "a server that takes the connection and says nothing",
  code: "ERR_CONNECT_TIMEOUT",
  async provoke({ context }) {
    const silent = createServer(() => undefined).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const address = silent.address();
    const port = typeof address === "object" && address !== null ? address.port : 1;
    try {
      await MessageBus.connect({ ...context.admin, servers: [`nats://127.0.0.1:${port}`], timeoutMs: 500 });
    } finally {
      silent.close();
    }
  },
});

const noCredentials = errorCheck({
  name: "wrong-credentials",
  title: "credentials that are none",
  code: "ERR_CONNECT_CREDENTIALS",
  provoke: ({ context }) => MessageBus.connect({ ...context.admin, creds: "not credentials" }),
});

/** A client whose only way to the bus leads through a proxy; the certificates hold for loopback, where the proxy listens. */
async function throughProxy(
  context: Context,
  work: (proxy: TcpProxy, bus: MessageBus) => Promise<Awaited<ReturnType<Check["run"]>>>,
): ReturnType<Check["run"]> {
  const url = new URL(context.admin.servers[0] ?? "");
  const isLocal = ["127.0.0.1", "localhost", "[::1]"].includes(url.hostname);
  if (!isLocal && url.protocol === "tls:")
    return skipped("the servers' certificates do not hold for this machine, so a proxy on it cannot stand in for a server");
  await using proxy = await openProxy({ host: url.hostname.replace(/^\[|\]$/g, ""), port: Number(url.port === "" ? 4222 : url.port) });
  const spec: ConnectionSpec = { ...context.admin, servers: [`${url.protocol}//127.0.0.1:${proxy.port}`] };
  await using bus = await MessageBus.connect({ ...spec, publishing: { attemptTimeout: "500ms", deadline: "30s" } });
  return await work(proxy, bus);
}

const cutConnection: Check = {
  name: "cut-connection",
  title: "a connection that is cut again and again while messages are on their way",
  async run(context) {
    const stream = await context.scratch.stream("cut");
    const count = context.quick ? 200 : 1000;
    return throughProxy(context, async (proxy, bus) => {
      const cutting = async (): Promise<void> => {
        for (const pauseMs of [20, 100, 300]) {
          await delay(pauseMs);
          proxy.cut();
        }
      };
      await Promise.all([cutting(), ...numbers(count).map((n) => bus.publish(workSubject(stream), item(n), { id: `cut-${n}` }))]);
      const { state } = await withManager(context, (manager) => manager.streams.info(stream.name));
      if (state.messages !== count) return failed(`${count} messages were acknowledged and ${state.messages} are stored`);
      return passed(`${count} messages stored once each; connected ${proxy.accepted} times`);
    });
  },
};

const slowNetwork: Check = {
  name: "stalled-network",
  title: "a network that lets nothing pass for a while",
  async run(context) {
    const stream = await context.scratch.stream("stall");
    return throughProxy(context, async (proxy, bus) => {
      await bus.publish(workSubject(stream), item(0));
      proxy.hold(true);
      const [receipt] = await Promise.all([
        bus.publish(workSubject(stream), item(1), { id: "stalled" }),
        delay(STALL_MS).then(() => proxy.hold(false)),
      ]);
      const { state } = await withManager(context, (manager) => manager.streams.info(stream.name));
      if (state.messages !== 2) return failed(`2 messages were acknowledged and ${state.messages} are stored`);
      return passed(`acknowledged after ${receipt.attempts} attempts, stored once`);
    });
  },
};

const deadline: Check = {
  name: "deadline",
  title: "a message that is not acknowledged in time",
  async run(context) {
    const stream = await context.scratch.stream("deadline");
    return throughProxy(context, async (proxy, bus) => {
      proxy.hold(true);
      const error = await bus.publish(workSubject(stream), item(1), { deadline: "600ms" }).catch((thrown: unknown) => thrown);
      proxy.hold(false);
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code !== "ERR_CLIENT_DEADLINE") return failed(`ERR_CLIENT_DEADLINE was expected, not ${String(error)}`);
      const recovered = await until(() => bus.publish(workSubject(stream), item(2)).then(() => true), WAIT_MS, context.signal);
      return recovered ? passed("ERR_CLIENT_DEADLINE, then recovered") : failed("the client did not recover");
    });
  },
};

/** Errors of connections. */
export const connectingErrors: readonly Check[] = [nobodyThere, silentServer, noCredentials, cutConnection, slowNetwork, deadline];
