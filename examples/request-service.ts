/** Offers a service, `node examples/request-service.ts`, or asks it, `node examples/request-service.ts HOST`. */
import { isBusError, MessageBus, respond, ServiceError } from "natsbus/client";
import { describeHost } from "./subjects.ts";

const OWNERS: Readonly<Record<string, string>> = { n1: "platform", n2: "platform", n3: "research" };
const [host] = process.argv.slice(2);
await using bus = await MessageBus.connect({ stack: process.env["NATSBUS_STACK"] ?? "dev" });

if (host === undefined) await serve();
else await ask(host);

async function serve(): Promise<void> {
  const describe = respond(describeHost, ({ value }) => {
    const owner = OWNERS[value.host];
    if (owner === undefined) throw new ServiceError(404, `there is no host ${value.host}`);
    return { host: value.host, owner, alerts: 0 };
  });
  // Start several: they share the requests, and `nats micro ls` finds them.
  await using service = await bus.serve({ name: "hosts", version: "1.0.0", description: "What is known of a host", endpoints: [describe] });
  console.log(`service ${service.name} ${service.version} is ready`);
  await new Promise((resolve) => process.once("SIGTERM", resolve).once("SIGINT", resolve));
}

async function ask(name: string): Promise<void> {
  try {
    const { owner, alerts } = await bus.request(describeHost, { host: name });
    console.log(`${name} belongs to ${owner} and has ${alerts} alerts`);
  } catch (error) {
    if (!isBusError(error)) throw error;
    console.log(`${error.code}: ${error.message}`);
    process.exitCode = 1;
  }
}
