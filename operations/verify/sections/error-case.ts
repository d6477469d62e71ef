/** One kind of error: how it is provoked, the code it must have, and what must work again afterwards. */
import type { MessageBus } from "../../../client/message-bus.ts";
import { type ErrorCode, isBusError } from "../../../core/errors.ts";
import { type Check, failed, passed } from "../check.ts";
import type { Context } from "../context.ts";
import type { ScratchStream } from "../scratch.ts";
import { item, openBus, workSubject } from "../tools.ts";

/** What a case works with. */
export interface Stage {
  readonly context: Context;
  readonly stream: ScratchStream;
  readonly bus: MessageBus;
}

/** A kind of error. */
export interface ErrorCase {
  readonly name: string;
  readonly title: string;
  readonly code: ErrorCode;
  /** Must throw an error with the code. */
  readonly provoke: (stage: Stage) => Promise<unknown>;
  /** Must not throw.
   * @default - a message is published on the same client */
  readonly recover?: (stage: Stage) => Promise<unknown>;
}

/** A case as a check. */
export function errorCheck({ name, title, code, provoke, recover = publishAgain }: ErrorCase): Check {
  return {
    name,
    title,
    async run(context) {
      const stream = await context.scratch.stream(name);
      await using bus = await openBus(context);
      const stage = { context, stream, bus };
      const thrown = await provoke(stage).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (thrown === undefined) return failed(`${code} was expected, and nothing failed`);
      if (!isBusError(thrown) || thrown.code !== code)
        return failed(`${code} was expected, not ${isBusError(thrown) ? `${thrown.code}: ${thrown.message}` : String(thrown)}`);
      await recover(stage);
      return passed(`${code}, then recovered`);
    },
  };
}

/** Proves that a client still works. */
export async function publishAgain({ bus, stream }: Pick<Stage, "bus" | "stream">): Promise<void> {
  await bus.publish(workSubject(stream), item(0));
}
