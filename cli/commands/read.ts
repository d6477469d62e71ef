import { isUtf8 } from "node:buffer";
import { readMessages, type StoredMessage } from "../../operations/read.ts";
import { parseCount } from "../arguments.ts";
import { resolveConnection } from "../bus-access.ts";
import { EXIT } from "../exit-codes.ts";
import { listenForInterrupts } from "../interrupts.ts";
import { openBus } from "../session.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

function renderMessage(message: StoredMessage): string {
  const payload = Buffer.from(message.payload);
  const text = isUtf8(payload) ? payload.toString("utf8") : `base64:${payload.toString("base64")}`;
  return `${message.sequence}  ${message.time}  ${message.subject}  ${text}\n`;
}

function renderJson({ payload, ...rest }: StoredMessage): string {
  const bytes = Buffer.from(payload);
  const content = isUtf8(bytes) ? { payload: bytes.toString("utf8") } : { payloadBase64: bytes.toString("base64") };
  return `${JSON.stringify({ ...rest, ...content })}\n`;
}

/** `natsbus read`. */
export const verb = defineVerb({
  name: "read",
  summary: "read messages of a stream",
  synopsis: "STREAM",
  details: "Shows the newest messages, oldest of them first, and takes nothing away. With --json one message a line.",
  args: {
    ...COMMON_ARGS,
    stream: { type: "positional", required: true, description: "name of the stream" },
    count: { type: "string", alias: "n", valueHint: "N", default: "10", description: "how many of the newest messages" },
    follow: { type: "boolean", alias: "f", description: "go on with new messages until Ctrl-C" },
    subject: { type: "string", valueHint: "SUBJECT", description: "only messages of this subject; wildcards allowed" },
    user: { type: "string", alias: "u", valueHint: "NAME", description: "user to connect as (default: one that may do everything)" },
  },
  examples: [
    ["read CONSCIOUSNESS --count 1", "the newest message"],
    ["read SECURITY --follow --subject 'security.critical.>'", "critical events as they come"],
  ],
  async run({ args, terminal }) {
    const count = parseCount("--count", args.count, { min: 0, max: 1_000_000 }) ?? 10;
    const connection = await resolveConnection(await openBus(args), args.user);
    using interrupts = listenForInterrupts(() => undefined);
    const subject = args.subject === undefined ? {} : { subject: args.subject };
    const request = {
      connection,
      stream: args.stream,
      count,
      follow: args.follow === true,
      signal: interrupts.cancellation.graceful,
      ...subject,
    };
    for await (const message of readMessages(request)) terminal.out(args.json === true ? renderJson(message) : renderMessage(message));
    return EXIT.ok;
  },
});
