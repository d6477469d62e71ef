/** Posts results of pipelines to a chat's webhook, each at least once: `CHAT_WEBHOOK_URL=https://… node examples/chat-bridge.ts [STOP_AFTER]`. */
import { logging, MessageBus, type ReceivedMessage, route } from "natsbus/client";
import { pipeline } from "./subjects.ts";

const webhook = process.env["CHAT_WEBHOOK_URL"] ?? "";
if (!URL.canParse(webhook)) {
  console.error("set CHAT_WEBHOOK_URL to the address of an incoming webhook");
  process.exit(2);
}
const stopAfter = Number(process.argv[2] ?? Number.POSITIVE_INFINITY);
const { promise: enough, resolve } = Promise.withResolvers<void>();
process.once("SIGTERM", () => resolve()).once("SIGINT", () => resolve());

const middleware = [logging({ debug: () => undefined, warn: (fields, text) => console.error(text, JSON.stringify(fields)) })];
await using bus = await MessageBus.connect({ stack: process.env["NATSBUS_STACK"] ?? "dev", user: "orchestration", middleware });
let posted = 0;

async function post({ value, signal }: ReceivedMessage<{ name: string; status: string; url?: string }>): Promise<void> {
  const text = `pipeline ${value.name}: ${value.status}${value.url === undefined ? "" : ` ${value.url}`}`;
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(webhook, { method: "POST", headers, body: JSON.stringify({ text }), signal });
  // Thrown, so that the message comes again; a chat that stays away leaves it with the dead letters, for `redrive`.
  if (!answer.ok) throw new Error(`the chat answered ${answer.status}`);
  console.log(`posted: ${text}`);
  posted += 1;
  if (posted >= stopAfter) resolve();
}

await using _worker = await bus.consume({
  stream: "ORCHESTRATION",
  consumer: "orchestration-worker",
  routes: [route(pipeline, post)],
  unrouted: "skip",
  backOff: ["500ms", "5s", "30s"],
  handlerTimeout: "20s",
});
await enough;
