import { describe, expect, it } from "vitest";
import { z } from "zod";
import { composeMessage, withHeaders } from "../../../client/compose.ts";
import { resolveConsume } from "../../../client/consume-args.ts";
import { MessageBus } from "../../../client/index.ts";
import { route } from "../../../client/route.ts";
import { readRange } from "../../../client/stored-range.ts";
import { defineSubject } from "../../../client/subject.ts";

const alert = defineSubject("security.*.alert", z.object({ host: z.string() }));
const message = composeMessage(alert, { host: "n1" }, { priority: "low" });
const routes = [route(alert, () => undefined)];
const replay = async (args: unknown) => {
  for await (const _ of readRange(undefined as never, "a", args as never)) return;
};

describe("a program without types is told what to give instead", () => {
  it.each<[string, unknown, RegExp]>([
    ["nothing", undefined, /connect: a stack, as in \{ stack: "dev" \}, or servers .* is needed/],
    ["nothing in it", {}, /connect: a stack/],
    ["the name of a stack alone", "dev", /connect: a stack/],
    ["one address", { servers: "nats://127.0.0.1:4222" }, /servers: a list, as in/],
  ])("that connects with %s", async (_, args, problem) => {
    await expect(MessageBus.connect(args as never)).rejects.toMatchObject({
      code: "ERR_CLIENT_OPTION",
      message: expect.stringMatching(problem),
    });
  });

  it.each<[string, string, () => unknown, RegExp]>([
    ["publishes to a text", "ERR_CLIENT_SUBJECT", () => composeMessage("security.low.alert" as never, {}, {}), /not a subject definition/],
    [
      "invents a priority",
      "ERR_CLIENT_SUBJECT",
      () => composeMessage(alert, { host: "n" }, { priority: "urgent" as never }),
      /"urgent" is not a priority/,
    ],
    [
      "numbers its messages",
      "ERR_CLIENT_OPTION",
      () => composeMessage(alert, { host: "n" }, { priority: "low", id: 5 as never }),
      /Nats-Msg-Id: a text is needed/,
    ],
    ["puts numbers into headers", "ERR_CLIENT_OPTION", () => withHeaders(message, { a: 1 as never }), /the header a: a text is needed/],
    ["forgets the schema", "ERR_CLIENT_SUBJECT", () => defineSubject("a", undefined as never), /the schema is missing/],
    ["forgets z.object", "ERR_CLIENT_SUBJECT", () => defineSubject("a", { host: z.string() }), /a record of zod schemas/],
    ["forgets the handler", "ERR_CLIENT_OPTION", () => route(alert, undefined as never), /a function as the handler is needed/],
    ["routes a text", "ERR_CLIENT_OPTION", () => route("a" as never, () => undefined), /what defineSubject returned is needed/],
    ["has no routes", "ERR_CLIENT_OPTION", () => resolveConsume({ stream: "S", consumer: "c", routes: [] }), /at least one route/],
    ["names no consumer", "ERR_CLIENT_OPTION", () => resolveConsume({ stream: "S", routes } as never), /the name of a consumer, or lanes/],
    [
      "weighs lanes in words",
      "ERR_CLIENT_OPTION",
      () => resolveConsume({ stream: "S", lanes: { low: "l" }, serve: "fair", routes } as never),
      /"strict", or a weight/,
    ],
  ])("that %s", (_, code, run, problem) => {
    expect(run).toThrow(expect.objectContaining({ code, message: expect.stringMatching(problem) }));
  });

  it.each<[string, unknown, RegExp]>([
    ["no stream", undefined, /stream: the name of a stream is needed/],
    ["a word", { stream: "S", from: "yesterday" }, /from: first, last-per-subject, \{ sequence \} or \{ time \} is needed/],
    ["a word for the end", { stream: "S", to: "first" }, /to: \{ sequence \} or \{ time \} is needed/],
    ["a time as text", { stream: "S", from: { time: "2026-11-25" } }, /from.time: a Date is needed/],
  ])("that replays from %s", async (_, args, problem) => {
    await expect(replay(args)).rejects.toMatchObject({ code: "ERR_CLIENT_OPTION", message: expect.stringMatching(problem) });
  });
});
