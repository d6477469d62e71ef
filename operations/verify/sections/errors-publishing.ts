/** Errors of publishers. */
import { MessageBus } from "../../../client/message-bus.ts";
import { route } from "../../../client/route.ts";
import { defineSubject } from "../../../client/subject.ts";
import type { Check } from "../check.ts";
import { failed, passed, skipped } from "../check.ts";
import { userConnection } from "../context.ts";
import { item, itemSchema, numbers, openBus, withManager, workSubject } from "../tools.ts";
import { errorCheck, publishAgain } from "./error-case.ts";

const notStored = errorCheck({
  name: "no-stream",
  title: "a subject that no stream stores",
  code: "ERR_CLIENT_PUBLISH",
  provoke: ({ bus, context }) => {
    const nowhere = defineSubject(`natsbus-verify.${context.scratch.run}.nowhere`, itemSchema);
    return bus.publish(nowhere, item(1), { deadline: "500ms" });
  },
});

const wrongShape = errorCheck({
  name: "wrong-shape",
  title: "a payload that does not fit its schema",
  code: "ERR_CLIENT_SCHEMA",
  provoke: ({ bus, stream }) => bus.publish(workSubject(stream), { n: Number.NaN, text: "" }),
});

const openSubject = errorCheck({
  name: "wildcard-subject",
  title: "a message without a literal subject",
  code: "ERR_CLIENT_SUBJECT",
  provoke: ({ bus, stream }) => bus.publish(defineSubject(`${stream.subject}.>`, itemSchema), item(1)),
});

const tooLarge = errorCheck({
  name: "too-large",
  title: "a payload above its subject's size",
  code: "ERR_CLIENT_SIZE",
  provoke: ({ bus, stream }) => bus.publish({ ...workSubject(stream), maxBytes: 10 }, item(1)),
});

const badHeader = errorCheck({
  name: "reserved-header",
  title: "a header that is the servers' own",
  code: "ERR_CLIENT_OPTION",
  provoke: ({ bus, stream }) => bus.publish(workSubject(stream), item(1), { headers: { "Nats-Rollup": "all" } }),
});

const badUnit = errorCheck({
  name: "malformed-duration",
  title: "a duration without a unit",
  code: "ERR_UNIT",
  provoke: ({ bus, stream }) => bus.publish(workSubject(stream), item(1), { deadline: "soon" as "1s" }),
});

const fullWindow = errorCheck({
  name: "back-pressure",
  title: "more messages at once than a client holds",
  code: "ERR_CLIENT_BACKPRESSURE",
  async provoke({ context, stream }) {
    await using narrow = await openBus(context, { publishing: { maxInFlight: 1, maxQueued: 1 } });
    const results = await Promise.allSettled(numbers(10).map((n) => narrow.publish(workSubject(stream), item(n))));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  },
});

const afterClose = errorCheck({
  name: "closed-client",
  title: "publishing with a client that was closed",
  code: "ERR_CLIENT_CLOSED",
  async provoke({ context, stream }) {
    const closed = await openBus(context);
    await closed.close();
    await closed.publish(workSubject(stream), item(1));
  },
});

const fullStream = errorCheck({
  name: "full-stream",
  title: "a stream that is full and refuses new messages",
  code: "ERR_CLIENT_PUBLISH",
  async provoke({ bus, stream, context }) {
    await withManager(context, (manager) => manager.streams.update(stream.name, { max_msgs: 2, discard: "new" as never }));
    for (const n of numbers(3)) await bus.publish(workSubject(stream), item(n), { deadline: "1s" });
  },
  async recover(stage) {
    await withManager(stage.context, (manager) => manager.streams.purge(stage.stream.name));
    await publishAgain(stage);
  },
});

const wrongRights: Check = {
  name: "wrong-rights",
  title: "publishing where the user may not",
  async run(context) {
    const limited = context.users.find(({ role, account }) => {
      const rights = context.declared?.accounts.find(({ name }) => name === account)?.roles[role];
      return (
        rights !== undefined &&
        !rights.publish.allow.includes(">") &&
        account !== "SYS" &&
        rights.publish.allow.some((subject) => subject.endsWith(".>") && !subject.startsWith("$"))
      );
    });
    if (limited === undefined) return skipped("no user with limited rights is declared");
    const stream = await context.scratch.stream("rights");
    await using bus = await MessageBus.connect(userConnection(context, limited));
    const error = await bus.publish(workSubject(stream), item(1), { deadline: "3s" }).catch((thrown: unknown) => thrown);
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    if (code !== "ERR_CLIENT_PUBLISH") return failed(`ERR_CLIENT_PUBLISH was expected, not ${String(error)}`);
    await bus.connection.flush();
    return passed(`ERR_CLIENT_PUBLISH for ${limited.name}; the connection lives on`);
  },
};

const badConsumer = errorCheck({
  name: "no-consumer",
  title: "a consumer that does not exist",
  code: "ERR_CLIENT_CONSUMER",
  provoke: ({ bus, stream }) =>
    bus.consume({ stream: stream.name, consumer: "none", routes: [route(workSubject(stream), () => undefined)] }),
});

const badReplay = errorCheck({
  name: "no-such-stream",
  title: "reading again from a stream that does not exist",
  code: "ERR_CLIENT_STREAM",
  provoke: ({ bus, stream }) => Array.fromAsync(bus.replay(workSubject(stream), { stream: `${stream.name}_none` })),
});

const badKey = errorCheck({
  name: "wrong-key",
  title: "signing with what is no key",
  code: "ERR_CLIENT_KEY",
  provoke: ({ context }) => openBus(context, { signing: "not a seed" }),
});

/** Errors of publishers and of options. */
export const publishingErrors: readonly Check[] = [
  notStored,
  wrongShape,
  openSubject,
  tooLarge,
  badHeader,
  badUnit,
  fullWindow,
  afterClose,
  fullStream,
  wrongRights,
  badConsumer,
  badReplay,
  badKey,
];
