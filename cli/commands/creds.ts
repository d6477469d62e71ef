import { resolve } from "node:path";
import { BusError } from "../../core/errors.ts";
import { assertUp, findUser, readBusFile } from "../bus-access.ts";
import { EXIT } from "../exit-codes.ts";
import { renderTable } from "../reporters/table.ts";
import { openBus } from "../session.ts";
import { COMMON_ARGS, defineVerb } from "../verb.ts";

/** `natsbus creds`. */
export const verb = defineVerb({
  name: "creds",
  summary: "list users and where their credentials lie",
  synopsis: "[USER]",
  details: "A credentials file is a secret: whoever has it is that user. Nothing but --show prints its content.",
  args: {
    ...COMMON_ARGS,
    user: { type: "positional", required: false, description: "print the path of this user's file only" },
    show: { type: "boolean", description: "print the content of the file, a secret" },
  },
  examples: [
    ["creds", "every user with its account, role and file"],
    ["creds security", "the path of one file, for scripts: nats --creds $(natsbus creds security) …"],
    ["creds security --show > /run/secrets/security.creds", "the content"],
  ],
  async run({ args, terminal }) {
    const place = await openBus(args);
    assertUp(place);
    if (args.user === undefined) {
      if (args.show === true) throw new BusError("ERR_USAGE", "--show needs the name of a user", { remedy: "natsbus creds USER --show" });
      const users = place.bus.users.map((user) => ({ ...user, file: resolve(place.root, user.file) }));
      if (args.json === true) terminal.out(`${JSON.stringify(users, null, 2)}\n`);
      else
        terminal.out(
          renderTable(
            ["USER", "ROLE", "ACCOUNT", "FILE"],
            place.bus.users.map((user) => [user.name, user.role, user.account, user.file]),
            terminal.outPalette,
          ),
        );
      return EXIT.ok;
    }
    const user = findUser(place, args.user);
    if (user === undefined || user.file === "") throw new BusError("ERR_CREDENTIALS", `no credentials file was written for ${args.user}`);
    const file = resolve(place.root, user.file);
    const text = args.show === true ? await readBusFile(place, user.file) : undefined;
    if (args.json === true) terminal.out(`${JSON.stringify({ ...user, file, ...(text === undefined ? {} : { content: text }) })}\n`);
    else terminal.out(text ?? `${file}\n`);
    return EXIT.ok;
  },
});
