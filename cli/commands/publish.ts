import { readFileSync } from "node:fs";
import { BusError } from "../../core/errors.ts";
import { publishMessage } from "../../operations/publish.ts";
import { resolveConnection } from "../bus-access.ts";
import { EXIT } from "../exit-codes.ts";
import { openBus } from "../session.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

function parseHeader(text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined) return {};
  const [, name, value] = /^([!-9;-~]+)[:=]\s*(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new BusError("ERR_USAGE", `--header is ${JSON.stringify(text)}; allowed is NAME=VALUE`);
  return { [name]: value };
}

/** `natsbus publish`. */
export const verb = defineVerb({
  name: "publish",
  summary: "publish one message as a user of the stack",
  synopsis: "SUBJECT PAYLOAD",
  args: {
    ...COMMON_ARGS,
    subject: { type: "positional", required: true, description: "subject, without wildcards" },
    payload: { type: "positional", required: true, description: "text of the message; - reads it from stdin" },
    user: { type: "string", alias: "u", valueHint: "NAME", description: "user to connect as (default: one that may do everything)" },
    header: { type: "string", valueHint: "NAME=VALUE", description: "a header, for instance Nats-Msg-Id=42" },
  },
  examples: [
    ['publish consciousness.normal.hello \'{"hello":"world"}\'', "waits until a stream has stored it"],
    ["publish security.high.login - --user security < event.json", "as the user security, payload from stdin"],
  ],
  async run({ args, terminal }) {
    const connection = await resolveConnection(await openBus(args), args.user);
    const payload = args.payload === "-" ? readFileSync(0) : args.payload;
    const receipt = await publishMessage({ connection, subject: args.subject, payload, headers: parseHeader(args.header) });
    if (args.json === true) terminal.out(`${JSON.stringify(receipt)}\n`);
    else terminal.out(`stored in ${receipt.stream} as message ${receipt.sequence}${receipt.duplicate ? " already (duplicate)" : ""}\n`);
    return EXIT.ok;
  },
});
